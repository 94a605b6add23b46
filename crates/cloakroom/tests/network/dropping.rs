//! A caller that gives up.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Polls a call until it has sent its statement, and drops it.
pub(crate) async fn begin_and_drop<T>(call: impl Future<Output = T>) {
    let mut call = pin!(call);
    let pending = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending()));
    assert!(pending.await, "no server answers in no time");
}
