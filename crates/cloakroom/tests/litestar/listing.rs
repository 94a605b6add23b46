//! Finding the sessions of somebody, and all of them, where a real Litestar application shares them.

use cloakroom::{
    Absence, ErrorKind, ServerSideSessionBackend, ServerSideSessionConfig, Store as _,
};
use serde_json::json;

use crate::side::{Sides, start, start_in, start_on_folder};

/// Signs a new visitor in on our side; their cookie.
async fn sign_in<K>(sides: &mut Sides<K>, subject: &str) -> String {
    sides.litestar.cookie = None;
    sides.litestar.does("/set", r#"{"cart":1}"#).await;
    sides.does(|session| session.sign_in(subject).expect("it works")).await;
    sides.litestar.cookie.clone().expect("a cookie")
}

/// Whoever is signed in here is found and can be signed out everywhere, also after Litestar wrote the session.
async fn check_signing_out_everywhere<K>(sides: &mut Sides<K>) {
    let cookies = [sign_in(sides, "ada").await, sign_in(sides, "ada").await];
    let other = sign_in(sides, "bob").await;
    sides.litestar.cookie = Some(cookies[0].clone());
    sides.litestar.does("/set", r#"{"theirs":1}"#).await;
    let sessions = sides.ours.sessions();
    assert_eq!(sessions.of("ada").await.expect("it works").len(), 2);
    assert_eq!(sessions.count().await.expect("it works"), 3);
    assert_eq!(sessions.revoke_all("ada").await.expect("it works"), 2);
    assert!(sessions.of("ada").await.expect("it works").is_empty());
    for cookie in cookies {
        sides.litestar.cookie = Some(cookie);
        // As a request would that was under way.
        sides.litestar.does("/set", r#"{"back":1}"#).await;
        assert_eq!(sides.load().await.absence(), Some(Absence::Revoked));
    }
    sides.litestar.cookie = Some(other);
    assert_eq!(sides.load().await.subject().as_deref(), Some("bob"));
    sides.does(|session| session.sign_in("cleo").expect("it works")).await;
    assert!(sessions.of("bob").await.expect("it works").is_empty());
    assert_eq!(sessions.of("cleo").await.expect("it works").len(), 1);
    // One that ends there is not found any more.
    sides.litestar.does("/clear", "").await;
    assert!(sessions.of("cleo").await.expect("it works").is_empty());
    assert_eq!(sessions.count().await.expect("it works"), 0);
}

#[tokio::test]
async fn who_is_signed_in_is_found_and_signed_out_everywhere_on_redis() {
    let Some(mut sides) = start() else { return };
    check_signing_out_everywhere(&mut sides).await;
}

#[tokio::test]
async fn who_is_signed_in_is_found_and_signed_out_everywhere_in_a_folder() {
    let Some(mut sides) = start_on_folder("plain") else { return };
    check_signing_out_everywhere(&mut sides).await;
}

#[tokio::test]
async fn a_limit_on_sessions_ends_the_oldest_sign_in_on_both_sides() {
    let Some(mut sides) = start() else { return };
    let config = ServerSideSessionConfig::litestar().with_max_sessions_per_subject(2);
    let store = sides.ours.store().clone();
    sides.ours = ServerSideSessionBackend::new(store, config).unwrap();
    let first = sign_in(&mut sides, "ada").await;
    for _ in 0..2 {
        sign_in(&mut sides, "ada").await;
    }
    assert_eq!(sides.ours.sessions().of("ada").await.unwrap().len(), 2);
    sides.litestar.cookie = Some(first);
    assert_eq!(sides.litestar.get("/session").await.json(), json!({}));
    assert_eq!(sides.load().await.absence(), Some(Absence::Revoked));
}

/// A walk finds what Litestar made as well, and passes over what is none.
#[tokio::test]
async fn a_walk_over_a_redis_finds_what_was_never_seen_here() {
    let Some(mut sides) = start() else { return };
    let signed_in = sign_in(&mut sides, "ada").await;
    let mut cookies = vec![signed_in];
    for _ in 0..3 {
        sides.litestar.cookie = None;
        sides.litestar.does("/set", r#"{"a":1}"#).await;
        cookies.push(sides.litestar.cookie.clone().unwrap());
    }
    // An empty session, one that cannot be read, one that is no session at all, and two other keys.
    sides.litestar.cookie = None;
    sides.litestar.get("/session").await;
    let id = |digit: &str| digit.repeat(64);
    sides.server.cli(&["SET", &format!("LITESTAR:{}", id("a")), "{not json"]).unwrap();
    sides.server.cli(&["RPUSH", &format!("LITESTAR:{}", id("b")), "x"]).unwrap();
    sides.server.cli(&["SET", "LITESTAR:attacker", "{}"]).unwrap();
    sides.server.cli(&["SET", &format!("LITESTAR2:{}", id("c")), r#"{"a":1}"#]).unwrap();

    let mut expected: Vec<_> = cookies
        .iter()
        .map(|cookie| cookie.strip_prefix("session=").unwrap()[..32].to_owned())
        .collect();
    expected.sort();
    let sessions = sides.ours.sessions();
    assert_eq!(sessions.count().await.unwrap(), 4);
    let mut all = sessions.all().with_page_size(2);
    let mut found = Vec::new();
    while let Some(session) = all.next().await.unwrap() {
        found.push(session.handle.to_string());
    }
    assert_eq!(found, expected);
    // A list is a look: it notes nothing.
    let known = sides.server.cli(&["KEYS", "cloakroom-litestar/LITESTAR:s:*"]).unwrap();
    assert_eq!(known.lines().filter(|line| !line.is_empty()).count(), 1, "{known}");
}

/// Nobody's name is in a key, and the index goes with the last session that is in it.
#[tokio::test]
async fn the_index_of_a_redis_names_nobody_and_does_not_stay() {
    let Some(mut sides) = start() else { return };
    let cookie = sign_in(&mut sides, "ada@example.com").await;
    let indexes = |sides: &Sides| sides.server.cli(&["KEYS", "*:u:*"]).unwrap().trim().to_owned();
    let index = indexes(&sides);
    assert!(index.starts_with("cloakroom-litestar/LITESTAR:u:"), "{index}");
    assert!(!sides.server.cli(&["KEYS", "*"]).unwrap().contains("example"));
    let lives = |sides: &Sides, key: &str| {
        sides.server.cli(&["PTTL", key]).unwrap().trim().parse::<i64>().unwrap()
    };
    let known = format!("cloakroom-litestar/LITESTAR:s:{}", &cookie["session=".len()..][..32]);
    assert!(lives(&sides, &index) >= lives(&sides, &known) - 1000);
    // Prolonged there, and seen here: the index lives as long.
    sides.server.cli(&["EXPIRE", &format!("LITESTAR:{}", sides.id()), "9000000"]).unwrap();
    sides.load().await;
    assert!(lives(&sides, &index) > 9_000_000_000, "{}", lives(&sides, &index));
    assert!(lives(&sides, &index) >= lives(&sides, &known) - 1000);
    sides.does(|session| session.sign_out().expect("it works")).await;
    assert_eq!(indexes(&sides), "");
}

/// Whatever is next done with a session, on either side, tells the index, should that have lost it.
#[tokio::test]
async fn s_070_an_entry_that_the_index_lost_is_there_again_after_a_write_or_a_renewal() {
    let Some(mut sides) = start() else { return };
    for way in ["ours", "a renewal", "theirs"] {
        sign_in(&mut sides, "ada").await;
        let index = sides.server.cli(&["KEYS", "*:u:*"]).unwrap().trim().to_owned();
        assert_eq!(sides.server.cli(&["DEL", &index]).unwrap().trim(), "1");
        match way {
            "ours" => sides.does(|session| session.insert("n", &1).expect("it works")).await,
            "a renewal" => {
                let session = sides.load().await;
                let (store, now) = (sides.ours.store(), session.created_at().unwrap());
                let later = session.expires_at().unwrap().plus(std::time::Duration::from_secs(60));
                assert!(store.touch(session.handle().unwrap(), later, now).await.unwrap());
            }
            _ => {
                // Litestar moves the deadline when it is told to, and what it moved is seen at the next load.
                let id = format!("LITESTAR:{}", sides.id());
                sides.server.cli(&["EXPIRE", &id, "9000000"]).unwrap();
                sides.load().await;
            }
        }
        assert_eq!(sides.ours.sessions().revoke_all("ada").await.unwrap(), 1, "{way}");
        assert_eq!(sides.load().await.absence(), Some(Absence::Revoked), "{way}");
    }
}

/// By subject alone, where any key of the database could be a session.
#[tokio::test]
async fn without_a_namespace_only_subjects_are_found() {
    let Some(mut sides) = start_in("plain", "") else { return };
    sign_in(&mut sides, "ada").await;
    let sessions = sides.ours.sessions();
    assert_eq!(sessions.of("ada").await.unwrap().len(), 1);
    assert_eq!(sessions.count().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(sessions.page(None, 1).await.unwrap_err().kind(), ErrorKind::Unsupported);
}
