//! A record as the columns of a row, and back.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Row, ToSql};

use super::failure::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{SecretHash, SessionHandle};
use crate::record::{Data, Encoding, Limits, MAX_BYTES_CEILING, PreviousSecret};
use crate::record::{Record, RecordParts, Revision};
use crate::time::UnixMillis;

/// What a row may hold: the most that a configuration can allow. What a session may hold is checked before
/// it comes here.
const LIMITS: Limits =
    Limits { max_bytes: MAX_BYTES_CEILING, max_keys: 65_535, max_key_bytes: 255, max_depth: 96 };

/// The columns in the order in which [`record`] reads and [`Columns::values`] writes them.
macro_rules! columns {
    () => {
        "revision, secret_hash, created_at, idle_deadline, max_age, absolute_deadline, \
         authenticated_at, secret_since, previous_secret_hash, previous_nonce, previous_until, \
         subject, labels, browser_session, data"
    };
}
pub(super) use columns;

/// Where a statement that selects [`columns`] may add one of its own.
pub(super) const AFTER_COLUMNS: usize = 15;

/// A record, ready to be bound to a statement.
pub(super) struct Columns {
    revision: i64,
    secret_hash: [u8; 32],
    created_at: i64,
    idle_deadline: i64,
    max_age: i64,
    absolute_deadline: Option<i64>,
    authenticated_at: Option<i64>,
    secret_since: i64,
    previous_secret_hash: Option<[u8; 32]>,
    previous_nonce: Option<[u8; 16]>,
    previous_until: Option<i64>,
    subject: Option<Box<str>>,
    labels: Option<String>,
    browser_session: bool,
    data: Value,
}

impl Columns {
    /// # Errors
    /// [`ErrorKind::Encode`] for data that claims to be JSON and is no text.
    pub(super) fn of(record: &Record) -> Result<Self> {
        let labels: BTreeMap<_, _> = record.labels().collect();
        let labels = (!labels.is_empty())
            .then(|| serde_json::to_string(&labels).expect("a map of strings is always JSON"));
        let previous = record.previous_secret();
        Ok(Self {
            revision: record.revision().as_u64().cast_signed(),
            secret_hash: *record.secret_hash().as_bytes(),
            created_at: millis(record.created_at()),
            idle_deadline: millis(record.idle_deadline()),
            max_age: record.max_age().as_millis() as i64,
            absolute_deadline: record.absolute_deadline().map(millis),
            authenticated_at: record.authenticated_at().map(millis),
            secret_since: millis(record.secret_since()),
            previous_secret_hash: previous.map(|previous| *previous.secret_hash.as_bytes()),
            previous_nonce: previous.map(|previous| previous.nonce),
            previous_until: previous.map(|previous| millis(previous.until)),
            subject: record.subject().map(Into::into),
            labels,
            browser_session: record.is_browser_session(),
            data: data(&record.data())?,
        })
    }

    /// The values of [`columns`], in their order.
    pub(super) fn values(&self) -> [&dyn ToSql; AFTER_COLUMNS] {
        [
            &self.revision,
            &self.secret_hash,
            &self.created_at,
            &self.idle_deadline,
            &self.max_age,
            &self.absolute_deadline,
            &self.authenticated_at,
            &self.secret_since,
            &self.previous_secret_hash,
            &self.previous_nonce,
            &self.previous_until,
            &self.subject,
            &self.labels,
            &self.browser_session,
            &self.data,
        ]
    }
}

/// A moment as a column. At most 2^48 − 1, so it always fits.
pub(super) const fn millis(moment: UnixMillis) -> i64 {
    moment.as_millis().cast_signed()
}

/// Text if it is JSON, so that a person, and the functions of SQLite, can read it; bytes otherwise.
fn data(data: &Data) -> Result<Value> {
    let document = data.to_document();
    if data.encoding() != Encoding::Json {
        return Ok(Value::Blob(document));
    }
    String::from_utf8(document).map(Value::Text).map_err(|_| {
        Error::new(ErrorKind::Encode, "session data that should be JSON is not text in UTF-8")
    })
}

/// Reads a row that begins with [`columns`]. It is not trusted: the file may have been written by anything.
///
/// # Errors
/// [`ErrorKind::Corrupt`] for whatever this library would not have written.
pub(super) fn record(row: &Row<'_>) -> Result<Record, Failure> {
    let data = match row.get_ref(14)? {
        ValueRef::Text(json) => Data::from_document(Encoding::Json, json, &LIMITS),
        #[cfg(feature = "msgpack")]
        ValueRef::Blob(bytes) => Data::from_document(Encoding::MessagePack, bytes, &LIMITS),
        _ => return Err(Failure::not_a_record()),
    };
    let labels = match row.get_ref(12)? {
        ValueRef::Null => BTreeMap::new(),
        ValueRef::Text(json) => {
            serde_json::from_slice(json).map_err(|_| Failure::not_a_record())?
        }
        _ => return Err(Failure::not_a_record()),
    };
    let parts = RecordParts {
        data: data.map_err(|_| Failure::not_a_record())?,
        secret_hash: SecretHash::from_bytes(row.get(1)?),
        revision: Revision::from_u64(row.get::<_, i64>(0)?.cast_unsigned()),
        created_at: moment(row.get(2)?)?,
        idle_deadline: moment(row.get(3)?)?,
        max_age: Duration::from_millis(unsigned(row.get(4)?, (1 << 40) - 1)?),
        absolute_deadline: row.get::<_, Option<_>>(5)?.map(moment).transpose()?,
        authenticated_at: row.get::<_, Option<_>>(6)?.map(moment).transpose()?,
        secret_since: moment(row.get(7)?)?,
        previous_secret: match (row.get(8)?, row.get(9)?, row.get(10)?) {
            (None, None, None) => None,
            (Some(hash), Some(nonce), Some(until)) => Some(PreviousSecret {
                secret_hash: SecretHash::from_bytes(hash),
                nonce,
                until: moment(until)?,
            }),
            _ => return Err(Failure::not_a_record()),
        },
        subject: row.get(11)?,
        labels,
        browser_session: row.get(13)?,
    };
    let record = Record::from(parts.clone());
    // The record cuts what its format cannot hold. Cut text would be another text.
    let whole = record.subject() == parts.subject.as_deref()
        && record.labels().eq(parts.labels.iter().map(|(name, value)| (&**name, &**value)));
    if whole { Ok(record) } else { Err(Failure::not_a_record()) }
}

/// The handle that a statement selected beside the record.
pub(super) fn handle(row: &Row<'_>, at: usize) -> Result<SessionHandle, Failure> {
    Ok(SessionHandle::from_bytes(row.get(at)?))
}

fn moment(value: i64) -> Result<UnixMillis, Failure> {
    unsigned(value, UnixMillis::MAX.as_millis()).map(UnixMillis::from_millis)
}

fn unsigned(value: i64, max: u64) -> Result<u64, Failure> {
    let value = u64::try_from(value).ok().filter(|value| *value <= max);
    value.ok_or(Failure::not_a_record())
}
