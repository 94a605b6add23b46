//! A record as columns, and back.

use std::collections::BTreeMap;
use std::time::Duration;

use mysql_async::{Row, Value};

use crate::error::Result;
use crate::id::{SecretHash, SessionHandle};
use crate::record::{Data, Encoding, PreviousSecret, Record, RecordParts, Revision};
use crate::store::Ended;
use crate::store::sql::{LIMITS, corrupt, millis, reason_of};
use crate::time::UnixMillis;

/// Values of a record in the order of its columns.
///
/// # Errors
/// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) for JSON that is no text, which no session writes.
pub(super) fn columns(record: &Record) -> Result<Vec<Value>> {
    let parts = record.parts();
    let document = parts.data.to_document();
    let (data, data_bytes) = match parts.data.encoding() {
        Encoding::Json if std::str::from_utf8(&document).is_err() => return Err(corrupt()),
        Encoding::Json => (Value::Bytes(document), Value::NULL),
        #[cfg(feature = "msgpack")]
        Encoding::MessagePack => (Value::NULL, Value::Bytes(document)),
    };
    let labels = (!parts.labels.is_empty())
        .then(|| serde_json::to_string(&parts.labels).expect("a map of strings is always JSON"));
    let previous = parts.previous_secret;
    Ok(vec![
        at(record.expires_at()),
        Value::UInt(parts.revision.as_u64()),
        bytes(parts.secret_hash.as_bytes()),
        at(parts.created_at),
        at(parts.idle_deadline),
        // At most 2^40 in a record.
        Value::Int(parts.max_age.as_millis() as i64),
        parts.absolute_deadline.map_or(Value::NULL, at),
        parts.authenticated_at.map_or(Value::NULL, at),
        at(parts.secret_since),
        previous.map_or(Value::NULL, |previous| bytes(previous.secret_hash.as_bytes())),
        previous.map_or(Value::NULL, |previous| bytes(&previous.nonce)),
        previous.map_or(Value::NULL, |previous| at(previous.until)),
        parts.subject.map_or(Value::NULL, |subject| bytes(subject.as_bytes())),
        labels.map_or(Value::NULL, |labels| Value::Bytes(labels.into_bytes())),
        Value::Int(parts.browser_session.into()),
        data,
        data_bytes,
    ])
}

/// A moment as a value.
pub(super) fn at(moment: UnixMillis) -> Value {
    Value::Int(millis(moment))
}

/// A revision as a value.
pub(super) fn revision(revision: Revision) -> Value {
    Value::UInt(revision.as_u64())
}

/// Bytes as a value.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

/// What a row says of its session.
pub(super) enum Found {
    Record(Record),
    /// It was ended; why, if the word is known, and until when that is remembered.
    Ended(Option<Ended>, UnixMillis),
}

/// The handle of a row.
pub(super) fn handle(row: &Row) -> Result<SessionHandle> {
    array(row, 0).map(SessionHandle::from_bytes).ok_or_else(corrupt)
}

/// Reads a row, which is not trusted.
///
/// # Errors
/// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) for a row that is no record.
pub(super) fn read(row: &Row) -> Result<Found> {
    parse(row).ok_or_else(corrupt)
}

fn parse(row: &Row) -> Option<Found> {
    if let Some(why) = text(row, 1)? {
        return Some(Found::Ended(reason_of(why), moment(row, 2)?));
    }
    let data = match (blob(row, 17)?, blob(row, 18)?) {
        (Some(json), None) => Data::from_document(Encoding::Json, json, &LIMITS),
        #[cfg(feature = "msgpack")]
        (None, Some(packed)) => Data::from_document(Encoding::MessagePack, packed, &LIMITS),
        _ => return None,
    };
    let previous_secret = match blob(row, 11)? {
        None => None,
        Some(_) => Some(PreviousSecret {
            secret_hash: SecretHash::from_bytes(array(row, 11)?),
            nonce: array(row, 12)?,
            until: moment(row, 13)?,
        }),
    };
    let labels = match text(row, 15)? {
        None => BTreeMap::new(),
        Some(labels) => serde_json::from_str(labels).ok()?,
    };
    Some(Found::Record(Record::from(RecordParts {
        data: data.ok()?,
        secret_hash: SecretHash::from_bytes(array(row, 4)?),
        revision: Revision::from_u64(number(row, 3)?),
        created_at: moment(row, 5)?,
        idle_deadline: moment(row, 6)?,
        max_age: Duration::from_millis(number(row, 7)?),
        absolute_deadline: optional_moment(row, 8)?,
        authenticated_at: optional_moment(row, 9)?,
        secret_since: moment(row, 10)?,
        previous_secret,
        subject: text(row, 14)?.map(Into::into),
        labels,
        browser_session: number(row, 16)? != 0,
    })))
}

fn blob(row: &Row, at: usize) -> Option<Option<&[u8]>> {
    match row.as_ref(at)? {
        Value::NULL => Some(None),
        Value::Bytes(bytes) => Some(Some(bytes)),
        _ => None,
    }
}

fn text(row: &Row, at: usize) -> Option<Option<&str>> {
    match blob(row, at)? {
        None => Some(None),
        Some(bytes) => std::str::from_utf8(bytes).ok().map(Some),
    }
}

fn array<const N: usize>(row: &Row, at: usize) -> Option<[u8; N]> {
    blob(row, at)??.try_into().ok()
}

/// A number that is not negative.
pub(super) fn number(row: &Row, at: usize) -> Option<u64> {
    match row.as_ref(at)? {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::UInt(number) => Some(*number),
        _ => None,
    }
}

fn moment(row: &Row, at: usize) -> Option<UnixMillis> {
    number(row, at).map(UnixMillis::from_millis)
}

fn optional_moment(row: &Row, at: usize) -> Option<Option<UnixMillis>> {
    match row.as_ref(at)? {
        Value::NULL => Some(None),
        _ => moment(row, at).map(Some),
    }
}
