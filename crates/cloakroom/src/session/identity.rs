//! Who a session belongs to, and the secret that proves it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Absence, Session};
use crate::error::Result;
use crate::id::{SessionHandle, SessionId};
use crate::record::{Record, check_label, check_label_count, check_subject};
use crate::session::draft::Draft;
use crate::store::Ended;
use crate::time::UnixMillis;

impl Session {
    /// The public name of the session; `None` until it is stored.
    pub fn handle(&self) -> Option<SessionHandle> {
        self.shared().state().id.as_ref().map(SessionId::handle)
    }

    /// Whether there is a stored session behind this handle.
    pub fn exists(&self) -> bool {
        self.shared().state().record.is_some()
    }

    /// Whether the session is not from an earlier request: there is none yet, or this request created it.
    pub fn is_new(&self) -> bool {
        let state = self.shared().state();
        state.record.is_none() || state.created
    }

    /// Why the request came without a session; `None` if it has one.
    pub fn absence(&self) -> Option<Absence> {
        let state = self.shared().state();
        state.absence.filter(|_| state.record.is_none())
    }

    /// Who is signed in, this request's own sign-in included.
    pub fn subject(&self) -> Option<String> {
        let state = self.shared().state();
        match &state.wanted.sign_in {
            Some(subject) => Some(String::from(&**subject)),
            None => state.record.as_ref().and_then(Record::subject).map(str::to_owned),
        }
    }

    /// When the subject last proved who they are: the last [`sign_in`](Self::sign_in), this request's own
    /// included. `None` if nobody is signed in.
    ///
    /// Nothing else moves it: no write, no renewal, no new ID. So it decides whether a recent proof is needed
    /// before something that matters, such as a new password.
    ///
    /// # Examples
    /// ```
    /// # use cloakroom::{Clock, Session};
    /// # use std::time::Duration;
    /// fn is_fresh(session: &Session, clock: &impl Clock, within: Duration) -> bool {
    ///     session.authenticated_at().is_some_and(|at| clock.now().since(at) <= within)
    /// }
    /// ```
    ///
    /// Source: OWASP ASVS 5.0, 7.5.1 (re-authentication before sensitive changes).
    pub fn authenticated_at(&self) -> Option<UnixMillis> {
        let state = self.shared().state();
        match state.wanted.sign_in {
            Some(_) => Some(self.shared().backend.now()),
            None => state.record.as_ref().and_then(Record::authenticated_at),
        }
    }

    /// What the application noted about the session, this request's notes included.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let state = self.shared().state();
        let kept = state.record.as_ref().filter(|record| !state.wanted.changes_subject_of(record));
        let mut labels = kept.map(|record| record.parts().labels).unwrap_or_default();
        labels.extend(state.wanted.labels.clone());
        labels
    }

    /// Notes something about the session, to show in a list of the subject's sessions: device, place.
    ///
    /// # Errors
    /// [`InvalidKey`](crate::ErrorKind::InvalidKey) for an empty name or value or control characters,
    /// [`TooLarge`](crate::ErrorKind::TooLarge) beyond 64 and 256 bytes, or beyond 32 labels of the session,
    /// [`Closed`](crate::ErrorKind::Closed) after the response.
    pub fn set_label(&self, name: &str, value: &str) -> Result<()> {
        check_label(name, value)?;
        self.change(|state| {
            let record = state.record.as_ref();
            let kept = record.filter(|record| !state.wanted.changes_subject_of(record));
            let known = kept.into_iter().flat_map(Record::labels).map(|(name, _)| name);
            let noted = state.wanted.labels.keys().map(String::as_str);
            let names: BTreeSet<_> = known.chain(noted).chain([name]).collect();
            check_label_count(names.len())?;
            state.wanted.labels.insert(name.to_owned(), value.to_owned());
            Ok(())
        })
    }

    /// Binds the session to a subject and gives it a new secret, in one commit: the old ID is dead at once.
    ///
    /// Data of an anonymous session is kept, a cart for instance. Nothing of *another* subject is: not the data,
    /// not the labels, not a lifetime of its own. The absolute timeout starts anew.
    ///
    /// What must not outlive the sign-in, such as a token against cross-site requests or the state of the login
    /// itself, is the application's to [`remove`](Self::remove) in the same request, or all of it to
    /// [`clear`](Self::clear) before; both are one commit with the sign-in.
    ///
    /// Source: OWASP ASVS 5.0, 7.2.4 (a new token on authentication).
    ///
    /// # Errors
    /// As [`set_label`](Self::set_label) for the text;
    /// [`HeadersSent`](crate::ErrorKind::HeadersSent) from a [`detached`](Self::detached) handle.
    #[doc(alias = "login")]
    pub fn sign_in(&self, subject: &str) -> Result<()> {
        check_subject(subject)?;
        self.change_id(|state| {
            let bound = state.record.as_ref().and_then(Record::subject);
            let sending = state.sending.as_ref().and_then(|sending| sending.sign_in.as_deref());
            let before = state.wanted.sign_in.as_deref().or(sending).or(bound);
            if before.is_some_and(|before| before != subject) {
                state.draft.clear();
            }
            state.wanted.sign_in = Some(subject.into());
            Ok(())
        })
    }

    /// Gives the session a new secret after a change of privilege; the old ID is dead at once.
    ///
    /// # Errors
    /// [`HeadersSent`](crate::ErrorKind::HeadersSent) from a [`detached`](Self::detached) handle,
    /// [`Closed`](crate::ErrorKind::Closed) after the response.
    #[doc(alias = "regenerate")]
    pub fn cycle_id(&self) -> Result<()> {
        self.change_id(|state| {
            state.wanted.cycle = true;
            Ok(())
        })
    }

    /// Ends the session: its record is removed and its cookie expired, whatever the response's status.
    ///
    /// What is inserted afterwards in the same request starts a new session with a new ID.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) after the response.
    #[doc(alias = "flush")]
    pub fn destroy(&self) -> Result<()> {
        self.change(|state| {
            let loaded = state.id.take().map(|id| id.handle());
            // Perhaps one that began with a save whose outcome nobody knows, or knows yet.
            let attempt = state.attempt.take().map(|attempt| attempt.next.id.handle());
            let sending = state.sending.as_ref().map(|sending| sending.handle);
            if let Some(handle) = loaded.or(attempt).or(sending) {
                state.wanted.end = Some((handle, Ended::Destroyed));
            }
            let end = state.wanted.end.take();
            state.record = None;
            state.absence = Some(Absence::Unknown);
            state.draft = Draft::default();
            state.wanted = super::state::Wanted { end, ..Default::default() };
            Ok(())
        })
    }

    /// Signs the subject out: the session ends, as by [`destroy`](Self::destroy).
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) after the response.
    #[doc(alias = "logout")]
    pub fn sign_out(&self) -> Result<()> {
        self.destroy()
    }
}
