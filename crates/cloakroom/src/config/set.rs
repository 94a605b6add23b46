//! Settings by name: `max_age=1h30m`.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::{Map, Value};

use super::{ConfigError, Profile, ServerSideSessionConfig};

/// Every field, in the order of the documentation.
pub(super) const FIELDS: [&str; 31] = [
    "session_id_bytes",
    "id_format",
    "renew_on_access",
    "renew_every",
    "key",
    "prefix",
    "max_age",
    "browser_session",
    "absolute_timeout",
    "rotate_every",
    "rotation_grace",
    "scopes",
    "path",
    "domain",
    "secure",
    "httponly",
    "samesite",
    "partitioned",
    "exclude",
    "exclude_opt_key",
    "store",
    "encoding",
    "max_bytes",
    "max_keys",
    "max_key_bytes",
    "max_depth",
    "max_sessions_per_subject",
    "subject_limit_policy",
    "max_creations_per_second",
    "save_on_server_error",
    "operation_timeout",
];

impl ServerSideSessionConfig {
    /// Sets a field by its name from text, as a command line or the environment has it.
    ///
    /// `preset` (`default`, `development`, `litestar`) and `profile` (`relaxed`, `standard`, `high`,
    /// `critical`) are names too. Lists are separated by commas, or a JSON array of
    /// strings, which a pattern that has a comma itself needs; an empty text is "none" where that is legal.
    ///
    /// # Errors
    /// For an unknown name, with the known ones, and for a value that is not of the field's type.
    ///
    /// # Examples
    /// ```
    /// use cloakroom::ServerSideSessionConfig;
    ///
    /// let config = ServerSideSessionConfig::default().set("max_age", "1h30m")?.set("key", "sid")?;
    /// assert!(ServerSideSessionConfig::default().set("max-age", "3").is_err());
    /// # let _ = config;
    /// # Ok::<(), cloakroom::ConfigError>(())
    /// ```
    pub fn set(self, name: &str, value: &str) -> Result<Self, ConfigError> {
        match (name, value) {
            ("preset", "default") => Ok(Self::default()),
            ("preset", "development") => Ok(Self::development()),
            ("preset", "litestar") => Ok(Self::litestar()),
            ("preset", _) => Err(not_one(name, "default, development, litestar")),
            ("profile", _) => match Profile::from_name(value) {
                Some(profile) => Ok(self.with_profile(profile)),
                None => Err(not_one(name, "relaxed, standard, high, critical")),
            },
            _ if FIELDS.contains(&name) => self.set_field(name, value),
            _ => Err(ConfigError::new(
                name,
                "is not a setting",
                format!("use one of: preset, profile, {}", FIELDS.join(", ")),
            )),
        }
    }

    fn set_field(self, name: &str, value: &str) -> Result<Self, ConfigError> {
        let text = || Value::from(value);
        let list =
            || value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from);
        // Text is tried as a list, a number or a flag first where the field wants one.
        let candidates = match name {
            "exclude" | "scopes" => vec![match serde_json::from_str::<Vec<String>>(value) {
                Ok(items) => Value::from(items),
                Err(_) => Value::from_iter(list()),
            }],
            _ if value.is_empty() => vec![Value::Null, text()],
            // A quoted or null text stays what it is: `null` is a name a cookie may have.
            _ => serde_json::from_str(value)
                .ok()
                .filter(|read: &Value| read.is_number() || read.is_boolean())
                .into_iter()
                .chain([text()])
                .collect(),
        };
        for candidate in candidates {
            let only = Map::from_iter([(name.to_owned(), candidate)]);
            if let Ok(read) = Self::deserialize(Value::Object(only)) {
                return Ok(self.take_field(name, read));
            }
        }
        Err(ConfigError::new(name, "has an illegal value", format!("use {}", expected(name))))
    }

    fn take_field(mut self, name: &str, from: Self) -> Self {
        match name {
            "session_id_bytes" => self.session_id_bytes = from.session_id_bytes,
            "id_format" => self.id_format = from.id_format,
            "renew_on_access" => self.renew_on_access = from.renew_on_access,
            "renew_every" => self.renew_every = from.renew_every,
            "key" => self.key = from.key,
            "prefix" => self.prefix = from.prefix,
            "max_age" => self.max_age = from.max_age,
            "browser_session" => self.browser_session = from.browser_session,
            "absolute_timeout" => self.absolute_timeout = from.absolute_timeout,
            "rotate_every" => self.rotate_every = from.rotate_every,
            "rotation_grace" => self.rotation_grace = from.rotation_grace,
            "scopes" => self.scopes = from.scopes,
            "path" => self.path = from.path,
            "domain" => self.domain = from.domain,
            "secure" => self.secure = from.secure,
            "httponly" => self.httponly = from.httponly,
            "samesite" => self.samesite = from.samesite,
            "partitioned" => self.partitioned = from.partitioned,
            "exclude" => self.exclude = from.exclude,
            "exclude_opt_key" => self.exclude_opt_key = from.exclude_opt_key,
            "store" => self.store = from.store,
            "encoding" => self.encoding = from.encoding,
            "max_bytes" => self.max_bytes = from.max_bytes,
            "max_keys" => self.max_keys = from.max_keys,
            "max_key_bytes" => self.max_key_bytes = from.max_key_bytes,
            "max_depth" => self.max_depth = from.max_depth,
            "max_sessions_per_subject" => {
                self.max_sessions_per_subject = from.max_sessions_per_subject
            }
            "subject_limit_policy" => self.subject_limit_policy = from.subject_limit_policy,
            "max_creations_per_second" => {
                self.max_creations_per_second = from.max_creations_per_second
            }
            "save_on_server_error" => self.save_on_server_error = from.save_on_server_error,
            "operation_timeout" => self.operation_timeout = from.operation_timeout,
            _ => {}
        }
        self
    }
}

/// What a field takes, for an error message; fields that take any text are not listed.
fn expected(name: &str) -> &'static str {
    match name {
        "id_format" => "`base64url` or `hex`",
        "prefix" => "`auto`, `host`, `secure` or `none`",
        "samesite" => "`strict`, `lax` or `none`",
        "scopes" => "`http`, `websocket` or `http,websocket`",
        "encoding" => "an encoding that this build has, such as `json`",
        "subject_limit_policy" => "`evict_oldest` or `refuse`",
        "renew_on_access"
        | "browser_session"
        | "secure"
        | "httponly"
        | "partitioned"
        | "save_on_server_error" => "`true` or `false`",
        "max_age" | "absolute_timeout" | "renew_every" | "rotate_every" | "rotation_grace"
        | "operation_timeout" => "whole seconds, or text such as `1h30m`",
        _ => "a whole number",
    }
}

fn not_one(field: &str, known: &str) -> ConfigError {
    ConfigError::new(field, "has an unknown value", format!("use one of: {known}"))
}

struct DurationText;

impl Visitor<'_> for DurationText {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whole seconds, or text such as `1h30m`")
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Duration, E> {
        Ok(Duration::from_secs(seconds))
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Duration, E> {
        u64::try_from(seconds).map(Duration::from_secs).map_err(|_| E::custom("negative"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        // The environment has nothing but text, numbers of seconds included.
        match text.parse() {
            Ok(seconds) => Ok(Duration::from_secs(seconds)),
            Err(_) => humantime::parse_duration(text).map_err(E::custom),
        }
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(DurationText)
}

pub(super) fn optional_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    struct Wrapped(Duration);
    impl<'de> Deserialize<'de> for Wrapped {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            duration(deserializer).map(Self)
        }
    }
    Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|Wrapped(duration)| duration))
}
