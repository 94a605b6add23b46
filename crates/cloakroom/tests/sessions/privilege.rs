//! Changes of privilege: the ID changes, the proof of who somebody is does not renew itself, and nothing is
//! handed over that should not be.

use std::time::Duration;

use cloakroom::{Clock, MaxAge, ServerSideSessionConfig, Session};

use crate::Bed;

const MINUTE: Duration = Duration::from_secs(60);

/// Does one request's work; the cookie after it. The old ID must be dead.
async fn change(bed: &Bed, cookie: &str, work: impl Fn(&Session)) -> String {
    let session = bed.load(cookie).await;
    work(&session);
    let next = bed.commit(&session, cookie).await;
    assert_ne!(next, cookie, "a new ID");
    assert!(!bed.is_alive(cookie).await, "the old one is dead at once");
    assert!(bed.is_alive(&next).await);
    next
}

#[tokio::test]
async fn s_043_each_change_of_privilege_gives_a_new_id() {
    let bed = Bed::new();
    let mut cookie = bed.create().await;
    type Step = (&'static str, fn(&Session));
    let steps: [Step; 5] = [
        ("password", |session| session.sign_in("ada").unwrap()),
        ("second factor", |session| session.sign_in("ada").unwrap()),
        ("another role", |session| session.cycle_id().unwrap()),
        ("impersonation", |session| session.sign_in("bob").unwrap()),
        ("back again", |session| session.sign_in("ada").unwrap()),
    ];
    for (what, step) in steps {
        cookie = change(&bed, &cookie, step).await;
        assert_eq!(bed.live().await, 1, "{what}");
    }
}

#[tokio::test]
async fn s_046_what_the_application_removes_at_the_sign_in_is_gone() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.insert("csrf", "token of the anonymous visitor").unwrap();
    session.insert("login", "state of the flow").unwrap();
    bed.commit(&session, &cookie).await;
    // A form that was opened before the sign-in and comes in after it.
    let stale = bed.load(&cookie).await;
    stale.insert("csrf", "token of the anonymous visitor").unwrap();
    let signed_in = change(&bed, &cookie, |session| {
        session.remove("csrf").unwrap();
        session.remove("login").unwrap();
        session.sign_in("ada").unwrap();
    })
    .await;
    bed.commit(&stale, &cookie).await;
    assert_eq!(bed.load(&signed_in).await.keys(), ["n"]);

    let afresh = change(&bed, &signed_in, |session| {
        session.clear().unwrap();
        session.sign_in("ada").unwrap();
    })
    .await;
    let session = bed.load(&afresh).await;
    assert_eq!((session.len(), session.subject().as_deref()), (0, Some("ada")));
}

#[tokio::test]
async fn s_047_a_sign_in_keeps_the_visitors_data_and_nobody_elses() {
    let bed = Bed::new();
    let anonymous = bed.create().await;
    let ada = change(&bed, &anonymous, |session| session.sign_in("ada").unwrap()).await;
    assert_eq!(bed.load(&ada).await.keys(), ["n"], "a cart comes along");
    let again = change(&bed, &ada, |session| session.sign_in("ada").unwrap()).await;
    assert_eq!(bed.load(&again).await.keys(), ["n"], "her own data stays");
    let bob = change(&bed, &again, |session| {
        session.insert("before", &1).unwrap();
        session.sign_in("bob").unwrap();
        session.insert("after", &1).unwrap();
        assert_eq!(session.keys(), ["after"]);
    })
    .await;
    assert_eq!(bed.load(&bob).await.keys(), ["after"], "hers is not his");
    let back = change(&bed, &bob, |session| {
        session.sign_in("eve").unwrap();
        session.insert("eves", &1).unwrap();
        session.sign_in("bob").unwrap();
    })
    .await;
    assert!(bed.load(&back).await.is_empty(), "nor is what Eve did on the way");
}

/// Labels are shown in the subject's list of devices, and "remember me" was the other one's wish.
#[tokio::test]
async fn s_047_labels_and_lifetime_of_another_subject_are_dropped() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_max_age(MINUTE));
    let session = bed.load("").await;
    session.sign_in("ada").unwrap();
    session.set_label("place", "at home").unwrap();
    session.set_max_age(MaxAge::Lasting(MINUTE * 60)).unwrap();
    let ada = bed.commit(&session, "").await;
    let again = change(&bed, &ada, |session| session.sign_in("ada").unwrap()).await;
    assert_eq!(bed.load(&again).await.labels()["place"], "at home");

    let bob = change(&bed, &again, |session| {
        session.sign_in("bob").unwrap();
        session.set_label("device", "phone").unwrap();
        assert_eq!(session.labels().len(), 1);
    })
    .await;
    let listed = bed.backend.sessions().of("bob").await.unwrap();
    assert_eq!(listed[0].labels.keys().collect::<Vec<_>>(), ["device"]);
    assert_eq!(listed[0].expires_at, bed.clock.now().plus(MINUTE));
    bed.clock.advance(MINUTE);
    assert!(!bed.is_alive(&bob).await);
}

#[tokio::test]
async fn s_063_the_time_of_the_proof_moves_with_a_sign_in_alone() {
    let config = ServerSideSessionConfig::default()
        .with_renew_on_access(true)
        .with_rotate_every(MINUTE * 10)
        .with_max_age(MINUTE * 30);
    let bed = Bed::with(config);
    let anonymous = bed.create().await;
    assert_eq!(bed.load(&anonymous).await.authenticated_at(), None);
    let mut cookie = change(&bed, &anonymous, |session| session.sign_in("ada").unwrap()).await;
    let proved = bed.clock.now();
    for minute in 1..=20_u64 {
        bed.clock.advance(MINUTE);
        let session = bed.load(&cookie).await;
        match minute % 5 {
            0 => session.insert("k", &minute).unwrap(),
            1 => session.renew().unwrap(),
            2 => session.cycle_id().unwrap(),
            3 => session.set_max_age(MaxAge::Lasting(MINUTE * 15)).unwrap(),
            _ => session.clear().unwrap(),
        }
        assert_eq!(session.authenticated_at(), Some(proved), "minute {minute}");
        cookie = bed.commit(&session, &cookie).await;
        let session = bed.load(&cookie).await;
        assert_eq!(session.authenticated_at(), Some(proved), "minute {minute}");
        let stale = bed.clock.now().since(proved) > MINUTE * 5;
        assert_eq!(stale, minute > 5, "so that a recent proof can be required");
    }
    let session = bed.load(&cookie).await;
    session.sign_in("ada").unwrap();
    assert_eq!(session.authenticated_at(), Some(bed.clock.now()), "this request's own counts");
    cookie = bed.commit(&session, &cookie).await;
    let session = bed.load(&cookie).await;
    assert_eq!(session.authenticated_at(), Some(bed.clock.now()));
    session.destroy().unwrap();
    assert_eq!(session.authenticated_at(), None);
}

/// What a handler does after a new password, in two calls.
#[tokio::test]
async fn s_067_after_a_new_password_the_current_session_alone_lives_under_a_new_id() {
    let bed = Bed::new();
    let (current, other) = (bed.sign_in("ada").await, bed.sign_in("ada").await);
    let session = bed.load(&current).await;
    session.cycle_id().unwrap();
    assert_eq!(bed.backend.sessions().revoke_others(&session).await.unwrap(), 1);
    let next = bed.commit(&session, &current).await;
    assert_ne!(next, current);
    assert!(bed.is_alive(&next).await && !bed.is_alive(&current).await);
    assert!(!bed.is_alive(&other).await);
}

/// An account that is closed: whoever is signed in is out, whatever a request of theirs still does.
#[tokio::test]
async fn s_068_all_sessions_of_a_closed_account_are_dead() {
    let bed = Bed::new();
    let cookies = [bed.sign_in("ada").await, bed.sign_in("ada").await];
    let in_flight = bed.load(&cookies[0]).await;
    in_flight.insert("k", &1).unwrap();
    assert_eq!(bed.backend.sessions().revoke_all("ada").await.unwrap(), 2);
    bed.commit(&in_flight, &cookies[0]).await;
    for cookie in cookies {
        assert!(!bed.is_alive(&cookie).await);
    }
    assert_eq!(bed.live().await, 0);
}

/// Beyond a number that every record has room for, an error, and not a label that is missing later.
#[tokio::test]
async fn a_session_has_up_to_thirty_two_labels() {
    let bed = Bed::new();
    let cookie = bed.sign_in("ada").await;
    let (name, value) = (|n: u32| format!("{n:064}"), "v".repeat(256));
    let session = bed.load(&cookie).await;
    for n in 0..31 {
        session.set_label(&name(n), &value).unwrap();
    }
    let cookie = bed.commit(&session, &cookie).await;
    let (session, other) = (bed.load(&cookie).await, bed.load(&cookie).await);
    session.set_label(&name(31), &value).unwrap();
    session.set_label(&name(0), "another value").unwrap();
    assert_eq!(
        session.set_label(&name(32), &value).unwrap_err().kind(),
        cloakroom::ErrorKind::TooLarge
    );
    let cookie = bed.commit(&session, &cookie).await;
    assert_eq!(bed.load(&cookie).await.labels().len(), 32);

    other.set_label(&name(33), &value).unwrap();
    assert_eq!(other.save().await.unwrap_err().kind(), cloakroom::ErrorKind::TooLarge);
    assert_eq!(bed.load(&cookie).await.labels().len(), 32);
}
