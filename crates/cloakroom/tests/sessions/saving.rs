//! What was saved before the response, and the cookie that goes out with it.

use std::future::Future;
use std::task::{Context, Waker};
use std::time::Duration;

use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{MessageHeaders, Result, Session};
use tokio::task::JoinHandle;

use crate::Bed;

/// A request that has saved, which moves the deadline of the cookie, and goes on for a second.
async fn saved(bed: &Bed, cookie: &str) -> Session {
    bed.clock.advance(Duration::from_secs(60));
    let session = bed.load(cookie).await;
    session.insert("saved", &1).unwrap();
    session.save().await.unwrap();
    bed.clock.advance(Duration::from_secs(1));
    session
}

#[tokio::test]
async fn s_048_a_save_before_the_sign_in_does_not_bring_the_old_id_back() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = saved(&bed, &cookie).await;
    let other = bed.load(&cookie).await;
    other.sign_in("ada").unwrap();
    bed.commit(&other, &cookie).await;
    let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
    outcome.unwrap();
    assert_eq!(headers.set_cookie, None);
}

#[tokio::test]
async fn s_048_a_save_before_the_end_does_not_bring_the_cookie_back() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = saved(&bed, &cookie).await;
    let other = bed.load(&cookie).await;
    other.destroy().unwrap();
    bed.commit(&other, &cookie).await;
    let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
    outcome.unwrap();
    assert_eq!(headers.set_cookie, None);
}

#[tokio::test]
async fn a_save_sends_the_cookie_with_its_new_deadline() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = saved(&bed, &cookie).await;
    let (headers, _) = bed.backend.store_in_message(&session, 200).await;
    let line = headers.set_cookie.expect("its deadline moved");
    assert!(line.starts_with(&cookie) && line.contains("Max-Age=1209600"), "{line}");
}

/// Without it nobody could reach the session any more.
#[tokio::test]
async fn a_new_id_goes_out_also_if_the_store_then_cannot_be_asked() {
    for signs_in in [true, false] {
        let bed = Bed::new();
        let cookie = if signs_in { bed.create().await } else { String::new() };
        let session = bed.load(&cookie).await;
        if signs_in {
            session.sign_in("ada").unwrap();
        }
        session.insert("k", &1).unwrap();
        session.save().await.unwrap();
        bed.clock.advance(Duration::from_secs(1));
        bed.store.inject(Operation::Load, 1, Fault::Fail);
        let next = bed.commit(&session, &cookie).await;
        assert_ne!(next, cookie);
        // The fault, if nobody has met it.
        let _ = bed.backend.load_from_connection([next.as_bytes()]).await;
        assert!(bed.is_alive(&next).await, "{signs_in}");
    }
}

/// A new session whose save waits at the gate, and the commit of its response, which has begun.
async fn overlapping(
    bed: &Bed,
    status: u16,
) -> (JoinHandle<Result<()>>, Gate, JoinHandle<(MessageHeaders, Result<()>)>) {
    let session = bed.load("").await;
    session.insert("k", &1).unwrap();
    let gate = Gate::new();
    bed.store.inject(Operation::Create, 1, Fault::Wait(gate.clone()));
    let saver = session.clone();
    let save = tokio::spawn(async move { saver.save().await });
    gate.reached().await;
    let backend = bed.backend.clone();
    let commit = tokio::spawn(async move { backend.store_in_message(&session, status).await });
    // It runs as far as it gets, on the one thread of these tests.
    tokio::task::yield_now().await;
    (save, gate, commit)
}

#[tokio::test]
async fn a_response_waits_for_a_save_and_hands_out_its_id() {
    let bed = Bed::new();
    let (save, gate, commit) = overlapping(&bed, 200).await;
    assert!(!commit.is_finished());
    gate.open();
    save.await.unwrap().unwrap();
    let (headers, outcome) = commit.await.unwrap();
    outcome.unwrap();
    let line = headers.set_cookie.expect("the session is new");
    assert!(bed.is_alive(line.split(';').next().unwrap()).await);
    assert_eq!(bed.live().await, 1);
}

#[tokio::test]
async fn a_response_stores_what_a_save_that_is_given_up_did_not() {
    for (status, lives) in [(200, 1), (500, 0)] {
        let bed = Bed::new();
        let (save, _, commit) = overlapping(&bed, status).await;
        save.abort();
        assert!(save.await.unwrap_err().is_cancelled());
        let (headers, outcome) = commit.await.unwrap();
        outcome.unwrap();
        assert_eq!(
            (headers.set_cookie.is_some(), bed.live().await),
            (lives == 1, lives),
            "{status}"
        );
    }
}

/// It may be one that nobody drives on before the response is out.
#[tokio::test(start_paused = true)]
async fn a_response_does_not_wait_for_a_save_for_ever() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.insert("k", &1).unwrap();
    bed.store.inject(Operation::Update, 1, Fault::Wait(Gate::new()));
    let mut save = std::pin::pin!(session.save());
    let begun = save.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(begun.is_pending());
    bed.backend.store_in_message(&session, 200).await.1.unwrap();
}
