//! What a commit writes: from the loaded record and the wishes of a request to the next record.

use super::ServerSideSessionBackend;
use crate::error::Result;
use crate::id::{SecretHash, SessionId};
use crate::record::{PreviousSecret, Record, RecordParts};
use crate::session::attempt::Next;
use crate::session::draft::Draft;
use crate::session::state::Wanted;
use crate::time::UnixMillis;

impl ServerSideSessionBackend {
    /// A session that did not exist.
    pub(super) fn plan_new(&self, draft: &Draft, wanted: &Wanted, now: UnixMillis) -> Result<Next> {
        let config = self.config();
        let id = self.generate_session_id()?;
        let mut parts = RecordParts {
            data: draft.data(config.encoding, &config.limits)?,
            secret_hash: id.secret_hash(),
            revision: self.next_revision(),
            created_at: now,
            idle_deadline: now.plus(config.max_age),
            max_age: config.max_age,
            absolute_deadline: config.absolute_timeout.map(|timeout| now.plus(timeout)),
            authenticated_at: None,
            secret_since: now,
            previous_secret: None,
            subject: None,
            labels: wanted.labels.clone(),
            browser_session: config.browser_session,
        };
        self.apply_wishes(&mut parts, wanted, now);
        Ok(Next { record: parts.into(), id, cookie: true, at: now, ends: false })
    }

    /// The next version of `record`, reached with `id`.
    pub(super) fn plan_change(
        &self,
        record: &Record,
        id: &SessionId,
        draft: &Draft,
        wanted: &Wanted,
        now: UnixMillis,
    ) -> Result<Next> {
        let mut parts = record.parts();
        parts.revision = self.next_revision();
        if draft.is_changed() {
            parts.data = draft.data(self.encoding_for(Some(record)), self.limits())?;
        }
        if wanted.changes_subject_of(record) {
            parts.labels.clear();
            parts.max_age = self.config().max_age;
            parts.browser_session = self.config().browser_session;
        }
        parts.labels.extend(wanted.labels.clone());
        self.apply_wishes(&mut parts, wanted, now);
        let id = if wanted.cycle || wanted.sign_in.is_some() {
            let fresh = id.with_new_secret(&*self.0.random)?;
            set_secret(&mut parts, fresh.secret_hash(), None, now);
            fresh
        } else if wanted.rotate {
            self.rotate(&mut parts, id, now)?
        } else {
            id.clone()
        };
        let ends = parts.data.is_empty() && parts.subject.is_none();
        let only_rotates = wanted.rotate && !draft.is_changed() && !wanted.is_asked_for();
        if ends {
            // A compare-and-set to "expired" removes the record only if nobody added to it meanwhile.
            parts.idle_deadline = UnixMillis::from_millis(0);
        } else if !only_rotates {
            parts.idle_deadline = now.plus(parts.max_age);
        }
        let next: Record = parts.into();
        let cookie = next.secret_hash() != record.secret_hash()
            || next.is_browser_session() != record.is_browser_session()
            || !next.is_browser_session() && next.expires_at() != record.expires_at();
        Ok(Next { record: next, id, cookie, at: now, ends })
    }

    fn apply_wishes(&self, parts: &mut RecordParts, wanted: &Wanted, now: UnixMillis) {
        if let Some(subject) = &wanted.sign_in {
            parts.subject = Some(subject.clone());
            parts.authenticated_at = Some(now);
            parts.absolute_deadline =
                self.config().absolute_timeout.map(|timeout| now.plus(timeout));
        }
        if let Some(max_age) = wanted.max_age {
            let (lasting, browser_session) = max_age.into();
            parts.max_age = lasting.unwrap_or(self.config().max_age);
            parts.browser_session = browser_session;
            parts.idle_deadline = now.plus(parts.max_age);
        }
    }

    fn rotate(
        &self,
        parts: &mut RecordParts,
        id: &SessionId,
        now: UnixMillis,
    ) -> Result<SessionId> {
        let mut nonce = [0; 16];
        (self.0.random)(&mut nonce)?;
        let previous = PreviousSecret {
            secret_hash: id.secret_hash(),
            nonce,
            until: now.plus(self.config().rotation_grace),
        };
        let successor = id.successor(&nonce);
        set_secret(parts, successor.secret_hash(), Some(previous), now);
        Ok(successor)
    }
}

fn set_secret(
    parts: &mut RecordParts,
    hash: SecretHash,
    previous: Option<PreviousSecret>,
    now: UnixMillis,
) {
    parts.secret_hash = hash;
    parts.secret_since = now;
    parts.previous_secret = previous;
}
