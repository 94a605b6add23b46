//! The changes of a commit while they are out of the session's shared state.

use crate::record::Record;
use crate::session::attempt::{Attempt, Next};
use crate::session::draft::Draft;
use crate::session::state::{Shared, Wanted};

/// Changes on their way to the store, out of the shared state so that no lock is held while they go.
///
/// If they do not arrive, because of an error or because the future that carries them is dropped, they go
/// back to where they came from.
pub(super) struct Work<'s> {
    pub(super) shared: &'s Shared,
    pub(super) draft: Draft,
    pub(super) wanted: Wanted,
    /// How far the draft goes.
    pub(super) generation: u64,
    /// The write that is on its way, and the record that it replaces.
    pub(super) sent: Option<(Next, Option<Record>)>,
    /// An earlier write of the same changes that may still arrive.
    pub(super) earlier: Option<Box<Attempt>>,
    pub(super) settled: bool,
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let mut state = self.shared.state();
        if let Some((next, replaces)) = self.sent.take() {
            let (wanted, generation) = (self.wanted.clone(), self.generation);
            state.attempt = Some(Box::new(Attempt { next, replaces, wanted, generation }));
        } else {
            state.attempt = self.earlier.take();
        }
        state.draft.put_back(std::mem::take(&mut self.draft));
        state.wanted.put_back(std::mem::take(&mut self.wanted));
    }
}
