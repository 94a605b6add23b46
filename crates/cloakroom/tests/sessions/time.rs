use std::time::Duration;

use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{Absence, MaxAge, ServerSideSessionConfig};

use crate::Bed;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn s_055_an_idle_session_ends() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_max_age(SECOND * 60));
    let cookie = bed.create().await;
    bed.clock.advance(SECOND * 60 - Duration::from_millis(1));
    assert!(bed.is_alive(&cookie).await);
    bed.clock.advance(Duration::from_millis(1));
    let session = bed.load(&cookie).await;
    assert_eq!(session.absence(), Some(Absence::Expired));
    assert!(session.is_empty());
}

#[tokio::test]
async fn s_056_activity_does_not_move_the_absolute_deadline() {
    let config = ServerSideSessionConfig::default()
        .with_max_age(SECOND * 120)
        .with_absolute_timeout(SECOND * 600)
        .with_renew_on_access(true);
    let bed = Bed::with(config);
    let mut cookie = bed.create().await;
    for minute in 1..10_u32 {
        bed.clock.advance(SECOND * 60);
        let session = bed.load(&cookie).await;
        assert!(session.exists(), "minute {minute}");
        session.insert("minute", &minute).unwrap();
        if minute % 2 == 0 {
            session.cycle_id().unwrap();
        }
        cookie = bed.commit(&session, &cookie).await;
    }
    bed.clock.advance(SECOND * 60);
    assert!(!bed.is_alive(&cookie).await);
}

#[tokio::test]
async fn s_058_a_lifetime_of_its_own_survives_writes() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.set_max_age(MaxAge::Lasting(SECOND * 10)).unwrap();
    bed.commit(&session, &cookie).await;
    bed.clock.advance(SECOND * 9);
    let session = bed.load(&cookie).await;
    session.insert("k", &1).unwrap();
    bed.commit(&session, &cookie).await;
    bed.clock.advance(SECOND * 9);
    assert!(bed.is_alive(&cookie).await);
    bed.clock.advance(SECOND);
    assert!(!bed.is_alive(&cookie).await);
}

#[tokio::test]
async fn a_browser_session_has_no_max_age() {
    let bed = Bed::new();
    let session = bed.load("").await;
    session.insert("k", &1).unwrap();
    session.set_max_age(MaxAge::BrowserSession).unwrap();
    let (headers, _) = bed.backend.store_in_message(&session, 200).await;
    assert!(!headers.set_cookie.unwrap().contains("Max-Age"));
}

#[tokio::test]
async fn s_060_renewal_is_throttled_and_in_one_round_trip() {
    let config =
        ServerSideSessionConfig::default().with_max_age(SECOND * 100).with_renew_on_access(true);
    let bed = Bed::with(config);
    let cookie = bed.create().await;
    let before = bed.store.all_calls();
    let mut sent = 0;
    for _ in 0..100 {
        bed.clock.advance(Duration::from_millis(99));
        let session = bed.load(&cookie).await;
        let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
        outcome.unwrap();
        sent += usize::from(headers.set_cookie.is_some());
    }
    assert_eq!(sent, 0, "9.9 s are less than a tenth of the lifetime");
    bed.clock.advance(SECOND);
    let session = bed.load(&cookie).await;
    let (headers, _) = bed.backend.store_in_message(&session, 200).await;
    assert!(headers.set_cookie.unwrap().ends_with("Max-Age=100"));
    assert_eq!(bed.store.all_calls() - before, 101, "a renewal takes no call of its own");

    // A request that took its time looks again whether its cookie is still right.
    bed.clock.advance(SECOND * 11);
    let session = bed.load(&cookie).await;
    bed.clock.advance(Duration::from_millis(11));
    let (headers, _) = bed.backend.store_in_message(&session, 200).await;
    assert!(headers.set_cookie.is_some());
    assert_eq!(bed.store.all_calls() - before, 103);
    assert_eq!(bed.store.calls(Operation::Load), 103);
}

#[tokio::test]
async fn s_059_a_clock_that_jumps_breaks_nothing() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_max_age(SECOND * 60));
    let cookie = bed.create().await;
    bed.clock.set(cloakroom::UnixMillis::from_millis(0));
    let session = bed.load(&cookie).await;
    session.insert("k", &1).unwrap();
    bed.commit(&session, &cookie).await;
    bed.clock.set(cloakroom::UnixMillis::MAX);
    assert!(!bed.is_alive(&cookie).await);
}

/// The deadline is decided once; what the commit takes after that must not shorten the cookie by a second.
#[tokio::test]
async fn max_age_is_whole_however_long_the_commit_takes() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_max_age(SECOND * 3));
    let gate = Gate::new();
    bed.store.inject(Operation::Create, 1, Fault::Wait(gate.clone()));
    let session = bed.load("").await;
    session.insert("k", &1).unwrap();
    let backend = bed.backend.clone();
    let commit = tokio::spawn(async move { backend.store_in_message(&session, 200).await });
    gate.reached().await;
    bed.clock.advance(Duration::from_millis(1));
    gate.open();
    let (headers, outcome) = commit.await.unwrap();
    outcome.unwrap();
    assert!(headers.set_cookie.unwrap().ends_with("Max-Age=3"));
}

#[tokio::test]
async fn s_044_rotation_does_not_move_the_absolute_deadline() {
    let config = ServerSideSessionConfig::default()
        .with_rotate_every(SECOND * 60)
        .with_absolute_timeout(SECOND * 600);
    let bed = Bed::with(config);
    let mut cookie = bed.create().await;
    for minute in 1..10 {
        bed.clock.advance(SECOND * 60);
        let session = bed.load(&cookie).await;
        assert!(session.exists(), "minute {minute}");
        let next = bed.commit(&session, &cookie).await;
        assert_ne!(next, cookie);
        cookie = next;
    }
    bed.clock.advance(SECOND * 60);
    assert!(!bed.is_alive(&cookie).await);
}

#[tokio::test]
async fn s_044_signing_in_again_starts_the_absolute_timeout_anew() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_absolute_timeout(SECOND * 600));
    let cookie = bed.sign_in("ada").await;
    bed.clock.advance(SECOND * 599);
    let session = bed.load(&cookie).await;
    session.sign_in("ada").unwrap();
    let cookie = bed.commit(&session, &cookie).await;
    bed.clock.advance(SECOND * 599);
    assert!(bed.is_alive(&cookie).await);
    bed.clock.advance(SECOND);
    assert!(!bed.is_alive(&cookie).await);
}

/// Whoever can set a cookie for the site must not be able to let its sessions run out.
#[tokio::test]
async fn s_017_reads_beside_a_foreign_cookie_renew_the_session() {
    let config =
        ServerSideSessionConfig::default().with_max_age(SECOND * 100).with_renew_on_access(true);
    let bed = Bed::with(config);
    let cookie = bed.create().await;
    let both = format!("{cookie}; __Host-session={}", "A".repeat(43));
    for _ in 0..20 {
        bed.clock.advance(SECOND * 60);
        let session = bed.load(&both).await;
        assert!(session.exists());
        let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
        outcome.unwrap();
        assert!(headers.set_cookie.unwrap().ends_with("Max-Age=100"));
    }
    // A read that renews nothing asks about each cookie once.
    let before = bed.store.all_calls();
    assert!(bed.load(&both).await.exists());
    assert_eq!(bed.store.all_calls() - before, 2);
}

/// The browser must hear of a renewal also when the store took a while to answer.
#[tokio::test]
async fn a_renewal_reaches_the_cookie_however_long_the_load_takes() {
    let config =
        ServerSideSessionConfig::default().with_max_age(SECOND * 100).with_renew_on_access(true);
    let bed = Bed::with(config);
    let cookie = bed.create().await;
    bed.clock.advance(SECOND * 20);
    let gate = Gate::new();
    bed.store.inject(Operation::Load, 1, Fault::Wait(gate.clone()));
    let backend = bed.backend.clone();
    let load = tokio::spawn(async move { backend.load_from_connection([cookie.as_bytes()]).await });
    gate.reached().await;
    bed.clock.advance(Duration::from_millis(5));
    gate.open();
    let session = load.await.unwrap().unwrap();
    let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
    outcome.unwrap();
    assert!(headers.set_cookie.unwrap().ends_with("Max-Age=100"));
}

#[test]
fn a_moment_that_is_read_is_within_bounds() {
    let far: cloakroom::UnixMillis = serde_json::from_str("18446744073709551615").unwrap();
    assert_eq!(far.plus(Duration::from_secs(1)), cloakroom::UnixMillis::MAX);
}
