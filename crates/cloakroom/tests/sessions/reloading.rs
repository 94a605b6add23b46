//! A request that looks again while others go on.

use std::time::Duration;

use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{ErrorKind, ServerSideSessionConfig};

use crate::Bed;

/// A bed where another request has just rotated the ID; the cookies before and after.
async fn rotated(bed: &Bed, cookie: &str) -> String {
    let other = bed.load(cookie).await;
    let next = bed.commit(&other, cookie).await;
    assert_ne!(next, cookie);
    next
}

fn rotating() -> Bed {
    Bed::with(ServerSideSessionConfig::default().with_rotate_every(Duration::from_secs(60)))
}

#[tokio::test]
async fn s_045_a_reload_after_a_rotation_does_not_hand_out_the_old_id() {
    for writes in [true, false] {
        let bed = rotating();
        let cookie = bed.create().await;
        let session = bed.load(&cookie).await;
        bed.clock.advance(Duration::from_secs(61));
        let next = rotated(&bed, &cookie).await;
        session.reload().await.unwrap();
        if writes {
            session.insert("k", &1).unwrap();
        }
        assert_eq!(bed.commit(&session, &cookie).await, next, "{writes}");
        bed.clock.advance(Duration::from_secs(31));
        assert_eq!(bed.load(&next).await.len(), 1 + usize::from(writes));
    }
}

#[tokio::test]
async fn s_045_a_reload_after_a_rotation_does_not_rotate_again() {
    let bed = rotating();
    let cookie = bed.create().await;
    bed.clock.advance(Duration::from_secs(61));
    let session = bed.load(&cookie).await;
    let next = rotated(&bed, &cookie).await;
    session.reload().await.unwrap();
    session.insert("k", &1).unwrap();
    assert_eq!(bed.commit(&session, &cookie).await, next);
    assert!(bed.is_alive(&next).await);
}

#[tokio::test]
async fn s_045_a_detached_session_that_reloads_within_the_grace_goes_on_after_it() {
    let bed = rotating();
    let cookie = bed.create().await;
    let socket = bed.load(&cookie).await.detached();
    bed.clock.advance(Duration::from_secs(61));
    let next = rotated(&bed, &cookie).await;
    socket.reload().await.unwrap();
    bed.clock.advance(Duration::from_secs(31));
    socket.insert("k", &1).unwrap();
    socket.save().await.unwrap();
    assert_eq!(bed.load(&next).await.get::<u8>("k").unwrap(), Some(1));
}

#[tokio::test]
async fn a_reload_shows_what_others_wrote_under_what_was_changed_here() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.update("n", |n: &mut u32| *n += 1).unwrap();
    let other = bed.load(&cookie).await;
    other.insert("n", &10).unwrap();
    other.insert("theirs", &true).unwrap();
    bed.commit(&other, &cookie).await;
    session.reload().await.unwrap();
    assert_eq!(session.get::<u32>("n").unwrap(), Some(11));
    assert!(session.contains_key("theirs"));
}

#[tokio::test]
async fn a_reload_beside_a_save_waits_for_it() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.insert("k", &1).unwrap();
    let gate = Gate::new();
    bed.store.inject(Operation::Update, 1, Fault::Wait(gate.clone()));
    let saver = session.clone();
    let save = tokio::spawn(async move { saver.save().await });
    gate.reached().await;
    let reader = session.clone();
    let reload = tokio::spawn(async move {
        reader.reload().await?;
        reader.get::<u8>("k")
    });
    // The reload runs as far as it gets, on the one thread of this test.
    tokio::task::yield_now().await;
    assert_eq!(session.get::<u8>("k").unwrap(), Some(1), "what is on its way is still seen");
    gate.open();
    save.await.unwrap().unwrap();
    assert_eq!(reload.await.unwrap().unwrap(), Some(1));
}

#[tokio::test]
async fn s_051_a_reload_does_not_bring_back_what_this_request_destroys() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    let gate = Gate::new();
    bed.store.inject(Operation::Load, 1, Fault::Wait(gate.clone()));
    let reader = session.clone();
    let reload = tokio::spawn(async move { reader.reload().await });
    gate.reached().await;
    session.destroy().unwrap();
    gate.open();
    reload.await.unwrap().unwrap();
    assert!(!session.exists() && session.is_empty());
    assert_eq!(bed.commit(&session, &cookie).await, "");
    assert_eq!(bed.live().await, 0);
}

#[tokio::test]
async fn s_039_a_reload_shows_nothing_of_after_the_sign_in() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    let other = bed.load(&cookie).await;
    other.sign_in("ada").unwrap();
    other.insert("secret", &1).unwrap();
    bed.commit(&other, &cookie).await;
    assert_eq!(session.reload().await.unwrap_err().kind(), ErrorKind::Gone);
    assert_eq!((session.subject(), session.keys()), (None, vec!["n".to_owned()]));
}
