//! A record as columns, and back.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};

use crate::error::{Error, ErrorKind, Result};
use crate::id::{SecretHash, SessionHandle};
use crate::record::{Data, Encoding, PreviousSecret, Record, RecordParts, Revision};
use crate::store::Ended;
use crate::store::sql::{LIMITS, corrupt, millis, reason_of};
use crate::time::UnixMillis;

/// A bound value and its type.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// A revision as a column holds it: the same 64 bits.
pub(super) fn revision(revision: Revision) -> i64 {
    revision.as_u64() as i64
}

/// A record, ready to be bound.
pub(super) struct Columns {
    expires_at: i64,
    revision: i64,
    secret_hash: Vec<u8>,
    created_at: i64,
    idle_deadline: i64,
    max_age: i64,
    absolute_deadline: Option<i64>,
    authenticated_at: Option<i64>,
    secret_since: i64,
    previous_hash: Option<Vec<u8>>,
    previous_nonce: Option<Vec<u8>>,
    previous_until: Option<i64>,
    subject: Option<String>,
    labels: Option<String>,
    browser_session: bool,
    data: Option<String>,
    data_bytes: Option<Vec<u8>>,
}

impl Columns {
    /// # Errors
    /// [`ErrorKind::InvalidKey`] for a subject with a NUL, which no text of PostgreSQL can hold.
    pub(super) fn of(record: &Record) -> Result<Self> {
        let parts = record.parts();
        if parts.subject.as_deref().is_some_and(|subject| subject.contains('\0')) {
            return Err(Error::new(ErrorKind::InvalidKey, "a subject has a NUL character"));
        }
        let document = parts.data.to_document();
        let (data, data_bytes) = match parts.data.encoding() {
            Encoding::Json => (Some(String::from_utf8(document).map_err(|_| corrupt())?), None),
            #[cfg(feature = "msgpack")]
            Encoding::MessagePack => (None, Some(document)),
        };
        let labels = (!parts.labels.is_empty()).then(|| {
            serde_json::to_string(&parts.labels).expect("a map of strings is always JSON")
        });
        let previous = parts.previous_secret;
        Ok(Self {
            expires_at: millis(record.expires_at()),
            revision: revision(parts.revision),
            secret_hash: parts.secret_hash.as_bytes().to_vec(),
            created_at: millis(parts.created_at),
            idle_deadline: millis(parts.idle_deadline),
            // At most 2^40 in a record.
            max_age: parts.max_age.as_millis() as i64,
            absolute_deadline: parts.absolute_deadline.map(millis),
            authenticated_at: parts.authenticated_at.map(millis),
            secret_since: millis(parts.secret_since),
            previous_hash: previous.map(|previous| previous.secret_hash.as_bytes().to_vec()),
            previous_nonce: previous.map(|previous| previous.nonce.to_vec()),
            previous_until: previous.map(|previous| millis(previous.until)),
            subject: parts.subject.map(Into::into),
            labels,
            browser_session: parts.browser_session,
            data,
            data_bytes,
        })
    }

    /// The parameters from the fourth on, in the order of the columns.
    pub(super) fn parameters(&self) -> [Parameter<'_>; 17] {
        [
            (&self.expires_at, Type::INT8),
            (&self.revision, Type::INT8),
            (&self.secret_hash, Type::BYTEA),
            (&self.created_at, Type::INT8),
            (&self.idle_deadline, Type::INT8),
            (&self.max_age, Type::INT8),
            (&self.absolute_deadline, Type::INT8),
            (&self.authenticated_at, Type::INT8),
            (&self.secret_since, Type::INT8),
            (&self.previous_hash, Type::BYTEA),
            (&self.previous_nonce, Type::BYTEA),
            (&self.previous_until, Type::INT8),
            (&self.subject, Type::TEXT),
            (&self.labels, Type::TEXT),
            (&self.browser_session, Type::BOOL),
            (&self.data, Type::TEXT),
            (&self.data_bytes, Type::BYTEA),
        ]
    }
}

/// What a row says of its session.
pub(super) enum Found {
    Record(Record),
    /// It was ended; why, if the word is known, and until when that is remembered.
    Ended(Option<Ended>, UnixMillis),
}

/// The handle of a row.
pub(super) fn handle(row: &Row) -> Result<SessionHandle> {
    bytes(row, 0).map(SessionHandle::from_bytes).ok_or_else(corrupt)
}

/// Reads a row, which is not trusted.
///
/// # Errors
/// [`ErrorKind::Corrupt`] for a row that is no record.
pub(super) fn read(row: &Row) -> Result<Found> {
    parse(row).ok_or_else(corrupt)
}

fn parse(row: &Row) -> Option<Found> {
    if let Some(why) = column::<Option<&str>>(row, 1)? {
        return Some(Found::Ended(reason_of(why), moment(row, 2)?));
    }
    let data = match (column::<Option<&str>>(row, 17)?, column::<Option<&[u8]>>(row, 18)?) {
        (Some(json), None) => Data::from_document(Encoding::Json, json.as_bytes(), &LIMITS),
        #[cfg(feature = "msgpack")]
        (None, Some(packed)) => Data::from_document(Encoding::MessagePack, packed, &LIMITS),
        _ => return None,
    };
    let previous_secret = match column::<Option<&[u8]>>(row, 11)? {
        None => None,
        Some(_) => Some(PreviousSecret {
            secret_hash: SecretHash::from_bytes(bytes(row, 11)?),
            nonce: bytes(row, 12)?,
            until: moment(row, 13)?,
        }),
    };
    let labels = match column::<Option<&str>>(row, 15)? {
        None => BTreeMap::new(),
        Some(labels) => serde_json::from_str(labels).ok()?,
    };
    Some(Found::Record(Record::from(RecordParts {
        data: data.ok()?,
        secret_hash: SecretHash::from_bytes(bytes(row, 4)?),
        revision: Revision::from_u64(column::<i64>(row, 3)? as u64),
        created_at: moment(row, 5)?,
        idle_deadline: moment(row, 6)?,
        max_age: Duration::from_millis(column::<i64>(row, 7)?.try_into().ok()?),
        absolute_deadline: optional_moment(row, 8)?,
        authenticated_at: optional_moment(row, 9)?,
        secret_since: moment(row, 10)?,
        previous_secret,
        subject: column::<Option<&str>>(row, 14)?.map(Into::into),
        labels,
        browser_session: column(row, 16)?,
    })))
}

fn column<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Option<T> {
    row.try_get(at).ok()
}

fn bytes<const N: usize>(row: &Row, at: usize) -> Option<[u8; N]> {
    column::<&[u8]>(row, at)?.try_into().ok()
}

fn moment(row: &Row, at: usize) -> Option<UnixMillis> {
    column::<i64>(row, at)?.try_into().ok().map(UnixMillis::from_millis)
}

fn optional_moment(row: &Row, at: usize) -> Option<Option<UnixMillis>> {
    match column::<Option<i64>>(row, at)? {
        None => Some(None),
        Some(_) => moment(row, at).map(Some),
    }
}
