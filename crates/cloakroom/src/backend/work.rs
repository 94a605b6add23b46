//! The changes of a commit while they are out of the session's shared state.

use std::ops::{Deref, DerefMut};

use crate::record::Record;
use crate::session::attempt::{Attempt, Next};
use crate::session::draft::Draft;
use crate::session::state::{Sending, Shared, State, Wanted};
use crate::store::Ended;

/// Changes on their way to the store, out of the shared state so that no lock is held while they go.
///
/// If they do not arrive, because of an error or because the future that carries them is dropped, they go
/// back to where they came from.
pub(super) struct Work<'s> {
    pub(super) shared: &'s Shared,
    /// `None` once nothing is left to go back.
    carried: Option<Carried>,
}

/// What is on its way.
pub(super) struct Carried {
    pub(super) draft: Draft,
    pub(super) wanted: Wanted,
    /// How far the draft goes.
    generation: u64,
    /// What is to be written, and the record that it replaces.
    pub(super) next: Next,
    pub(super) replaces: Option<Record>,
    /// Whether it may have been written.
    pub(super) sent: bool,
    /// An earlier write of the same changes that may still arrive.
    pub(super) earlier: Option<Box<Attempt>>,
}

impl Deref for Work<'_> {
    type Target = Carried;

    fn deref(&self) -> &Carried {
        self.carried.as_ref().expect("until it is settled, which takes the work away")
    }
}

impl DerefMut for Work<'_> {
    fn deref_mut(&mut self) -> &mut Carried {
        self.carried.as_mut().expect("until it is settled, which takes the work away")
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Stored,
    /// The session had ended, or its ID was changed.
    Lost,
    /// It met a conflict, perhaps with an earlier write of the same changes: that is to be known first.
    Unclear,
}

impl<'s> Work<'s> {
    /// Takes all changes, of which `next` was made, out of the state; the view stays as they left it.
    pub(super) fn take(shared: &'s Shared, state: &mut State, next: Next) -> Self {
        let generation = state.draft.generation();
        let wanted = std::mem::take(&mut state.wanted);
        state.sending = Some(Sending { handle: next.id.handle(), sign_in: wanted.sign_in.clone() });
        let carried = Carried {
            draft: state.draft.take(next.record.data()),
            wanted,
            generation,
            replaces: state.record.clone(),
            next,
            sent: false,
            earlier: state.attempt.take(),
        };
        Self { shared, carried: Some(carried) }
    }

    /// Goes on to make a session of another ID: the handle of the one before was taken.
    pub(super) fn begin_again(&mut self, next: Next) {
        let mut state = self.shared.state();
        let (before, after) = (self.next.id.handle(), next.id.handle());
        if state.ends(before) {
            state.wanted.end = Some((after, Ended::Destroyed));
        }
        if let Some(sending) = &mut state.sending {
            sending.handle = after;
        }
        drop(state);
        self.next = next;
    }

    /// What was written, once nothing is left to go back.
    pub(super) fn settled(mut self) -> Next {
        self.carried.take().expect("it is settled once").next
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        let Some(carried) = self.carried.take() else { return };
        let mut state = self.shared.state();
        state.sending = None;
        if state.ends(carried.next.id.handle()) {
            // Destroyed meanwhile, and with it the changes.
            return;
        }
        state.attempt = if carried.sent {
            Some(Box::new(Attempt {
                next: carried.next,
                replaces: carried.replaces,
                wanted: carried.wanted.clone(),
                generation: carried.generation,
            }))
        } else {
            carried.earlier
        };
        state.draft.put_back(carried.draft);
        state.wanted.put_back(carried.wanted);
    }
}
