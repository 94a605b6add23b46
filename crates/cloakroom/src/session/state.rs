//! What one request knows of its session.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::backend::ServerSideSessionBackend;
use crate::error::Result;
use crate::id::{SessionHandle, SessionId};
use crate::record::{Data, Encoding, Record};
use crate::session::attempt::Attempt;
use crate::session::draft::Draft;
use crate::session::{Absence, MaxAge};
use crate::store::Ended;
use crate::time::UnixMillis;

/// One request's session, shared by all clones of its `Session` and by the layer that commits it.
pub(crate) struct Shared {
    pub(crate) backend: ServerSideSessionBackend,
    /// Orders what asks the store: one load for all that wait for it, one `save` on top of the other.
    pub(crate) turn: tokio::sync::Mutex<()>,
    state: Mutex<Lazy>,
}

/// The state, from its first use on: most of it is room for what a request without a session never has.
#[derive(Default)]
struct Lazy {
    /// Whether the response was committed before the session was ever used.
    closed: bool,
    state: Option<Box<State>>,
}

/// The locked state of a session that is in use.
pub(crate) struct StateGuard<'s>(MutexGuard<'s, Lazy>);

impl Deref for StateGuard<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.0.state.as_deref().expect("made by whoever made this guard")
    }
}

impl DerefMut for StateGuard<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.0.state.as_deref_mut().expect("made by whoever made this guard")
    }
}

impl Shared {
    /// The session of a request that has not used it.
    pub(crate) fn unused(backend: ServerSideSessionBackend) -> Arc<Self> {
        let turn = tokio::sync::Mutex::const_new(());
        Arc::new(Self { backend, turn, state: Mutex::default() })
    }

    pub(crate) fn new(backend: ServerSideSessionBackend, state: State) -> Arc<Self> {
        let shared = Self::unused(backend);
        *shared.state() = state;
        shared
    }

    /// The state. No code of the application runs, and nothing is awaited, while it is held; a panic of ours
    /// leaves it whole, so a poisoned lock is no reason to lose a session.
    pub(crate) fn state(&self) -> StateGuard<'_> {
        let mut lazy = self.lock();
        if lazy.state.is_none() {
            let phase = if lazy.closed { Phase::Closed } else { Phase::Open };
            lazy.state = Some(Box::new(State { phase, ..State::default() }));
        }
        StateGuard(lazy)
    }

    /// The state of a session that has been used.
    pub(crate) fn used_state(&self) -> Option<StateGuard<'_>> {
        let lazy = self.lock();
        let used = lazy.state.as_ref().is_some_and(|state| state.used);
        used.then(|| StateGuard(lazy))
    }

    /// The state to be closed, if the session has been used; otherwise it is closed by this.
    pub(crate) fn close_unused(&self) -> Option<StateGuard<'_>> {
        let mut lazy = self.lock();
        match &mut lazy.state {
            Some(state) if state.used => return Some(StateGuard(lazy)),
            Some(state) => state.phase = Phase::Closed,
            None => lazy.closed = true,
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Lazy> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the changes on top of other data, which runs the closures among them: without the lock.
    pub(crate) fn rebase(&self, base: Option<&Data>, encoding: Encoding) -> Result<()> {
        let mut replayed = Draft::default();
        loop {
            let mut changes = {
                let mut state = self.state();
                if !state.draft.is_changed() {
                    // Nothing came since the last look; without any changes at all this is the first one.
                    if !replayed.is_changed() {
                        replayed = Draft::over(base.cloned());
                    }
                    state.draft.replace_with(replayed);
                    return Ok(());
                }
                let seen = state.draft.whole(encoding);
                state.draft.take(seen)
            };
            changes.put_back(replayed);
            changes.rebase(base.cloned(), encoding)?;
            replayed = changes;
        }
    }
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// Whether the cookie was looked at: the session has been used.
    pub(crate) used: bool,
    /// The ID that is accepted now, of the loaded record.
    pub(crate) id: Option<SessionId>,
    pub(crate) record: Option<Record>,
    pub(crate) absence: Option<Absence>,
    pub(crate) draft: Draft,
    pub(crate) wanted: Wanted,
    pub(crate) cookie: CookieChange,
    /// A write of which nobody knows whether it was stored. Its changes are among those to be stored.
    pub(crate) attempt: Option<Box<Attempt>>,
    /// The write that is on its way now.
    pub(crate) sending: Option<Sending>,
    /// Whether the record was created on behalf of this request.
    pub(crate) created: bool,
}

/// What must be known of a write before its reply: which session it makes or changes, and who signs in to it.
pub(crate) struct Sending {
    pub(crate) handle: SessionHandle,
    pub(crate) sign_in: Option<Box<str>>,
}

/// How far the response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    /// The response head has not been made.
    #[default]
    Open,
    /// The response was committed; changes would be lost.
    Closed,
    /// No response will be made for this handle; changes are stored by `save` alone.
    Detached,
}

/// What happens to the browser's cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CookieChange {
    #[default]
    Keep,
    /// A new ID, or a later deadline; `Max-Age` counts from this moment, at which the deadline was decided.
    Set(UnixMillis),
    /// As `Set`, decided before the response, by a load or a save: to be sent only if the ID is still its ID when
    /// the response goes out, since a sign-in or an end may have come in between.
    Unconfirmed {
        at: UnixMillis,
        /// Whether nobody else can have told the browser this ID, so that it goes out unless it is known to be dead.
        first: bool,
    },
    Expire,
}

/// What was asked for beside changes of data.
#[derive(Clone, Default)]
pub(crate) struct Wanted {
    /// A session to end, and why; what follows in the log belongs to a new one.
    pub(crate) end: Option<(SessionHandle, Ended)>,
    pub(crate) cycle: bool,
    pub(crate) rotate: bool,
    pub(crate) sign_in: Option<Box<str>>,
    pub(crate) max_age: Option<MaxAge>,
    pub(crate) renew: bool,
    pub(crate) labels: BTreeMap<String, String>,
}

impl Wanted {
    /// Whether there is anything to store beside data.
    pub(crate) fn changes_record(&self) -> bool {
        self.rotate || self.is_asked_for()
    }

    /// Puts wishes that were not fulfilled back under the ones that came since.
    pub(crate) fn put_back(&mut self, earlier: Self) {
        self.cycle |= earlier.cycle;
        self.rotate |= earlier.rotate;
        self.renew |= earlier.renew;
        self.end = self.end.take().or(earlier.end);
        self.sign_in = self.sign_in.take().or(earlier.sign_in);
        self.max_age = self.max_age.take().or(earlier.max_age);
        let newer = std::mem::replace(&mut self.labels, earlier.labels);
        self.labels.extend(newer);
    }

    /// Takes out the wishes that were fulfilled.
    ///
    /// One that was repeated since goes as well: what it asks for has just been done, and told to nobody yet.
    pub(crate) fn subtract(&mut self, done: &Self) {
        self.cycle &= !done.cycle;
        self.rotate &= !done.rotate;
        self.renew &= !done.renew;
        self.sign_in.take_if(|subject| done.sign_in.as_ref() == Some(subject));
        self.max_age.take_if(|max_age| done.max_age == Some(*max_age));
        self.labels.retain(|name, value| done.labels.get(name) != Some(value));
    }

    /// Whether somebody else signs in than who the record belongs to; nothing of theirs is handed over.
    pub(crate) fn changes_subject_of(&self, record: &Record) -> bool {
        match (&self.sign_in, record.subject()) {
            (Some(new), Some(old)) => **new != *old,
            _ => false,
        }
    }

    /// Whether the application asked for something, as against a scheduled rotation.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.cycle
            || self.renew
            || self.sign_in.is_some()
            || self.max_age.is_some()
            || !self.labels.is_empty()
    }
}

impl State {
    /// Whether this request is to end the session of a handle.
    pub(crate) fn ends(&self, session: SessionHandle) -> bool {
        self.wanted.end.is_some_and(|(handle, _)| handle == session)
    }

    /// Whether a commit has something to do.
    pub(crate) fn is_dirty(&self) -> bool {
        self.wanted.end.is_some()
            || (self.draft.is_changed() || self.wanted.changes_record())
                && (self.record.is_some() || self.starts_session())
    }

    /// Whether a request without a session would leave one: it has data, or somebody signed in.
    pub(crate) fn starts_session(&self) -> bool {
        self.wanted.sign_in.is_some() || !self.draft.is_empty()
    }
}

impl From<MaxAge> for (Option<Duration>, bool) {
    fn from(max_age: MaxAge) -> Self {
        match max_age {
            MaxAge::Lasting(duration) => (Some(duration), false),
            MaxAge::BrowserSession => (None, true),
        }
    }
}
