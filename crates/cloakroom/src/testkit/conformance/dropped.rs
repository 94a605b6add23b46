//! A case of calls that are given up half-way, as when a client disconnects.
#![allow(
    clippy::missing_panics_doc,
    reason = "said once for all cases: to panic is what they are for"
)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::records::{HASH, MAX_AGE, START, UnwrapOk, created, handle, live, number, record};
use crate::store::{Ended, Lookup, Renewal, Store};

/// Polls at which each call is given up: more than a store in this process needs, and enough for one behind a
/// socket to be stopped at each of its steps.
const POLLS: u64 = 32;

/// A call that is given up at any of its polls has taken effect or has not, and never half; and whoever calls
/// next gets the answer to their own call.
pub async fn s_079_a_call_given_up_is_before_or_after<S: Store>(store: S) {
    let witness = u64::MAX;
    created(&store, witness).await;
    for polls in 0..POLLS {
        let key = |call: u64| polls * 10 + call;
        let at = |call| handle(key(call));
        let later = START.plus(MAX_AGE * 3);

        give_up(polls, store.create(at(0), record(key(0)), START)).await;
        if let Some(found) = live(&store, at(0), START).await {
            assert_eq!(number(&found), key(0), "all of it was created, after {polls} polls");
        }
        let made = created(&store, key(1)).await;
        give_up(polls, store.update(at(1), record(key(1) + 1_000_000), made.revision(), START))
            .await;
        let found = live(&store, at(1), START).await.expect("an update removes nothing");
        assert!([key(1), key(1) + 1_000_000].contains(&number(&found)), "after {polls} polls");

        created(&store, key(2)).await;
        give_up(polls, store.touch(at(2), later, START)).await;
        let found = live(&store, at(2), START).await.expect("a touch removes nothing");
        assert!([START.plus(MAX_AGE), later].contains(&found.idle_deadline()));
        assert_eq!(number(&found), key(2));

        created(&store, key(3)).await;
        give_up(polls, store.delete(at(3), Ended::Revoked, START)).await;
        if let Some(found) = live(&store, at(3), START).await {
            assert_eq!(number(&found), key(3), "all of it is there, after {polls} polls");
        }
        let made = created(&store, key(4)).await;
        let renewal = Renewal::new(HASH, Some(Duration::ZERO));
        let now = START.plus(Duration::from_secs(1));
        give_up(polls, store.load(at(4), Some(&renewal), now)).await;
        let found = live(&store, at(4), now).await.expect("a load removes nothing");
        assert!([START.plus(MAX_AGE), now.plus(MAX_AGE)].contains(&found.idle_deadline()));
        assert_eq!(found.revision(), made.revision());

        give_up(polls, store.delete_expired(usize::MAX, START)).await;
        let Lookup::Live(found) = store.load(handle(witness), None, START).await.unwrap_ok() else {
            panic!("nobody ended it, after {polls} polls");
        };
        assert_eq!(number(&found), witness, "the answer to another call");
    }
}

/// Polls a call, lets the runtime work, polls again, and drops it.
async fn give_up<T>(polls: u64, call: impl Future<Output = T>) {
    let mut call = pin!(call);
    for _ in 0..polls {
        if poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await.is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
