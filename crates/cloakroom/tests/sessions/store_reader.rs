//! Whoever reads or writes the store.

use cloakroom::store::{Created, Lookup, Store};
use cloakroom::{Absence, IdFormat, SessionHandle, SessionId};

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
