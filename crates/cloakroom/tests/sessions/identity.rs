use std::time::Duration;

use cloakroom::testkit::Operation;
use cloakroom::{Absence, ErrorKind, ServerSideSessionConfig, SubjectLimitPolicy};

use crate::Bed;

#[tokio::test]
async fn s_004_an_unknown_id_is_not_adopted() {
    let bed = Bed::new();
    let unknown = format!("__Host-session={}", "A".repeat(43));
    let session = bed.load(&unknown).await;
    assert_eq!(session.absence(), Some(Absence::Unknown));
    session.insert("k", &1).unwrap();
    let cookie = bed.commit(&session, &unknown).await;
    assert_ne!(cookie, unknown);
    assert!(!bed.is_alive(&unknown).await);
}

#[tokio::test]
async fn s_020_hostile_values_make_no_store_call() {
    let bed = Bed::new();
    for value in ["", "\0", "../../etc/passwd", "null", "' OR 1=1--", "💥", "%00", "\"quoted\""] {
        let session = bed.load(&format!("__Host-session={value}")).await;
        assert_eq!(session.absence(), Some(Absence::Malformed), "{value:?}");
    }
    bed.load(&format!("__Host-session={}", "A".repeat(10_000))).await;
    assert_eq!(bed.store.all_calls(), 0);
}

#[tokio::test]
async fn s_017_several_cookies_of_our_name() {
    let bed = Bed::new();
    let (a, b) = (bed.create().await, bed.create().await);
    let dead =
        |n: u8| format!("__Host-session={}", char::from(b'B' + n).to_string().repeat(42) + "A");
    assert!(bed.is_alive(&format!("{a}; {a}")).await);
    for line in [format!("{a}; {}; {}", dead(0), dead(1)), format!("{}; {}; {a}", dead(0), dead(1))]
    {
        assert!(bed.is_alive(&line).await, "{line}");
    }
    assert_eq!(bed.load(&format!("{a}; {b}")).await.absence(), Some(Absence::Ambiguous));
    let calls = bed.store.calls(Operation::Load);
    let many: Vec<_> = (0..4).map(dead).chain([a]).collect();
    assert_eq!(bed.load(&many.join("; ")).await.absence(), Some(Absence::Ambiguous));
    assert_eq!(bed.store.calls(Operation::Load), calls, "more than four are not tried");
}

#[tokio::test]
async fn s_037_sign_in_changes_the_secret_and_keeps_the_cart() {
    let bed = Bed::new();
    let anonymous = bed.create().await;
    let session = bed.load(&anonymous).await;
    session.sign_in("ada").unwrap();
    let signed_in = bed.commit(&session, &anonymous).await;
    assert_ne!(anonymous, signed_in);
    assert!(!bed.is_alive(&anonymous).await);
    let session = bed.load(&signed_in).await;
    assert_eq!(session.subject().as_deref(), Some("ada"));
    assert_eq!(session.get::<u32>("n").unwrap(), Some(0));
}

#[tokio::test]
async fn another_subject_gets_nothing_of_the_first() {
    let bed = Bed::new();
    let ada = bed.sign_in("ada").await;
    let session = bed.load(&ada).await;
    session.insert("diary", &"private").unwrap();
    bed.commit(&session, &ada).await;
    let session = bed.load(&ada).await;
    session.sign_in("bob").unwrap();
    let bob = bed.commit(&session, &ada).await;
    let session = bed.load(&bob).await;
    assert_eq!(session.subject().as_deref(), Some("bob"));
    assert!(session.is_empty());
}

#[tokio::test]
async fn s_039_a_request_from_before_the_sign_in_cannot_write_into_it() {
    let bed = Bed::new();
    let before = bed.create().await;
    let slow = bed.load(&before).await;
    slow.insert("planted", &true).unwrap();
    let session = bed.load(&before).await;
    session.sign_in("ada").unwrap();
    let after = bed.commit(&session, &before).await;
    let (headers, outcome) = bed.backend.store_in_message(&slow, 200).await;
    outcome.unwrap();
    assert_eq!(headers.set_cookie, None);
    assert!(!bed.load(&after).await.contains_key("planted"));
    assert!(!bed.is_alive(&before).await);
}

#[tokio::test]
async fn s_041_of_two_cycles_one_wins() {
    let bed = Bed::new();
    let old = bed.create().await;
    let (first, second) = (bed.load(&old).await, bed.load(&old).await);
    first.cycle_id().unwrap();
    second.cycle_id().unwrap();
    let won = bed.commit(&first, &old).await;
    assert_eq!(bed.commit(&second, &old).await, old, "the loser is told nothing");
    assert!(bed.is_alive(&won).await && !bed.is_alive(&old).await);
    assert_eq!(bed.live().await, 1);
}

#[tokio::test]
async fn s_042_a_failed_response_signs_nobody_in() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.sign_in("ada").unwrap();
    session.insert("k", &1).unwrap();
    let (headers, outcome) = bed.backend.store_in_message(&session, 500).await;
    outcome.unwrap();
    assert_eq!(headers.set_cookie, None);
    let session = bed.load(&cookie).await;
    assert_eq!((session.subject(), session.keys().len()), (None, 1));
}

fn rotating() -> ServerSideSessionConfig {
    ServerSideSessionConfig::default()
        .with_rotate_every(Duration::from_secs(60))
        .with_rotation_grace(Duration::from_secs(30))
}

#[tokio::test]
async fn s_045_rotation_converges_in_its_grace_and_reuse_ends_the_session() {
    let bed = Bed::with(rotating());
    let old = bed.create().await;
    bed.clock.advance(Duration::from_secs(60));
    let (first, second) = (bed.load(&old).await, bed.load(&old).await);
    let new = bed.commit(&first, &old).await;
    assert_ne!(new, old);
    assert_eq!(bed.commit(&second, &old).await, new, "in flight at the same time");
    bed.clock.advance(Duration::from_secs(29));
    let third = bed.load(&old).await;
    third.insert("late", &true).unwrap();
    assert_eq!(bed.commit(&third, &old).await, new, "within the grace, and may write");
    assert!(bed.load(&new).await.contains_key("late"));
    bed.clock.advance(Duration::from_secs(1));
    assert_eq!(bed.load(&old).await.absence(), Some(Absence::Reused));
    assert_eq!(bed.load(&new).await.absence(), Some(Absence::Reused), "ended for the thief too");
}

#[tokio::test]
async fn s_065_s_071_devices_are_listed_and_revoked() {
    let bed = Bed::new();
    let (a, b) = (bed.sign_in("ada").await, bed.sign_in("ada").await);
    let bob = bed.sign_in("bob").await;
    let sessions = bed.backend.sessions();
    assert_eq!(sessions.of("ada").await.unwrap().len(), 2);
    let current = bed.load(&a).await;
    assert_eq!(sessions.revoke_others(&current).await.unwrap(), 1);
    assert!(bed.is_alive(&a).await && !bed.is_alive(&b).await && bed.is_alive(&bob).await);
    assert_eq!(sessions.revoke_all("ada").await.unwrap(), 1);
    assert!(!bed.is_alive(&a).await && bed.is_alive(&bob).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_069_racing_sign_ins_keep_within_the_limit() {
    let config = ServerSideSessionConfig::default().with_max_sessions_per_subject(5);
    let bed = std::sync::Arc::new(Bed::with(config));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let bed = bed.clone();
            tokio::spawn(async move { bed.sign_in("ada").await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    // Fewer, where racing sign-ins ended one another; never more.
    assert!((1..=5).contains(&bed.backend.sessions().of("ada").await.unwrap().len()));
}

#[tokio::test]
async fn s_069_a_refused_sign_in_is_an_error_and_leaves_no_session() {
    let config = ServerSideSessionConfig::default()
        .with_max_sessions_per_subject(1)
        .with_subject_limit_policy(SubjectLimitPolicy::Refuse);
    let bed = Bed::with(config);
    let first = bed.sign_in("ada").await;
    bed.clock.advance(Duration::from_millis(1));
    let second = bed.load("").await;
    second.sign_in("ada").unwrap();
    let (headers, outcome) = bed.backend.store_in_message(&second, 200).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::SubjectLimit);
    assert_eq!(headers.set_cookie, None);
    assert!(bed.is_alive(&first).await);
    assert_eq!(bed.live().await, 1);
}

#[tokio::test]
async fn s_069_a_visitor_whose_sign_in_is_refused_keeps_the_cart() {
    let config = ServerSideSessionConfig::default()
        .with_max_sessions_per_subject(1)
        .with_subject_limit_policy(SubjectLimitPolicy::Refuse);
    let bed = Bed::with(config);
    bed.sign_in("ada").await;
    let cart = bed.create().await;
    let session = bed.load(&cart).await;
    session.sign_in("ada").unwrap();
    let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::SubjectLimit);
    assert_eq!(headers.set_cookie, None);
    let session = bed.load(&cart).await;
    assert_eq!((session.keys(), session.subject()), (vec!["n".to_owned()], None));
}

#[tokio::test]
async fn s_038_no_key_signs_anybody_in() {
    let bed = Bed::new();
    let session = bed.load("").await;
    for key in ["subject", "sub", "user", "__subject"] {
        session.insert(key, "root").unwrap();
    }
    assert_eq!(session.insert("__cloakroom", "root").unwrap_err().kind(), ErrorKind::ReservedKey);
    let cookie = bed.commit(&session, "").await;
    assert_eq!(bed.load(&cookie).await.subject(), None);
    assert!(bed.backend.sessions().of("root").await.unwrap().is_empty());
}

#[tokio::test]
async fn s_048_the_old_ids_slow_response_says_nothing_of_cookies() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_renew_on_access(true));
    let old = bed.create().await;
    let slow = bed.load(&old).await;
    let session = bed.load(&old).await;
    session.sign_in("ada").unwrap();
    let new = bed.commit(&session, &old).await;
    slow.insert("late", &1).unwrap();
    let (headers, outcome) = bed.backend.store_in_message(&slow, 200).await;
    outcome.unwrap();
    assert_eq!(headers.set_cookie, None);
    assert!(bed.is_alive(&new).await);
}

/// A browser may keep a cookie of one name twice: for the site alone, and for its frame in another site.
#[tokio::test]
async fn s_158_a_partitioned_and_an_unpartitioned_cookie_come_together() {
    let config = ServerSideSessionConfig::default()
        .with_partitioned(true)
        .with_samesite(cloakroom::SameSite::None);
    let bed = Bed::with(config);
    let (own, framed) = (bed.sign_in("ada").await, bed.sign_in("ada").await);
    let both = [format!("{own}; {framed}"), format!("{framed}; {own}")];
    for line in &both {
        assert_eq!(bed.load(line).await.absence(), Some(Absence::Ambiguous));
    }
    let session = bed.load(&own).await;
    session.sign_out().unwrap();
    let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
    outcome.unwrap();
    let line = headers.set_cookie.unwrap();
    assert!(line.contains("Max-Age=0") && line.contains("; Partitioned"), "{line}");
    for line in &both {
        assert_eq!(bed.load(line).await.handle(), bed.load(&framed).await.handle());
    }
}

/// The index shrinks with what ends, by whatever way, and misses nothing that lives.
#[tokio::test]
async fn s_070_the_sessions_of_a_subject_are_those_that_live() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_max_age(Duration::from_secs(100)));
    let sessions = bed.backend.sessions();
    let mut cookies = Vec::new();
    for _ in 0..5 {
        cookies.push(bed.sign_in("ada").await);
        bed.clock.advance(Duration::from_secs(10));
    }
    let session = bed.load(&cookies[4]).await;
    session.sign_out().unwrap();
    bed.commit(&session, &cookies[4]).await;
    let session = bed.load(&cookies[3]).await;
    session.sign_in("bob").unwrap();
    let bob = bed.commit(&session, &cookies[3]).await;
    assert_eq!(sessions.of("ada").await.unwrap().len(), 3);
    bed.clock.advance(Duration::from_secs(60));
    assert_eq!(sessions.of("ada").await.unwrap().len(), 1, "two have expired");
    assert_eq!(sessions.revoke_all("ada").await.unwrap(), 1);
    assert!(sessions.of("ada").await.unwrap().is_empty());
    assert!(bed.is_alive(&bob).await);
}
