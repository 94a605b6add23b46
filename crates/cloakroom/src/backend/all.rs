//! All sessions, one page of the store after another.

use super::{SessionInfo, Sessions};
use crate::error::Result;
use crate::id::SessionHandle;
use crate::store::Store;

/// Sessions asked for at once: with the default limits a page of full ones is 4 MiB of data.
const PAGE_SIZE: usize = 256;

/// All live sessions, one after another; made by [`Sessions::all`].
///
/// A cursor, not a `Stream`, so that it needs nothing but a loop; `futures::stream::try_unfold` makes a stream
/// of it.
///
/// # Consistency
/// Sessions come sorted by handle, which is random, and none comes twice. One that lives during the whole walk
/// is among them. One that begins or ends meanwhile may be or not, and what is told of a session was true when
/// its page was read.
///
/// # Cancellation
/// A [`next`](Self::next) that is dropped has taken nothing.
///
/// # Examples
/// ```
/// # async fn f(sessions: cloakroom::Sessions) -> Result<(), cloakroom::Error> {
/// let mut all = sessions.all();
/// let mut anonymous = 0;
/// while let Some(session) = all.next().await? {
///     anonymous += usize::from(session.subject.is_none());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is asked of the store before the first `next`"]
pub struct AllSessions {
    sessions: Sessions,
    page_size: usize,
    /// What is left of the last page.
    page: std::vec::IntoIter<SessionInfo>,
    /// Where that page ended.
    after: Option<SessionHandle>,
    ended: bool,
}

impl AllSessions {
    fn new(sessions: Sessions) -> Self {
        let page = Vec::new().into_iter();
        Self { sessions, page_size: PAGE_SIZE, page, after: None, ended: false }
    }

    /// How many sessions are asked of the store at once, at least 1. Default: 256, which is few round trips and,
    /// with the default limits, at most 4 MiB of data.
    pub fn with_page_size(self, sessions: usize) -> Self {
        Self { page_size: sessions.max(1), ..self }
    }

    /// The next session; `None` once there are no more, and ever after.
    ///
    /// # Errors
    /// As [`Sessions::page`]. The walk stays where it is: the next call asks for the same page again.
    pub async fn next(&mut self) -> Result<Option<SessionInfo>> {
        if self.page.as_slice().is_empty() && !self.ended {
            let page = self.sessions.page(self.after, self.page_size).await?;
            // A page may be short without being the last.
            self.ended = page.is_empty();
            self.after = page.last().map(|last| last.handle).or(self.after);
            self.page = page.into_iter();
        }
        Ok(self.page.next())
    }
}

impl Sessions {
    /// All live sessions, as a cursor over the pages of the store.
    pub fn all(&self) -> AllSessions {
        AllSessions::new(self.clone())
    }

    /// Ends all sessions of the store's namespace, and of no other; how many.
    ///
    /// For the day when every visitor is to be signed out. One call to the store for each session, except where it is shared
    /// with Litestar; there it ends those that Litestar made as well. A session that begins meanwhile may be spared; every
    /// session that was acknowledged before this call is dead after it.
    ///
    /// # Errors
    /// As [`of`](Self::of). Some may have ended then; call it again.
    ///
    /// # Examples
    /// ```
    /// # async fn f(sessions: cloakroom::Sessions) -> Result<(), cloakroom::Error> {
    /// let ended = sessions.delete_all().await?;
    /// println!("{ended} sessions ended");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "clear")]
    pub async fn delete_all(&self) -> Result<u64> {
        let backend = self.backend();
        if let Some(store) = backend.store().whole_ids() {
            // Each of its steps is bounded by the store; the whole takes as long as there are sessions.
            let all = store.delete_all(backend.now()).await;
            return all.map_err(|error| error.with_store(backend.store().name()));
        }
        let (mut all, mut ended) = (self.all(), 0);
        while let Some(session) = all.next().await? {
            ended += u64::from(self.revoke(session.handle).await?);
        }
        Ok(ended)
    }
}
