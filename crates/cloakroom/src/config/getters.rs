//! Reading a configuration back. What each field means stands at its `with_…` method.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{CookiePrefix, SameSite, Scope, ServerSideSessionConfig, SubjectLimitPolicy};
use crate::id::IdFormat;
use crate::record::{Encoding, Limits};

impl ServerSideSessionConfig {
    /// Bytes of an ID, handle included. See [`with_session_id_bytes`](Self::with_session_id_bytes).
    pub fn session_id_bytes(&self) -> usize {
        self.session_id_bytes
    }

    /// How an ID is written. See [`with_id_format`](Self::with_id_format).
    pub fn id_format(&self) -> IdFormat {
        self.id_format
    }

    /// Whether using a session restarts its idle timeout. See [`with_renew_on_access`](Self::with_renew_on_access).
    pub fn renew_on_access(&self) -> bool {
        self.renew_on_access
    }

    /// How long after a renewal the next one is due; `None` is a tenth of the lifetime. See [`with_renew_every`](Self::with_renew_every).
    pub fn renew_every(&self) -> Option<Duration> {
        self.renew_every
    }

    /// The cookie's name, without the prefix. See [`with_key`](Self::with_key).
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The prefix of the cookie's name. See [`with_prefix`](Self::with_prefix).
    pub fn prefix(&self) -> CookiePrefix {
        self.prefix
    }

    /// The idle timeout. See [`with_max_age`](Self::with_max_age).
    pub fn max_age(&self) -> Duration {
        self.max_age
    }

    /// Whether cookies last only until the browser closes. See [`with_browser_session`](Self::with_browser_session).
    pub fn browser_session(&self) -> bool {
        self.browser_session
    }

    /// How long a session lives at most; `None` is no limit. See [`with_absolute_timeout`](Self::with_absolute_timeout).
    pub fn absolute_timeout(&self) -> Option<Duration> {
        self.absolute_timeout
    }

    /// How old a secret may become; `None` is no schedule. See [`with_rotate_every`](Self::with_rotate_every).
    pub fn rotate_every(&self) -> Option<Duration> {
        self.rotate_every
    }

    /// How long a replaced secret is still accepted. See [`with_rotation_grace`](Self::with_rotation_grace).
    pub fn rotation_grace(&self) -> Duration {
        self.rotation_grace
    }

    /// The kinds of connection that have sessions. See [`with_scopes`](Self::with_scopes).
    pub fn scopes(&self) -> &BTreeSet<Scope> {
        &self.scopes
    }

    /// The cookie's `Path`. See [`with_path`](Self::with_path).
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The cookie's `Domain`; `None` is the host alone. See [`with_domain`](Self::with_domain).
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Whether the cookie goes over https alone. See [`with_secure`](Self::with_secure).
    pub fn secure(&self) -> bool {
        self.secure
    }

    /// Whether scripts cannot read the cookie. See [`with_httponly`](Self::with_httponly).
    pub fn httponly(&self) -> bool {
        self.httponly
    }

    /// Whether other sites' requests carry the cookie. See [`with_samesite`](Self::with_samesite).
    pub fn samesite(&self) -> SameSite {
        self.samesite
    }

    /// Whether the cookie is kept apart for each embedding site. See [`with_partitioned`](Self::with_partitioned).
    pub fn partitioned(&self) -> bool {
        self.partitioned
    }

    /// Paths without sessions, as regular expressions of a whole path. See [`with_exclude`](Self::with_exclude).
    pub fn exclude(&self) -> &[String] {
        &self.exclude
    }

    /// The name of the route option that Litestar excludes by. See [`with_exclude_opt_key`](Self::with_exclude_opt_key).
    pub fn exclude_opt_key(&self) -> &str {
        &self.exclude_opt_key
    }

    /// The store's name in a [`StoreRegistry`](crate::store::StoreRegistry). See [`with_store`](Self::with_store).
    pub fn store(&self) -> &str {
        &self.store
    }

    /// How values are encoded at rest. See [`with_encoding`](Self::with_encoding).
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How many sessions a subject may have; `None` is any number. See [`with_max_sessions_per_subject`](Self::with_max_sessions_per_subject).
    pub fn max_sessions_per_subject(&self) -> Option<usize> {
        self.max_sessions_per_subject
    }

    /// What happens to the session too many. See [`with_subject_limit_policy`](Self::with_subject_limit_policy).
    pub fn subject_limit_policy(&self) -> SubjectLimitPolicy {
        self.subject_limit_policy
    }

    /// How many anonymous sessions a process may create in a second; `None` is any number. See
    /// [`with_max_creations_per_second`](Self::with_max_creations_per_second).
    pub fn max_creations_per_second(&self) -> Option<u32> {
        self.max_creations_per_second
    }

    /// Whether a response with status 5xx stores the data. See [`with_save_on_server_error`](Self::with_save_on_server_error).
    pub fn save_on_server_error(&self) -> bool {
        self.save_on_server_error
    }

    /// How long one operation of the store may take. See [`with_operation_timeout`](Self::with_operation_timeout).
    pub fn operation_timeout(&self) -> Duration {
        self.operation_timeout
    }

    /// How large a session may become. See [`with_limits`](Self::with_limits).
    pub fn limits(&self) -> Limits {
        Limits {
            max_bytes: self.max_bytes,
            max_keys: self.max_keys,
            max_key_bytes: self.max_key_bytes,
            max_depth: self.max_depth,
        }
    }
}
