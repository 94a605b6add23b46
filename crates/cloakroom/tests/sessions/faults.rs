use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{ErrorKind, ServerSideSessionConfig};

use crate::Bed;

#[tokio::test]
async fn s_088_an_outage_is_an_error_and_touches_no_cookie() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    bed.store.set_down(true);
    let error = bed.backend.load_from_connection([cookie.as_bytes()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_temporary());
    assert_eq!(error.store(), Some("memory"));
    bed.store.set_down(false);

    let session = bed.load(&cookie).await;
    session.insert("k", &1).unwrap();
    bed.store.set_down(true);
    let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(headers.set_cookie, None);
    bed.store.set_down(false);
    assert!(bed.is_alive(&cookie).await);
}

#[tokio::test(start_paused = true)]
async fn s_089_a_store_that_hangs_is_given_up_on() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    bed.store.inject(Operation::Load, 1, Fault::Hang);
    let started = tokio::time::Instant::now();
    let error = bed.backend.load_from_connection([cookie.as_bytes()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(started.elapsed().as_secs(), 2, "the default timeout, in the runtime's paused time");
}

#[tokio::test]
async fn s_090_a_lost_reply_is_applied_once() {
    let bed = Bed::new();
    bed.store.inject(Operation::Create, 1, Fault::LoseReply);
    let cookie = bed.create().await;
    assert_eq!(bed.live().await, 1);

    let session = bed.load(&cookie).await;
    session.update("n", |n: &mut u32| *n += 1).unwrap();
    bed.store.inject(Operation::Update, 1, Fault::LoseReply);
    bed.commit(&session, &cookie).await;
    assert_eq!(bed.load(&cookie).await.get::<u32>("n").unwrap(), Some(1));

    let session = bed.load(&cookie).await;
    session.update("n", |n: &mut u32| *n += 1).unwrap();
    bed.store.inject(Operation::Update, 1, Fault::Fail);
    bed.commit(&session, &cookie).await;
    assert_eq!(bed.load(&cookie).await.get::<u32>("n").unwrap(), Some(2));
}

/// Each store call of a cycle fails or loses its reply; afterwards exactly one ID is live.
#[tokio::test]
async fn s_040_a_cycle_that_fails_leaves_one_live_id() {
    for fault in [Fault::Fail, Fault::LoseReply] {
        for persistent in [false, true] {
            let bed = Bed::new();
            let old = bed.create().await;
            let session = bed.load(&old).await;
            session.cycle_id().unwrap();
            bed.store.inject(Operation::Update, 1, fault.clone());
            if persistent {
                bed.store.inject(Operation::Load, 1, Fault::Fail);
            }
            let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
            let told = headers.set_cookie.map(|line| line.split(';').next().unwrap().to_owned());
            let old_lives = bed.is_alive(&old).await;
            match told {
                Some(new) => {
                    outcome.unwrap();
                    assert!(bed.is_alive(&new).await && !old_lives);
                }
                None => assert!(outcome.is_err()),
            }
            assert_eq!(bed.live().await, 1);
        }
    }
}

#[tokio::test]
async fn s_112_limits_are_checked_before_any_store_call() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_max_bytes(100).with_max_keys(3));
    let session = bed.load("").await;
    session.insert("a", &"x".repeat(50)).unwrap();
    let error = session.insert("b", &"x".repeat(50)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let error = session.update("c", |s: &mut String| *s = "x".repeat(200)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    for key in ["b", "c"] {
        session.insert(key, &1).unwrap();
    }
    assert_eq!(session.insert("d", &1).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(session.insert(&"k".repeat(129), &1).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(bed.store.all_calls(), 0);
    assert_eq!(session.keys(), ["a", "b", "c"]);
}

#[tokio::test]
async fn s_114_reserved_empty_and_control_keys_are_refused() {
    let bed = Bed::new();
    let session = bed.load("").await;
    for (key, kind) in [
        ("", ErrorKind::InvalidKey),
        ("a\nb", ErrorKind::InvalidKey),
        ("__cloakroom_subject", ErrorKind::ReservedKey),
    ] {
        assert_eq!(session.insert(key, &1).unwrap_err().kind(), kind, "{key:?}");
        assert_eq!(session.update(key, |n: &mut u8| *n = 1).unwrap_err().kind(), kind, "{key:?}");
    }
}

/// A `save` that is given up on keeps its changes for the commit of the response, all kinds of them.
#[tokio::test]
async fn a_dropped_save_loses_nothing() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.insert("k", &1).unwrap();
    session.sign_in("ada").unwrap();
    session.set_label("device", "old").unwrap();
    let gate = Gate::new();
    bed.store.inject(Operation::Update, 1, Fault::Wait(gate.clone()));
    let saver = session.clone();
    let save = tokio::spawn(async move { saver.save().await });
    gate.reached().await;
    session.update("n", |n: &mut u32| *n += 1).unwrap();
    session.set_label("device", "new").unwrap();
    save.abort();
    assert!(save.await.unwrap_err().is_cancelled());
    assert_eq!(
        (session.get::<u32>("k").unwrap(), session.get::<u32>("n").unwrap()),
        (Some(1), Some(1))
    );
    let cookie = bed.commit(&session, &cookie).await;
    let stored = bed.load(&cookie).await;
    assert_eq!(stored.get::<u32>("k").unwrap(), Some(1));
    assert_eq!(stored.get::<u32>("n").unwrap(), Some(1));
    assert_eq!(stored.subject().as_deref(), Some("ada"));
    assert_eq!(stored.labels()["device"], "new");
}

/// A save that failed without a word on whether it was stored is tried again: once is enough.
#[tokio::test]
async fn s_090_a_save_that_is_tried_again_is_applied_once() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.update("n", |n: &mut u32| *n += 1).unwrap();
    bed.store.inject(Operation::Update, 1, Fault::LoseReply);
    bed.store.inject(Operation::Load, 1, Fault::Fail);
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);
    session.save().await.unwrap();
    assert_eq!(bed.load(&cookie).await.get::<u32>("n").unwrap(), Some(1));

    // Somebody else writes on top before it is tried again: whether to add cannot be known.
    session.update("n", |n: &mut u32| *n += 1).unwrap();
    bed.store.inject(Operation::Update, 1, Fault::LoseReply);
    bed.store.inject(Operation::Load, 1, Fault::Fail);
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let other = bed.load(&cookie).await;
    other.insert("k", &1).unwrap();
    bed.commit(&other, &cookie).await;
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(bed.load(&cookie).await.get::<u32>("n").unwrap(), Some(2));
}

/// What can be stored twice without a difference is, whoever wrote in between.
#[tokio::test]
async fn s_090_an_insert_that_is_tried_again_needs_no_certainty() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.insert("k", &1).unwrap();
    bed.store.inject(Operation::Update, 1, Fault::LoseReply);
    bed.store.inject(Operation::Load, 1, Fault::Fail);
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let other = bed.load(&cookie).await;
    other.update("n", |n: &mut u32| *n += 1).unwrap();
    bed.commit(&other, &cookie).await;
    session.update("n", |n: &mut u32| *n += 10).unwrap();
    bed.commit(&session, &cookie).await;
    let session = bed.load(&cookie).await;
    assert_eq!(session.get::<u32>("n").unwrap(), Some(11));
    assert_eq!(session.get::<u32>("k").unwrap(), Some(1));
}

/// The sign-in is stored, and the look at the subject's other sessions fails: trying again does not sign in twice.
#[tokio::test]
async fn s_090_a_sign_in_whose_limit_could_not_be_checked_is_not_doubled() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_max_sessions_per_subject(5));
    let session = bed.load("").await;
    session.sign_in("ada").unwrap();
    bed.store.inject(Operation::BySubject, 1, Fault::Fail);
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let cookie = bed.commit(&session, "").await;
    assert!(bed.is_alive(&cookie).await);
    assert_eq!(bed.live().await, 1);
}
