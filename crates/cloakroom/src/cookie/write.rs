//! The `Set-Cookie` line, all but its value rendered once.

use std::fmt::Write;
use std::time::Duration;

use crate::id::{IdFormat, MAX_ID_BYTES, SessionId};

/// Browsers keep no cookie longer than 400 days (RFC 6265bis, section 5.5).
const MAX_AGE_CEILING: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Characters of the longest value: an ID of the most bytes, in hexadecimal.
const MAX_VALUE: usize = IdFormat::Hex.text_len(MAX_ID_BYTES);

/// Characters of the longest `Max-Age`.
const MAX_AGE_TEXT: usize = "; Max-Age=34560000".len();

/// The order and case of the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Spelling {
    #[default]
    Own,
    /// Alphabetical order and lower-case `SameSite`, as Litestar writes it.
    Litestar,
}

/// What the attributes are made of; checked already.
#[derive(Debug, Clone)]
pub(crate) struct Attributes<'a> {
    pub(crate) name: String,
    pub(crate) path: &'a str,
    pub(crate) domain: Option<&'a str>,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) same_site: &'a str,
    pub(crate) partitioned: bool,
    pub(crate) format: IdFormat,
    pub(crate) spelling: Spelling,
}

/// A cookie but for its value and lifetime.
#[derive(Debug, Clone)]
pub(crate) struct CookieSpec {
    name: String,
    format: IdFormat,
    before_max_age: String,
    after_max_age: String,
}

impl CookieSpec {
    pub(crate) fn new(attributes: &Attributes<'_>) -> Self {
        let Attributes { path, secure, http_only, same_site, .. } = attributes;
        let domain =
            attributes.domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
        let http_only = if *http_only { "; HttpOnly" } else { "" };
        let secure = if *secure { "; Secure" } else { "" };
        let partitioned = if attributes.partitioned { "; Partitioned" } else { "" };
        let (before_max_age, after_max_age) = match attributes.spelling {
            Spelling::Own => (
                format!(
                    "; Path={path}{domain}{secure}{http_only}; SameSite={same_site}{partitioned}"
                ),
                String::new(),
            ),
            Spelling::Litestar => {
                let same_site = same_site.to_ascii_lowercase();
                (
                    format!("{domain}{http_only}"),
                    format!("; Path={path}; SameSite={same_site}{secure}{partitioned}"),
                )
            }
        };
        let name = attributes.name.clone();
        Self { name, format: attributes.format, before_max_age, after_max_age }
    }

    /// The full name, prefix included.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The line that hands out an ID; without `max_age` the browser keeps it until it closes.
    ///
    /// Whole seconds, rounded down, so that the cookie never outlives the session.
    pub(crate) fn set(&self, id: &SessionId, max_age: Option<Duration>) -> String {
        let mut line = self.begin();
        id.expose_into(self.format, &mut line);
        self.end(line, max_age.map(|max_age| max_age.min(MAX_AGE_CEILING).as_secs()))
    }

    /// The line that makes the browser forget: the same attributes, no value, no time left.
    pub(crate) fn expire(&self) -> String {
        self.end(self.begin(), Some(0))
    }

    fn begin(&self) -> String {
        let attributes = self.before_max_age.len() + self.after_max_age.len();
        // The longest line there is: an allocation each, and no copy of a secret left behind by growing.
        let room = self.name.len() + 1 + MAX_VALUE + attributes + MAX_AGE_TEXT;
        let mut line = String::with_capacity(room);
        line.push_str(&self.name);
        line.push('=');
        line
    }

    fn end(&self, mut line: String, max_age: Option<u64>) -> String {
        line.push_str(&self.before_max_age);
        if let Some(seconds) = max_age {
            let _ = write!(line, "; Max-Age={seconds}");
        }
        line.push_str(&self.after_max_age);
        line
    }
}
