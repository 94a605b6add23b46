//! What was saved before the response, and the cookie that goes out with it.

use std::time::Duration;

use cloakroom::Session;
use cloakroom::testkit::{Fault, Operation};

use crate::Bed;

/// A request that has saved, which moves the deadline of the cookie.
async fn saved(bed: &Bed, cookie: &str) -> Session {
    bed.clock.advance(Duration::from_secs(60));
    let session = bed.load(cookie).await;
    session.insert("saved", &1).unwrap();
    session.save().await.unwrap();
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
        bed.store.inject(Operation::Load, 1, Fault::Fail);
        let next = bed.commit(&session, &cookie).await;
        assert_ne!(next, cookie);
        // The fault, if nobody has met it.
        let _ = bed.backend.load_from_connection([next.as_bytes()]).await;
        assert!(bed.is_alive(&next).await, "{signs_in}");
    }
}
