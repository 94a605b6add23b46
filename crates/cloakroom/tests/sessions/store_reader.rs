//! Whoever reads or writes the store.

use cloakroom::store::{Created, Ended, Lookup, Store};
use cloakroom::{
    Absence, IdFormat, SecretHash, ServerSideSessionBackend, SessionHandle, SessionId,
};

use crate::Bed;

fn id_of(cookie: &str) -> SessionId {
    let text = cookie.split_once('=').unwrap().1;
    SessionId::parse(text.as_bytes(), 32, IdFormat::Base64Url).unwrap()
}

async fn record_of(bed: &Bed, handle: SessionHandle) -> cloakroom::Record {
    match bed.store.load(handle, None, cloakroom::Clock::now(&bed.clock)).await.unwrap() {
        Lookup::Live(record) => record,
        Lookup::Absent(_) => panic!("the session is live"),
    }
}

#[tokio::test]
async fn s_007_nothing_that_is_stored_is_a_cookie() {
    let bed = Bed::new();
    let cookie = bed.sign_in("ada").await;
    let handle = id_of(&cookie).handle();
    let hash = *record_of(&bed, handle).await.secret_hash().as_bytes();
    let guess = [&handle.as_bytes()[..], &hash[..16]].concat();
    for bytes in [hash.to_vec(), guess] {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let id = SessionId::parse(hex.as_bytes(), 32, IdFormat::Hex).unwrap();
        for text in [hex.clone(), id.expose(IdFormat::Base64Url).to_string(), handle.to_string()] {
            assert!(!bed.is_alive(&format!("__Host-session={text}")).await);
        }
    }
}

#[tokio::test]
async fn s_009_another_sessions_record_under_our_key_is_no_session() {
    let bed = Bed::new();
    let (victim, attacker) = (bed.sign_in("ada").await, SessionId::generate(32).unwrap());
    let stolen = record_of(&bed, id_of(&victim).handle()).await;
    let now = cloakroom::Clock::now(&bed.clock);
    let planted = bed.store.create(attacker.handle(), stolen, now).await.unwrap();
    assert_eq!(planted, Created::Created);
    let cookie = format!("__Host-session={}", &*attacker.expose(IdFormat::Base64Url));
    let session = bed.load(&cookie).await;
    assert_eq!(session.absence(), Some(Absence::Unknown));
    assert_eq!(session.subject(), None);
    assert!(session.is_empty());
}

/// Whoever can write to the store plants records by every mistake a store or a reader could make; none is a
/// login. (Whoever writes the SHA-256 of an ID of their own has one: without keys a store is believed.)
#[tokio::test]
async fn s_008_a_record_of_a_raw_id_is_no_session() {
    let bed = Bed::new();
    let id = SessionId::generate(32).unwrap();
    let hex = id.expose(IdFormat::Hex);
    let bytes: [u8; 32] =
        std::array::from_fn(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap());
    let mut handle_twice = [0; 32];
    handle_twice[..16].copy_from_slice(&bytes[..16]);
    handle_twice[16..].copy_from_slice(&bytes[..16]);
    let template = bed.sign_in("ada").await;
    let record = record_of(&bed, id_of(&template).handle()).await;
    let now = cloakroom::Clock::now(&bed.clock);
    // The ID itself where its hash belongs, its public half, nothing.
    for hash in [bytes, handle_twice, [0; 32]] {
        let mut parts = record.parts();
        parts.secret_hash = SecretHash::from_bytes(hash);
        let _ = bed.store.delete(id.handle(), Ended::Destroyed, now).await.unwrap();
        let planted = bed.store.create(id.handle(), parts.into(), now).await.unwrap();
        assert_eq!(planted, Created::Created);
        let cookie = format!("__Host-session={}", &*id.expose(IdFormat::Base64Url));
        assert_eq!(bed.load(&cookie).await.absence(), Some(Absence::Unknown));
        // Nor does the stored hash open it, read as an ID.
        let stored: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let read = SessionId::parse(stored.as_bytes(), 32, IdFormat::Hex).unwrap();
        let cookie = format!("__Host-session={}", &*read.expose(IdFormat::Base64Url));
        assert!(!bed.is_alive(&cookie).await);
    }
}

/// An application that keeps its own things in the same process or server: what it names there is another name.
#[tokio::test]
async fn s_085_what_is_planted_in_another_namespace_is_not_found() {
    let store = cloakroom::MemoryStore::new();
    let (cache, sessions) = (store.with_namespace("cache"), store.with_namespace("sessions"));
    let config = cloakroom::ServerSideSessionConfig::default;
    let elsewhere = ServerSideSessionBackend::new(cache, config()).unwrap();
    let backend = ServerSideSessionBackend::new(sessions, config()).unwrap();
    let session = elsewhere.load_from_connection([]).await.unwrap();
    session.sign_in("root").unwrap();
    let (headers, _) = elsewhere.store_in_message(&session, 200).await;
    let cookie = headers.set_cookie.unwrap();
    assert!(elsewhere.load_from_connection([cookie.as_bytes()]).await.unwrap().exists());
    let session = backend.load_from_connection([cookie.as_bytes()]).await.unwrap();
    assert_eq!(session.absence(), Some(Absence::Unknown));
}

/// A record belongs to its handle: the hash is of the whole ID.
#[tokio::test]
async fn s_086_a_record_copied_under_another_handle_opens_to_nobody() {
    let bed = Bed::new();
    let (victim, own) = (bed.sign_in("ada").await, bed.sign_in("eve").await);
    let stolen = record_of(&bed, id_of(&victim).handle()).await;
    let now = cloakroom::Clock::now(&bed.clock);
    let eve = id_of(&own);
    assert!(bed.store.delete(eve.handle(), Ended::Destroyed, now).await.unwrap());
    let planted = bed.store.create(eve.handle(), stolen, now).await.unwrap();
    assert_eq!(planted, Created::Created);
    let hex = |id: &SessionId| id.expose(IdFormat::Hex).to_string();
    let mixed = format!("{}{}", &hex(&eve)[..32], &hex(&id_of(&victim))[32..]);
    let mixed = SessionId::parse(mixed.as_bytes(), 32, IdFormat::Hex).unwrap();
    for id in [eve, mixed] {
        let cookie = format!("__Host-session={}", &*id.expose(IdFormat::Base64Url));
        let session = bed.load(&cookie).await;
        assert_eq!(session.absence(), Some(Absence::Unknown));
        assert_eq!((session.subject(), session.len()), (None, 0));
    }
    assert_eq!(bed.load(&victim).await.subject().as_deref(), Some("ada"));
}
