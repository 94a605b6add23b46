//! Walking over all sessions while they come and go.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{AllSessions, ErrorKind, SessionHandle};

use crate::Bed;

/// A bed with as many sessions, and their handles in order.
async fn filled(count: usize) -> (Bed, Vec<SessionHandle>) {
    let bed = Bed::new();
    for _ in 0..count {
        bed.create().await;
    }
    let page = bed.backend.sessions().page(None, count + 1).await.unwrap();
    assert_eq!(page.len(), count);
    (bed, page.iter().map(|session| session.handle).collect())
}

async fn rest(all: &mut AllSessions) -> Vec<SessionHandle> {
    let mut handles = Vec::new();
    while let Some(session) = all.next().await.unwrap() {
        handles.push(session.handle);
    }
    handles
}

#[tokio::test]
async fn all_sessions_come_once_and_in_order_whatever_the_page_size() {
    let (bed, handles) = filled(10).await;
    for (page_size, pages) in [(1, 11), (3, 5), (10, 2), (1000, 2), (0, 11)] {
        let before = bed.store.calls(Operation::Page);
        let mut all = bed.backend.sessions().all().with_page_size(page_size);
        assert_eq!(rest(&mut all).await, handles);
        assert!(all.next().await.unwrap().is_none(), "the end is the end");
        assert_eq!(bed.store.calls(Operation::Page) - before, pages, "pages of {page_size}");
    }
    let before = bed.store.calls(Operation::Page);
    assert_eq!(rest(&mut bed.backend.sessions().all()).await, handles);
    assert_eq!(bed.store.calls(Operation::Page) - before, 2, "256 at once by default");
}

#[tokio::test]
async fn no_sessions_are_no_items() {
    let (bed, _) = filled(0).await;
    assert!(bed.backend.sessions().all().next().await.unwrap().is_none());
}

#[tokio::test]
async fn who_lives_all_the_time_comes_once_and_who_has_ended_does_not() {
    let (bed, handles) = filled(40).await;
    let sessions = bed.backend.sessions();
    let mut all = sessions.all().with_page_size(4);
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(all.next().await.unwrap().unwrap().handle);
    }
    // Two that were seen and one of the page that was read, then some of those to come.
    for ended in [0, 3, 7, 8, 9, 20, 39] {
        assert!(sessions.revoke(handles[ended]).await.unwrap());
    }
    for _ in 0..40 {
        bed.create().await;
    }
    seen.extend(rest(&mut all).await);
    assert!(seen.is_sorted());
    let once: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(once.len(), seen.len());
    for (n, handle) in handles.iter().enumerate() {
        let ended_before_its_page = [8, 9, 20, 39].contains(&n);
        assert_eq!(once.contains(handle), !ended_before_its_page, "{n}");
    }
}

#[tokio::test]
async fn what_expires_meanwhile_does_not_come() {
    let (bed, handles) = filled(10).await;
    let mut all = bed.backend.sessions().all().with_page_size(2);
    assert_eq!(all.next().await.unwrap().unwrap().handle, handles[0]);
    bed.clock.advance(Duration::from_secs(15 * 24 * 60 * 60));
    assert_eq!(rest(&mut all).await, [handles[1]], "it was read with the first");
}

#[tokio::test]
async fn a_page_that_fails_is_asked_for_again() {
    let (bed, handles) = filled(9).await;
    let mut all = bed.backend.sessions().all().with_page_size(3);
    for handle in &handles[..3] {
        assert_eq!(all.next().await.unwrap().unwrap().handle, *handle);
    }
    bed.store.set_down(true);
    for _ in 0..2 {
        assert_eq!(all.next().await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    bed.store.set_down(false);
    assert_eq!(rest(&mut all).await, handles[3..]);
}

#[tokio::test]
async fn a_next_that_is_dropped_has_taken_nothing() {
    let (bed, handles) = filled(4).await;
    let mut all = bed.backend.sessions().all().with_page_size(2);
    for at in [0, 2] {
        bed.store.inject(Operation::Page, 1, Fault::Wait(Gate::new()));
        let waiting = pin!(all.next()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(waiting, Poll::Pending));
        for handle in &handles[at..at + 2] {
            assert_eq!(all.next().await.unwrap().unwrap().handle, *handle);
        }
    }
    assert!(all.next().await.unwrap().is_none());
}
