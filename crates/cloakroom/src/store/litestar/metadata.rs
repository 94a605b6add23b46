//! What Litestar has no room for: a record without its data.

use std::time::Duration;

use crate::id::SessionId;
use crate::record::{Data, Encoding, Record, RecordParts, Revision};
use crate::store::Ended;
use crate::time::UnixMillis;

/// What is known of a session that Litestar made, when it is first seen.
pub(super) fn of_litestar(id: &SessionId, max_age: Duration, now: UnixMillis) -> RecordParts {
    let (data, revision) = (Data::empty(Encoding::Json), Revision::from_u64(0));
    let parts = RecordParts::new(data, id.secret_hash(), revision, now, max_age);
    RecordParts { idle_deadline: now, ..parts }
}

pub(super) fn without_data(record: &Record) -> Vec<u8> {
    Record::from(RecordParts { data: Data::empty(Encoding::Json), ..record.parts() }).to_bytes()
}

pub(super) fn name(why: Ended) -> &'static str {
    match why {
        Ended::Expired => "expired",
        Ended::Destroyed => "destroyed",
        Ended::Revoked => "revoked",
        Ended::Reused => "reused",
    }
}

pub(super) fn reason(name: &[u8]) -> Option<Ended> {
    [Ended::Expired, Ended::Destroyed, Ended::Revoked, Ended::Reused]
        .into_iter()
        .find(|why| self::name(*why).as_bytes() == name)
}
