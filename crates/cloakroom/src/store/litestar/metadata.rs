//! What Litestar has no room for: a record without its data.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::id::SessionId;
use crate::record::{Data, Encoding, Record, RecordParts, Revision};
use crate::store::Ended;
use crate::time::UnixMillis;

/// What is known of a session that Litestar made, when it is first seen.
pub(super) fn of_litestar(id: &SessionId, max_age: Duration, now: UnixMillis) -> RecordParts {
    RecordParts {
        data: Data::empty(Encoding::Json),
        secret_hash: id.secret_hash(),
        revision: Revision::from_u64(0),
        created_at: now,
        idle_deadline: now,
        max_age,
        absolute_deadline: None,
        authenticated_at: None,
        secret_since: now,
        previous_secret: None,
        subject: None,
        labels: BTreeMap::new(),
        browser_session: false,
    }
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
