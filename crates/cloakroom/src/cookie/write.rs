//! The `Set-Cookie` line, all but its value rendered once.

use std::fmt::Write;
use std::time::Duration;

use memchr::memmem::Finder;

use crate::id::{IdFormat, SessionId};

/// Browsers keep no cookie longer than 400 days (RFC 6265bis, section 5.5).
const MAX_AGE_CEILING: Duration = Duration::from_secs(400 * 24 * 60 * 60);

const MAX_AGE: &str = "; Max-Age=";

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
    finder: Finder<'static>,
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
        let finder = Finder::new(&name).into_owned();
        Self { name, finder, format: attributes.format, before_max_age, after_max_age }
    }

    /// The full name, prefix included.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Finds the name in a header.
    pub(crate) fn finder(&self) -> &Finder<'static> {
        &self.finder
    }

    /// The line that hands out an ID; without `max_age` the browser keeps it until it closes.
    ///
    /// Whole seconds, rounded down, so that the cookie never outlives the session.
    pub(crate) fn set(&self, id: &SessionId, max_age: Option<Duration>) -> String {
        let seconds = max_age.map(|max_age| max_age.min(MAX_AGE_CEILING).as_secs());
        self.line(Some(id), seconds)
    }

    /// The line that makes the browser forget: the same attributes, no value, no time left.
    pub(crate) fn expire(&self) -> String {
        self.line(None, Some(0))
    }

    /// Of exactly the length that is needed: one allocation, and no copy of a secret left behind by growing.
    fn line(&self, id: Option<&SessionId>, max_age: Option<u64>) -> String {
        let value_len = id.map_or(0, |id| id.text_len(self.format));
        let max_age_len =
            max_age.map_or(0, |seconds| MAX_AGE.len() + 1 + seconds.max(1).ilog10() as usize);
        let attributes_len = self.before_max_age.len() + max_age_len + self.after_max_age.len();
        let mut line = String::with_capacity(self.name.len() + 1 + value_len + attributes_len);
        line.push_str(&self.name);
        line.push('=');
        if let Some(id) = id {
            id.expose_into(self.format, &mut line);
        }
        line.push_str(&self.before_max_age);
        if let Some(seconds) = max_age {
            let _ = write!(line, "{MAX_AGE}{seconds}");
        }
        line.push_str(&self.after_max_age);
        line
    }
}
