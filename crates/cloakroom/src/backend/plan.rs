//! What a commit writes: from the loaded record and the wishes of a request to the next record.

use super::ServerSideSessionBackend;
use crate::error::Result;
use crate::id::{SecretHash, SessionId};
use crate::record::{Head, PreviousSecret, Record, Section, check_label_count};
use crate::session::attempt::Next;
use crate::session::draft::Draft;
use crate::session::state::Wanted;
use crate::time::UnixMillis;

impl ServerSideSessionBackend {
    /// A session that did not exist.
    pub(super) fn plan_new(&self, draft: &Draft, wanted: &Wanted, now: UnixMillis) -> Result<Next> {
        let config = self.config();
        let data = Section::new(config.encoding, draft);
        data.check(&config.limits)?;
        let id = self.generate_session_id()?;
        let mut head = Head {
            secret_hash: id.secret_hash(),
            revision: self.next_revision(),
            created_at: now,
            max_age: config.max_age,
            absolute_deadline: config.absolute_timeout.map(|timeout| now.plus(timeout)),
            authenticated_at: None,
            secret_since: now,
            previous_secret: None,
            subject: None,
            labels: &wanted.labels,
            browser_session: config.browser_session,
        };
        self.apply_wishes(&mut head, wanted, now);
        let record = Record::new(&head, now.plus(head.max_age), &data);
        Ok(Next { record, id, cookie: true, at: now, ends: false })
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
        let data = Section::new(self.encoding_for(Some(record)), draft);
        if draft.is_changed() {
            data.check(self.limits())?;
        }
        let (next, id) = if wanted.changes_record() {
            self.plan_wishes(record, id, &data, wanted, now)?
        } else {
            (record.with_data(self.next_revision(), &data), id.clone())
        };
        let ends = data.is_empty() && next.subject().is_none();
        let only_rotates = wanted.rotate && !draft.is_changed() && !wanted.is_asked_for();
        let next = if ends {
            // A compare-and-set to "expired" removes the record only if nobody added to it meanwhile.
            next.with_idle_deadline(UnixMillis::from_millis(0))
        } else if only_rotates {
            next
        } else {
            let deadline = now.plus(next.max_age());
            next.with_idle_deadline(deadline)
        };
        let cookie = next.secret_hash() != record.secret_hash()
            || next.is_browser_session() != record.is_browser_session()
            || !next.is_browser_session() && next.expires_at() != record.expires_at();
        Ok(Next { record: next, id, cookie, at: now, ends })
    }

    /// The next version of `record`, when more than its data changes.
    fn plan_wishes(
        &self,
        record: &Record,
        id: &SessionId,
        data: &Section<'_>,
        wanted: &Wanted,
        now: UnixMillis,
    ) -> Result<(Record, SessionId)> {
        let mut parts = record.parts();
        if wanted.changes_subject_of(record) {
            parts.labels.clear();
            parts.max_age = self.config().max_age;
            parts.browser_session = self.config().browser_session;
        }
        parts.labels.extend(wanted.labels.clone());
        // Others may have added some since this request counted.
        check_label_count(parts.labels.len())?;
        let mut head = Head { revision: self.next_revision(), ..parts.head() };
        self.apply_wishes(&mut head, wanted, now);
        let id = if wanted.cycle || wanted.sign_in.is_some() {
            let fresh = id.with_new_secret(&*self.0.random)?;
            set_secret(&mut head, fresh.secret_hash(), None, now);
            fresh
        } else if wanted.rotate {
            self.rotate(&mut head, id, now)?
        } else {
            id.clone()
        };
        Ok((Record::new(&head, record.idle_deadline(), data), id))
    }

    fn apply_wishes<'w>(&self, head: &mut Head<'w>, wanted: &'w Wanted, now: UnixMillis) {
        if let Some(subject) = &wanted.sign_in {
            head.subject = Some(subject);
            head.authenticated_at = Some(now);
            head.absolute_deadline =
                self.config().absolute_timeout.map(|timeout| now.plus(timeout));
        }
        if let Some(max_age) = wanted.max_age {
            let (lasting, browser_session) = max_age.into();
            head.max_age = lasting.unwrap_or(self.config().max_age);
            head.browser_session = browser_session;
        }
    }

    fn rotate(&self, head: &mut Head<'_>, id: &SessionId, now: UnixMillis) -> Result<SessionId> {
        let mut nonce = [0; 16];
        (self.0.random)(&mut nonce)?;
        let previous = PreviousSecret {
            secret_hash: id.secret_hash(),
            nonce,
            until: now.plus(self.config().rotation_grace),
        };
        let successor = id.successor(&nonce);
        set_secret(head, successor.secret_hash(), Some(previous), now);
        Ok(successor)
    }
}

fn set_secret(
    head: &mut Head<'_>,
    hash: SecretHash,
    previous: Option<PreviousSecret>,
    now: UnixMillis,
) {
    head.secret_hash = hash;
    head.secret_since = now;
    head.previous_secret = previous;
}
