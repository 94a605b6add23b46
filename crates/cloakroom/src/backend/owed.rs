//! What a request leaves to be done when it is dropped before it has a response.

use super::ServerSideSessionBackend;
use crate::config::SubjectLimitPolicy;
use crate::session::state::Shared;

impl ServerSideSessionBackend {
    /// Whether a commit that is under way goes on: somebody signs in, and is counted once that is stored.
    ///
    /// Where a sign-in may be refused it need not be stored yet, and one that is dropped then must not take a place.
    pub(crate) fn goes_on(&self, shared: &Shared) -> bool {
        let config = self.config();
        config.max_sessions_per_subject.is_some()
            && config.subject_limit_policy == SubjectLimitPolicy::EvictOldest
            && shared
                .used_state()
                .and_then(|state| Some(state.sending.as_ref()?.sign_in.is_some()))
                .unwrap_or(false)
    }

    /// Whether a [`commit`](Self::commit) is to follow that keeps no changes: a session is to end, or a sign-in may have been
    /// stored and be one too many.
    pub(crate) fn owes(&self, shared: &Shared) -> bool {
        let Some(state) = shared.used_state() else { return false };
        let signed_in = state.attempt.as_ref().is_some_and(|it| it.wanted.sign_in.is_some());
        state.wanted.end.is_some() || signed_in && self.config().max_sessions_per_subject.is_some()
    }
}
