//! The one check: what passes it can serve.

use std::time::Duration;

use regex_lite::Regex;

use super::{
    ConfigError, CookiePrefix, SameSite, Scope, ServerSideSessionConfig, SubjectLimitPolicy,
};
use crate::cookie::{Attributes, CookieSpec, check_domain, check_name, check_path};
use crate::id::{IdFormat, MAX_ID_BYTES, MIN_ID_BYTES};
use crate::record::{Encoding, Limits, MAX_BYTES_CEILING};

/// A configuration that has been checked, its cookie rendered and its patterns compiled.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) cookie: CookieSpec,
    pub(crate) session_id_bytes: usize,
    pub(crate) id_format: IdFormat,
    pub(crate) renew_on_access: bool,
    pub(crate) renew_every: Option<Duration>,
    pub(crate) max_age: Duration,
    pub(crate) browser_session: bool,
    pub(crate) absolute_timeout: Option<Duration>,
    pub(crate) rotate_every: Option<Duration>,
    pub(crate) rotation_grace: Duration,
    pub(crate) encoding: Encoding,
    pub(crate) limits: Limits,
    pub(crate) max_sessions_per_subject: Option<usize>,
    pub(crate) subject_limit_policy: SubjectLimitPolicy,
    pub(crate) max_creations_per_second: Option<u32>,
    pub(crate) save_on_server_error: bool,
    pub(crate) operation_timeout: Duration,
    /// Whether requests to other hosts are refused.
    pub(crate) loopback_only: bool,
    /// Whether the cookie goes over https alone.
    pub(crate) secure: bool,
    exclude: Vec<Regex>,
    http: bool,
    websocket: bool,
}

impl Checked {
    #[cfg_attr(
        not(feature = "tower"),
        allow(dead_code, reason = "asked by the adapters, of which this build has none")
    )]
    pub(crate) fn excludes_nothing(&self) -> bool {
        self.http && self.websocket && self.exclude.is_empty()
    }

    pub(crate) fn excludes(&self, scope: Scope, path: &str) -> bool {
        let in_scope = match scope {
            Scope::Http => self.http,
            Scope::Websocket => self.websocket,
        };
        !in_scope || self.exclude.iter().any(|pattern| pattern.is_match(path))
    }
}

impl ServerSideSessionConfig {
    pub(crate) fn check(&self) -> Result<Checked, ConfigError> {
        self.check_numbers()?;
        Ok(Checked {
            cookie: self.check_cookie()?,
            session_id_bytes: self.session_id_bytes,
            id_format: self.id_format,
            renew_on_access: self.renew_on_access,
            renew_every: self.renew_every,
            max_age: self.max_age,
            browser_session: self.browser_session,
            absolute_timeout: self.absolute_timeout,
            rotate_every: self.rotate_every,
            rotation_grace: self.rotation_grace,
            encoding: self.encoding,
            limits: self.limits(),
            max_sessions_per_subject: self.max_sessions_per_subject,
            subject_limit_policy: self.subject_limit_policy,
            max_creations_per_second: self.max_creations_per_second,
            save_on_server_error: self.save_on_server_error,
            operation_timeout: self.operation_timeout,
            loopback_only: self.loopback_only && !self.secure,
            secure: self.secure,
            exclude: self
                .exclude
                .iter()
                .map(|pattern| anchored(pattern))
                .collect::<Result<_, _>>()?,
            http: self.scopes.contains(&Scope::Http),
            websocket: self.scopes.contains(&Scope::Websocket),
        })
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        let ranges = [
            ("session_id_bytes", self.session_id_bytes, MIN_ID_BYTES, MAX_ID_BYTES),
            ("max_bytes", self.max_bytes, 1, MAX_BYTES_CEILING),
            ("max_keys", self.max_keys, 1, 65_535),
            ("max_key_bytes", self.max_key_bytes, 1, 255),
            ("max_depth", self.max_depth, 1, 96),
            ("max_sessions_per_subject", self.max_sessions_per_subject.unwrap_or(1), 1, 1_000_000),
        ];
        for (field, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                let fix = format!("choose {low} to {high}");
                return Err(ConfigError::new(field, format!("is {value}"), fix));
            }
        }
        let second = Duration::from_secs(1);
        let durations = [
            ("max_age", Some(self.max_age)),
            ("absolute_timeout", self.absolute_timeout),
            ("rotate_every", self.rotate_every),
        ];
        for (field, value) in durations {
            if value.is_some_and(|value| value < second) {
                return Err(ConfigError::new(
                    field,
                    "is less than a second",
                    "choose a second or more",
                ));
            }
        }
        let never_zero = [
            ("renew_every", self.renew_every, "choose `1ms` to renew on each access"),
            (
                "rotation_grace",
                Some(self.rotation_grace),
                "choose how long requests that are under way may take",
            ),
            (
                "operation_timeout",
                Some(self.operation_timeout),
                "choose how long an operation of the store may take",
            ),
        ];
        for (field, value, fix) in never_zero {
            if value.is_some_and(|value| value.is_zero()) {
                return Err(ConfigError::new(field, "is zero", fix));
            }
        }
        if self.renew_on_access && self.renew_every.is_some_and(|every| every >= self.max_age) {
            let problem = "is not shorter than `max_age`, so that no access would renew a session";
            let fix = "choose a fraction of `max_age`, or leave it out for a tenth";
            return Err(ConfigError::new("renew_every", problem, fix));
        }
        if self.max_creations_per_second == Some(0) {
            let fix = "leave it out for no limit, or choose 1 or more";
            return Err(ConfigError::new("max_creations_per_second", "is zero", fix));
        }
        if self.scopes.is_empty() {
            let fix = "name `http`, `websocket` or both, or leave the layer out";
            return Err(ConfigError::new("scopes", "is empty", fix));
        }
        Ok(())
    }

    fn check_cookie(&self) -> Result<CookieSpec, ConfigError> {
        check_name(&self.key).map_err(|problem| {
            ConfigError::new("key", problem, "use letters, digits, `-`, `_` or `.`")
        })?;
        let lower = self.key.to_ascii_lowercase();
        if ["__host-", "__secure-", "__http-"].iter().any(|prefix| lower.starts_with(prefix)) {
            let fix = "leave the prefix out and set `prefix`";
            return Err(ConfigError::new("key", "begins with a cookie prefix", fix));
        }
        check_path(&self.path)
            .map_err(|problem| ConfigError::new("path", problem, "write it as in a URL"))?;
        if let Some(domain) = &self.domain {
            check_domain(domain)
                .map_err(|problem| ConfigError::new("domain", problem, "write a host name"))?;
        }
        if !self.secure {
            self.check_insecure()?;
        }
        let bound_to_host = self.path == "/" && self.domain.is_none();
        let prefix = match self.prefix {
            CookiePrefix::Host if !bound_to_host => {
                let problem =
                    "is `host`, which browsers refuse with a `domain` or a `path` but `/`";
                return Err(ConfigError::new("prefix", problem, "unset those, or choose `secure`"));
            }
            CookiePrefix::Host => "__Host-",
            CookiePrefix::Secure => "__Secure-",
            CookiePrefix::None => "",
            CookiePrefix::Auto if !self.secure => "",
            CookiePrefix::Auto if bound_to_host => "__Host-",
            CookiePrefix::Auto => "__Secure-",
        };
        let name = format!("{prefix}{}", self.key);
        // RFC 6265bis, section 5.5: browsers drop a cookie whose name and value exceed this.
        if name.len() + self.id_format.text_len(self.session_id_bytes) > 4096 {
            return Err(ConfigError::new(
                "key",
                "makes the cookie longer than 4096 bytes",
                "shorten it",
            ));
        }
        Ok(CookieSpec::new(&Attributes {
            name,
            path: &self.path,
            domain: self.domain.as_deref(),
            secure: self.secure,
            http_only: self.httponly,
            same_site: self.samesite.as_str(),
            partitioned: self.partitioned,
            format: self.id_format,
            spelling: self.spelling,
        }))
    }

    /// What browsers refuse in a cookie that is not `Secure`.
    fn check_insecure(&self) -> Result<(), ConfigError> {
        let refused = [
            ("prefix", matches!(self.prefix, CookiePrefix::Host | CookiePrefix::Secure)),
            ("samesite", self.samesite == SameSite::None),
            ("partitioned", self.partitioned),
        ];
        match refused.iter().find(|(_, refused)| *refused) {
            Some((field, _)) => {
                Err(ConfigError::new(*field, "needs a secure cookie", "set `secure` to true"))
            }
            None => Ok(()),
        }
    }
}

/// A pattern that matches a whole path, so that `/private` does not exclude `/public/private`.
fn anchored(pattern: &str) -> Result<Regex, ConfigError> {
    let bad =
        |problem| ConfigError::new("exclude", problem, "write a regular expression of a path");
    if pattern.is_empty() {
        return Err(bad("has an empty pattern".to_owned()));
    }
    // Compiled alone first: `a)(b` must not become legal by our parentheses.
    Regex::new(pattern)
        .and_then(|_| Regex::new(&format!("^(?:{pattern})$")))
        .map_err(|error| bad(format!("has a pattern that is no regular expression ({error})")))
}
