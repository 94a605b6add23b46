//! A record taken apart.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::layout::Head;
use crate::id::SecretHash;
use crate::record::{Data, Revision};
use crate::time::UnixMillis;

/// The fields of a [`Record`](crate::Record), for stores that keep columns and for building a record.
///
/// `Record::from(parts)` writes them into the record's bytes. Lengths beyond the format's (a subject of
/// 65 535 bytes, a label name of 255, 255 labels) are cut at the boundary of a character; the limits that a
/// session checks lie far below.
#[derive(Clone)]
pub struct RecordParts {
    /// The session's data.
    pub data: Data,
    /// The SHA-256 of the ID that is accepted.
    pub secret_hash: SecretHash,
    /// Which version of the record this is.
    pub revision: Revision,
    /// When the session was created.
    pub created_at: UnixMillis,
    /// When it ends if it is left alone.
    pub idle_deadline: UnixMillis,
    /// How far renewal moves the idle deadline; at most 2^40 − 1 ms (34 years).
    pub max_age: Duration,
    /// When it ends whatever happens.
    pub absolute_deadline: Option<UnixMillis>,
    /// When the subject last proved who they are.
    pub authenticated_at: Option<UnixMillis>,
    /// Since when the present secret is in use.
    pub secret_since: UnixMillis,
    /// The secret before the last rotation.
    pub previous_secret: Option<PreviousSecret>,
    /// Who is signed in.
    pub subject: Option<Box<str>>,
    /// What the application noted about the session.
    pub labels: BTreeMap<String, String>,
    /// Whether the cookie carries no `Max-Age`.
    pub browser_session: bool,
}

impl RecordParts {
    /// The parts of a session that has just been created: nobody is signed in, and it ends `max_age` after that moment. What
    /// is to differ is set by name.
    ///
    /// For tests of a store, and for tools that put sessions into one; in an application the backend makes records.
    ///
    /// # Examples
    /// ```
    /// use cloakroom::{Data, Encoding, Record, RecordParts, Revision, SecretHash, UnixMillis};
    /// use std::time::Duration;
    ///
    /// let (now, hour) = (UnixMillis::from_millis(1_790_000_000_000), Duration::from_secs(3600));
    /// let hash = SecretHash::from_bytes([7; 32]);
    /// let data = Data::empty(Encoding::Json);
    /// let parts = RecordParts::new(data, hash, Revision::from_u64(1), now, hour);
    /// let record = Record::from(RecordParts { subject: Some("ada".into()), ..parts });
    /// assert_eq!(record.expires_at(), now.plus(hour));
    /// ```
    pub fn new(
        data: Data,
        secret_hash: SecretHash,
        revision: Revision,
        created_at: UnixMillis,
        max_age: Duration,
    ) -> Self {
        Self {
            data,
            secret_hash,
            revision,
            created_at,
            idle_deadline: created_at.plus(max_age),
            max_age,
            absolute_deadline: None,
            authenticated_at: None,
            secret_since: created_at,
            previous_secret: None,
            subject: None,
            labels: BTreeMap::new(),
            browser_session: false,
        }
    }

    pub(crate) fn head(&self) -> Head<'_> {
        Head {
            secret_hash: self.secret_hash,
            revision: self.revision,
            created_at: self.created_at,
            max_age: self.max_age,
            absolute_deadline: self.absolute_deadline,
            authenticated_at: self.authenticated_at,
            secret_since: self.secret_since,
            previous_secret: self.previous_secret,
            subject: self.subject.as_deref(),
            labels: &self.labels,
            browser_session: self.browser_session,
        }
    }
}

/// What a record remembers of the secret before the last scheduled rotation.
///
/// Until `until` it is accepted, and whoever presents it can compute the successor from `nonce`; presented
/// later, it is the sign of a stolen cookie.
#[derive(Clone, Copy)]
pub struct PreviousSecret {
    /// The SHA-256 of the ID that was replaced.
    pub secret_hash: SecretHash,
    /// What the successor was derived with.
    pub nonce: [u8; 16],
    /// When the grace ends.
    pub until: UnixMillis,
}

/// Prints no data, no subject, no label and no hash.
impl fmt::Debug for RecordParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordParts")
            .field("revision", &self.revision)
            .field("created_at", &self.created_at)
            .field("idle_deadline", &self.idle_deadline)
            .field("absolute_deadline", &self.absolute_deadline)
            .field("signed_in", &self.subject.is_some())
            .finish_non_exhaustive()
    }
}

/// Prints no hash and no nonce.
impl fmt::Debug for PreviousSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreviousSecret").field("until", &self.until).finish_non_exhaustive()
    }
}
