//! What a store keeps of a session.
//!
//! A [`Record`] is one shared, immutable run of bytes and one deadline: cloning it is a reference count,
//! loading it from memory copies nothing, and reading one key decodes one value however large the session.

mod at_rest;
mod body;
mod codec;
mod data;
mod decode;
mod document;
mod layout;
mod limits;
mod parts;
mod section;

use std::fmt;
use std::time::Duration;

#[cfg(feature = "redis")]
pub(crate) use self::at_rest::at;
pub use self::codec::Encoding;
pub use self::data::{Data, DataBuilder};
pub use self::limits::Limits;
pub(crate) use self::limits::MAX_BYTES_CEILING;
pub use self::parts::{PreviousSecret, RecordParts};

pub(crate) use self::body::Body;
pub(crate) use self::layout::Head;
pub(crate) use self::limits::{check_key, check_label, check_label_count, check_subject};
pub(crate) use self::section::{Entries, Section};

use crate::id::SecretHash;
use crate::time::UnixMillis;

/// Which version of a record this is.
///
/// A new one is chosen at every commit and never used again, so that compare-and-set can compare it and a
/// commit whose reply was lost can recognise its own work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    /// A revision as a store keeps it.
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }

    /// The number, for a store.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// One session as a store keeps it: data, times, the hash of its secret, subject, labels, revision.
///
/// Immutable but for the idle deadline, which [`touch`](crate::Store::touch) moves. Made from
/// [`RecordParts`]; a store that keeps columns takes it apart with [`parts`](Self::parts), one that keeps
/// blobs uses [`to_bytes`](Self::to_bytes).
#[derive(Clone)]
pub struct Record {
    body: Body,
    data_start: u32,
    idle_deadline: UnixMillis,
}

impl Record {
    /// The session's data.
    pub fn data(&self) -> Data {
        Data::in_body(self.body.clone(), self.data_start)
    }

    /// The encoded value of one key, without taking a share of the record.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        data::find(self.data_section(), key)
    }

    /// Which version of the record this is.
    pub fn revision(&self) -> Revision {
        layout::revision(self.bytes())
    }

    /// When the session was created.
    pub fn created_at(&self) -> UnixMillis {
        layout::created_at(self.bytes())
    }

    /// The idle timeout of this session: how long it lives after its last renewal.
    pub fn max_age(&self) -> Duration {
        layout::max_age(self.bytes())
    }

    /// The SHA-256 of the ID that is accepted.
    pub fn secret_hash(&self) -> SecretHash {
        layout::secret_hash(self.bytes())
    }

    /// When the session ends if it is left alone from now on: the deadline that renewal moves.
    ///
    /// May lie beyond [`absolute_deadline`](Self::absolute_deadline); see [`expires_at`](Self::expires_at).
    pub fn idle_deadline(&self) -> UnixMillis {
        self.idle_deadline
    }

    /// When the session ends whatever happens.
    pub fn absolute_deadline(&self) -> Option<UnixMillis> {
        layout::absolute_deadline(self.bytes())
    }

    /// When the session ends: the earlier of the two deadlines.
    pub fn expires_at(&self) -> UnixMillis {
        self.absolute_deadline()
            .map_or(self.idle_deadline, |absolute| absolute.min(self.idle_deadline))
    }

    /// Whether the session has ended at `now`. At its deadline it has.
    pub fn is_expired(&self, now: UnixMillis) -> bool {
        now >= self.expires_at()
    }

    /// When the session was last renewed: used with renewal on, or written. Exact to the renewal throttle.
    pub fn last_seen_at(&self) -> UnixMillis {
        self.idle_deadline.minus(self.max_age()).max(self.created_at())
    }

    /// When the subject last proved who they are; `None` for an anonymous session.
    pub fn authenticated_at(&self) -> Option<UnixMillis> {
        layout::authenticated_at(self.bytes())
    }

    /// Since when the present secret is in use.
    pub fn secret_since(&self) -> UnixMillis {
        layout::secret_since(self.bytes()).unwrap_or_else(|| self.created_at())
    }

    /// The secret before the last rotation, while it is remembered.
    pub fn previous_secret(&self) -> Option<PreviousSecret> {
        layout::previous_secret(self.bytes())
    }

    /// Who is signed in.
    pub fn subject(&self) -> Option<&str> {
        layout::subject(self.bytes())
    }

    /// What the application noted about the session (device, place), sorted by name.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        layout::labels(self.bytes())
    }

    /// Whether the cookie is to live only as long as the browser runs.
    pub fn is_browser_session(&self) -> bool {
        layout::is_browser_session(self.bytes())
    }

    /// The same record with another idle deadline, as [`touch`](crate::Store::touch) leaves it.
    #[must_use]
    pub fn with_idle_deadline(mut self, deadline: UnixMillis) -> Self {
        self.idle_deadline = deadline;
        self
    }

    /// Bytes the record occupies, without the allocation's own header.
    pub fn size(&self) -> usize {
        self.bytes().len()
    }

    /// Everything in the record, by name.
    pub fn parts(&self) -> RecordParts {
        RecordParts {
            data: self.data(),
            secret_hash: self.secret_hash(),
            revision: self.revision(),
            created_at: self.created_at(),
            idle_deadline: self.idle_deadline,
            max_age: self.max_age(),
            absolute_deadline: self.absolute_deadline(),
            authenticated_at: self.authenticated_at(),
            secret_since: self.secret_since(),
            previous_secret: self.previous_secret(),
            subject: self.subject().map(Into::into),
            labels: self
                .labels()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            browser_session: self.is_browser_session(),
        }
    }

    /// A record of data that is not written yet.
    pub(crate) fn new(head: &Head<'_>, idle_deadline: UnixMillis, data: &Section<'_>) -> Self {
        let body = layout::write(head, data.len(), |out| data.write(out));
        Self::from_body(body, idle_deadline)
    }

    /// The next version of the record, if nothing but its data changes.
    pub(crate) fn with_data(&self, revision: Revision, data: &Section<'_>) -> Self {
        let body = layout::write_data(self.bytes(), revision, data.len(), |out| data.write(out));
        Self { body, ..*self }
    }

    /// The immutable half, for a store that keeps the deadline beside it.
    pub(crate) fn into_body(self) -> Body {
        self.body
    }

    /// Puts a body, as [`into_body`](Self::into_body) gave it, and a deadline together again.
    pub(crate) fn from_body(body: Body, idle_deadline: UnixMillis) -> Self {
        let data_start = layout::data_start(&body.slice) as u32;
        Self { body, data_start, idle_deadline }
    }

    fn bytes(&self) -> &[u8] {
        &self.body.slice
    }

    fn data_section(&self) -> &[u8] {
        &self.body.slice[self.data_start as usize..]
    }
}

/// The absolute deadline in a record's body, for a store that keeps bodies.
pub(crate) fn absolute_deadline(body: &Body) -> Option<UnixMillis> {
    layout::absolute_deadline(&body.slice)
}

/// Prints no data, no label and no hash.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("revision", &self.revision())
            .field("created_at", &self.created_at())
            .field("expires_at", &self.expires_at())
            .field("signed_in", &self.subject().is_some())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

impl From<RecordParts> for Record {
    fn from(parts: RecordParts) -> Self {
        let data = parts.data.section();
        let body = layout::write(&parts.head(), data.len(), |out| out.put(data));
        Self::from_body(body, parts.idle_deadline)
    }
}

#[cfg(test)]
mod tests;
