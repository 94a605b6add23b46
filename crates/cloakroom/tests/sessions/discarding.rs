//! A handler that changes its mind.

use std::time::Duration;

use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{ErrorKind, MaxAge, ServerSideSessionConfig};

use crate::Bed;

#[tokio::test]
async fn what_was_discarded_is_not_stored() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.insert("n", &7).unwrap();
    session.remove("n").unwrap();
    session.clear().unwrap();
    session.update("k", |k: &mut u32| *k += 1).unwrap();
    session.sign_in("ada").unwrap();
    session.set_label("device", "laptop").unwrap();
    session.set_max_age(MaxAge::BrowserSession).unwrap();
    session.cycle_id().unwrap();
    session.renew().unwrap();

    session.discard().unwrap();

    assert_eq!((session.keys(), session.get::<u32>("n").unwrap()), (vec!["n".into()], Some(0)));
    assert_eq!((session.subject(), session.labels().len()), (None, 0));
    assert_eq!(bed.commit(&session, &cookie).await, cookie);
    assert_eq!(bed.store.calls(Operation::Update), 0);
    assert!(bed.is_alive(&cookie).await);
}

#[tokio::test]
async fn what_comes_after_a_discard_is_stored() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.insert("dropped", &1).unwrap();
    session.discard().unwrap();
    session.insert("kept", &2).unwrap();
    let cookie = bed.commit(&session, &cookie).await;
    assert_eq!(bed.load(&cookie).await.keys(), ["kept", "n"]);
}

#[tokio::test]
async fn a_new_session_that_is_discarded_never_begins() {
    let bed = Bed::new();
    let session = bed.load("").await;
    session.insert("k", &1).unwrap();
    session.sign_in("ada").unwrap();
    session.discard().unwrap();
    assert_eq!(bed.commit(&session, "").await, "");
    assert_eq!(bed.store.all_calls(), 0);
}

#[tokio::test]
async fn s_054_a_discard_does_not_undo_an_end() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.destroy().unwrap();
    session.insert("next", &1).unwrap();
    session.discard().unwrap();
    assert_eq!(bed.commit(&session, &cookie).await, "", "the cookie is expired");
    assert!(!bed.is_alive(&cookie).await);
    assert_eq!(bed.live().await, 0);
}

#[tokio::test]
async fn what_was_saved_stays() {
    let bed = Bed::new();
    let session = bed.load("").await;
    session.insert("saved", &1).unwrap();
    session.save().await.unwrap();
    session.insert("dropped", &2).unwrap();
    session.discard().unwrap();
    assert_eq!(session.keys(), ["saved"]);
    let cookie = bed.commit(&session, "").await;
    assert_eq!(bed.load(&cookie).await.keys(), ["saved"]);
}

/// Those changes are on their way and may have arrived, so they are neither undone nor forgotten.
#[tokio::test]
async fn what_a_save_carries_stays_also_if_it_is_dropped() {
    for dropped in [false, true] {
        let bed = Bed::new();
        let cookie = bed.create().await;
        let session = bed.load(&cookie).await;
        session.insert("saved", &1).unwrap();
        let gate = Gate::new();
        bed.store.inject(Operation::Update, 1, Fault::Wait(gate.clone()));
        let saver = session.clone();
        let save = tokio::spawn(async move { saver.save().await });
        gate.reached().await;
        session.insert("dropped", &2).unwrap();
        session.discard().unwrap();
        assert_eq!(session.keys(), ["n", "saved"]);
        if dropped {
            save.abort();
            assert!(save.await.unwrap_err().is_cancelled());
        } else {
            gate.open();
            save.await.unwrap().unwrap();
        }
        assert_eq!(session.keys(), ["n", "saved"]);
        let cookie = bed.commit(&session, &cookie).await;
        assert_eq!(bed.load(&cookie).await.keys(), ["n", "saved"]);
    }
}

#[tokio::test]
async fn s_045_a_scheduled_rotation_goes_on() {
    let config = ServerSideSessionConfig::default().with_rotate_every(Duration::from_secs(60));
    let bed = Bed::with(config);
    let cookie = bed.create().await;
    bed.clock.advance(Duration::from_secs(61));
    let session = bed.load(&cookie).await;
    session.insert("dropped", &1).unwrap();
    session.discard().unwrap();
    let rotated = bed.commit(&session, &cookie).await;
    assert_ne!(rotated, cookie);
    assert_eq!(bed.load(&rotated).await.keys(), ["n"]);
}

#[tokio::test]
async fn s_080_after_the_response_it_is_too_late() {
    let bed = Bed::new();
    let session = bed.load("").await;
    session.insert("k", &1).unwrap();
    let cookie = bed.commit(&session, "").await;
    assert_eq!(session.discard().unwrap_err().kind(), ErrorKind::Closed);
    let late = bed.load(&cookie).await.detached();
    late.insert("dropped", &1).unwrap();
    late.discard().unwrap();
    late.insert("kept", &1).unwrap();
    late.save().await.unwrap();
    assert_eq!(bed.load(&cookie).await.keys(), ["k", "kept"]);
}
