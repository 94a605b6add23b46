use std::time::Duration;

use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{Absence, ErrorKind};

use crate::Bed;

#[tokio::test]
async fn s_049_a_destroyed_session_is_dead_and_gone() {
    let bed = Bed::new();
    let cookie = bed.sign_in("ada").await;
    let session = bed.load(&cookie).await;
    session.sign_out().unwrap();
    assert_eq!(bed.commit(&session, &cookie).await, "");
    let replay = bed.load(&cookie).await;
    assert!(!replay.exists());
    assert_eq!(replay.absence(), Some(Absence::Unknown));
    assert_eq!(bed.live().await, 0);
    assert!(bed.backend.sessions().of("ada").await.unwrap().is_empty());
}

#[tokio::test]
async fn s_051_a_slow_reader_neither_revives_nor_reverts() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let reader = bed.load(&cookie).await;
    let writer = bed.load(&cookie).await;
    writer.insert("k", &2).unwrap();
    bed.commit(&writer, &cookie).await;
    bed.commit(&reader, &cookie).await;
    assert_eq!(bed.load(&cookie).await.get::<i32>("k").unwrap(), Some(2));

    let reader = bed.load(&cookie).await;
    let ender = bed.load(&cookie).await;
    ender.destroy().unwrap();
    bed.commit(&ender, &cookie).await;
    let (headers, outcome) = bed.backend.store_in_message(&reader, 200).await;
    outcome.unwrap();
    assert_eq!(headers.set_cookie, None);
    assert!(!bed.is_alive(&cookie).await);
}

#[tokio::test]
async fn s_050_a_write_in_flight_does_not_revive() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let slow = bed.load(&cookie).await;
    slow.insert("k", &1).unwrap();
    let gate = Gate::new();
    bed.store.inject(Operation::Update, 1, Fault::Wait(gate.clone()));
    let backend = bed.backend.clone();
    let commit = tokio::spawn(async move { backend.store_in_message(&slow, 200).await });
    gate.reached().await;
    let ender = bed.load(&cookie).await;
    ender.destroy().unwrap();
    bed.commit(&ender, &cookie).await;
    gate.open();
    let (headers, outcome) = commit.await.unwrap();
    outcome.unwrap();
    assert_eq!(headers.set_cookie, None, "a request that lost a race says nothing");
    assert!(!bed.is_alive(&cookie).await);
    assert_eq!(bed.live().await, 0);
}

#[tokio::test]
async fn s_052_a_destroy_that_fails_is_an_error_and_takes_the_cookie() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.destroy().unwrap();
    bed.store.inject(Operation::Delete, 1, Fault::Fail);
    let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(headers.set_cookie.unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn s_054_an_end_takes_effect_whatever_the_status() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.destroy().unwrap();
    let (headers, outcome) = bed.backend.store_in_message(&session, 500).await;
    outcome.unwrap();
    assert!(headers.set_cookie.unwrap().contains("Max-Age=0"));
    assert!(!bed.is_alive(&cookie).await);
}

#[tokio::test]
async fn s_128_an_emptied_session_ends_and_an_empty_one_never_begins() {
    let bed = Bed::new();
    let session = bed.load("").await;
    session.insert("k", &1).unwrap();
    session.remove("k").unwrap();
    assert_eq!(bed.commit(&session, "").await, "");
    assert_eq!(bed.live().await, 0);

    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.clear().unwrap();
    assert_eq!(bed.commit(&session, &cookie).await, "");
    assert_eq!(bed.live().await, 0);
}

#[tokio::test]
async fn a_key_added_while_another_request_empties_the_session_survives() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let emptier = bed.load(&cookie).await;
    emptier.remove("n").unwrap();
    let adder = bed.load(&cookie).await;
    adder.insert("k", &1).unwrap();
    bed.commit(&adder, &cookie).await;
    bed.commit(&emptier, &cookie).await;
    let session = bed.load(&cookie).await;
    assert_eq!(session.keys(), ["k"]);
}

#[tokio::test]
async fn what_is_inserted_after_a_destroy_starts_a_new_session() {
    let bed = Bed::new();
    let old = bed.create().await;
    let session = bed.load(&old).await;
    session.destroy().unwrap();
    session.insert("fresh", &true).unwrap();
    let new = bed.commit(&session, &old).await;
    assert!(!bed.is_alive(&old).await);
    let session = bed.load(&new).await;
    assert_eq!(session.keys(), ["fresh"]);
    assert_ne!(old[..40], new[..40], "another handle");
}

#[tokio::test]
async fn s_080_after_the_response_a_change_is_an_error() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let kept = bed.load(&cookie).await;
    bed.commit(&kept, &cookie).await;
    assert_eq!(kept.insert("k", &1).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(kept.save().await.unwrap_err().kind(), ErrorKind::Closed);
    let late = kept.detached();
    late.insert("k", &1).unwrap();
    late.save().await.unwrap();
    assert_eq!(bed.load(&cookie).await.get::<i32>("k").unwrap(), Some(1));
}

#[tokio::test]
async fn s_139_a_cookie_cannot_be_sent_after_the_head() {
    let bed = Bed::new();
    let none = bed.load("").await;
    bed.commit(&none, "").await;
    let late = none.detached();
    late.insert("k", &1).unwrap();
    assert_eq!(late.save().await.unwrap_err().kind(), ErrorKind::HeadersSent);
    assert_eq!(late.sign_in("ada").unwrap_err().kind(), ErrorKind::HeadersSent);
    assert_eq!(late.cycle_id().unwrap_err().kind(), ErrorKind::HeadersSent);
    assert_eq!(bed.live().await, 0);
}

#[tokio::test]
async fn ended_resolves_when_the_session_is_revoked() {
    let bed = Bed::new();
    let cookie = bed.sign_in("ada").await;
    let watched = bed.load(&cookie).await;
    let waiting = tokio::spawn(async move { watched.ended().await });
    tokio::task::yield_now().await;
    assert_eq!(bed.backend.sessions().revoke_all("ada").await.unwrap(), 1);
    assert_eq!(waiting.await.unwrap(), cloakroom::store::Ended::Revoked);
    assert_eq!(bed.load(&cookie).await.absence(), Some(Absence::Revoked));
}

#[tokio::test]
async fn an_end_that_fails_spares_no_other() {
    let bed = Bed::new();
    let sessions = bed.backend.sessions();
    for _ in 0..40 {
        bed.sign_in("ada").await;
    }
    for nth in [1, 20] {
        bed.store.inject(Operation::Delete, nth, Fault::Fail);
    }
    let error = sessions.revoke_all("ada").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(sessions.of("ada").await.unwrap().len(), 2);
    assert_eq!(sessions.revoke_all("ada").await.unwrap(), 2);
}

/// A store may say that a session has ended and then fail at the look; on a paused clock this ends only if somebody
/// waits for time.
#[tokio::test(start_paused = true)]
async fn waiting_for_an_end_does_not_press_a_store_that_is_down() {
    let bed = Bed::new();
    let cookie = bed.sign_in("ada").await;
    let watched = bed.load(&cookie).await;
    assert_eq!(bed.backend.sessions().revoke_all("ada").await.unwrap(), 1);
    bed.store.set_down(true);
    let before = bed.store.calls(Operation::Load);
    let waited = tokio::time::timeout(Duration::from_secs(10), watched.ended()).await;
    assert!(waited.is_err(), "nobody knows");
    assert!(bed.store.calls(Operation::Load) - before <= 11);
    bed.store.set_down(false);
    assert_eq!(watched.ended().await, cloakroom::store::Ended::Revoked);
}

/// What an adapter does whose framework dropped the request: the commit begins again, for its end alone.
#[tokio::test]
async fn s_054_a_commit_that_was_dropped_ends_the_session_when_it_is_repeated() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.destroy().unwrap();
    session.insert("next", &1).unwrap();
    let gate = Gate::new();
    bed.store.inject(Operation::Delete, 1, Fault::Wait(gate.clone()));
    let (backend, committed) = (bed.backend.clone(), session.clone());
    let commit = tokio::spawn(async move { backend.store_in_message(&committed, 204).await });
    gate.reached().await;
    commit.abort();
    assert!(commit.await.unwrap_err().is_cancelled());
    assert!(bed.is_alive(&cookie).await);
    bed.backend.store_in_message(&session, 500).await.1.unwrap();
    assert!(!bed.is_alive(&cookie).await);
    assert_eq!(bed.live().await, 0);
}
