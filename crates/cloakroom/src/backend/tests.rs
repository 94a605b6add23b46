//! What needs a hand on the randomness; everything else is tested from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::store::Store;
use crate::{
    Error, ErrorKind, IdFormat, MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig,
};

fn backend() -> ServerSideSessionBackend {
    ServerSideSessionBackend::new(MemoryStore::new(), ServerSideSessionConfig::default()).unwrap()
}

fn no_random(_: &mut [u8]) -> crate::Result<()> {
    Err(Error::new(ErrorKind::Random, "no randomness today"))
}

async fn count(backend: &ServerSideSessionBackend) -> u64 {
    backend.sessions().count().await.unwrap()
}

#[tokio::test]
async fn s_001_without_randomness_nothing_is_created_and_no_cookie_sent() {
    let backend = backend().with_random(Arc::new(no_random));
    let session = backend.load_from_connection([]).await.unwrap();
    session.insert("k", &1).unwrap();
    let (headers, outcome) = backend.store_in_message(&session, 200).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Random);
    assert_eq!(headers.set_cookie, None);
    assert_eq!(count(&backend).await, 0);
}

#[tokio::test]
async fn s_001_without_randomness_the_secret_stays() {
    let backend = backend();
    let session = backend.load_from_connection([]).await.unwrap();
    session.insert("k", &1).unwrap();
    let (headers, _) = backend.store_in_message(&session, 200).await;
    let cookie = headers.set_cookie.unwrap();
    let dry = backend.with_random(Arc::new(no_random));
    let again = dry.load_from_connection([cookie.as_bytes()]).await.unwrap();
    again.sign_in("ada").unwrap();
    let (headers, outcome) = dry.store_in_message(&again, 200).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Random);
    assert_eq!(headers.set_cookie, None);
    let still = dry.load_from_connection([cookie.as_bytes()]).await.unwrap();
    assert!(still.exists());
    assert_eq!(still.subject(), None);
}

#[tokio::test]
async fn s_005_a_repeating_generator_overwrites_nothing() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let backend = backend().with_random(Arc::new(move |out: &mut [u8]| {
        counted.fetch_add(1, Ordering::Relaxed);
        out.fill(9);
        Ok(())
    }));
    let first = backend.load_from_connection([]).await.unwrap();
    first.insert("k", &"first").unwrap();
    assert!(backend.store_in_message(&first, 200).await.1.is_ok());
    let drawn = calls.load(Ordering::Relaxed);
    let second = backend.load_from_connection([]).await.unwrap();
    second.insert("k", &"second").unwrap();
    let (headers, outcome) = backend.store_in_message(&second, 200).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Random);
    assert_eq!(headers.set_cookie, None);
    assert_eq!(calls.load(Ordering::Relaxed) - drawn, 3);
    let page = backend.store().directory().unwrap().page(None, 10, backend.now()).await.unwrap();
    assert_eq!(page.len(), 1);
    assert_eq!(page[0].1.data().get::<String>("k").unwrap().as_deref(), Some("first"));
}

#[tokio::test]
async fn s_050_a_destroy_while_a_taken_handle_is_replaced_ends_what_follows() {
    let ending = Arc::new(std::sync::OnceLock::<crate::Session>::new());
    let (draws, to_end) = (AtomicUsize::new(0), ending.clone());
    let backend = backend().with_random(Arc::new(move |out: &mut [u8]| {
        // The second session draws the handle of the first, and is destroyed when it draws again.
        let draw = draws.fetch_add(1, Ordering::Relaxed);
        out.fill(if draw < 2 { 9 } else { 7 });
        if draw == 2 {
            to_end.get().unwrap().destroy().unwrap();
        }
        Ok(())
    }));
    let first = backend.load_from_connection([]).await.unwrap();
    first.insert("k", &1).unwrap();
    assert!(backend.store_in_message(&first, 200).await.1.is_ok());
    let second = backend.load_from_connection([]).await.unwrap();
    second.sign_in("ada").unwrap();
    ending.set(second.clone()).unwrap();
    second.save().await.unwrap();
    backend.store_in_message(&second, 200).await.1.unwrap();
    assert_eq!(count(&backend).await, 1);
}

#[tokio::test]
async fn s_006_the_store_holds_no_form_of_an_id() {
    let backend = backend();
    let session = backend.load_from_connection([]).await.unwrap();
    session.insert("k", &1).unwrap();
    session.sign_in("ada").unwrap();
    let (headers, _) = backend.store_in_message(&session, 200).await;
    let cookie = headers.set_cookie.unwrap();
    let text = cookie.split(['=', ';']).nth(1).unwrap();
    let id = crate::SessionId::parse(text.as_bytes(), 32, IdFormat::Base64Url).unwrap();
    let secret = &id.expose(IdFormat::Hex)[32..];
    let page = backend.store().directory().unwrap().page(None, 10, backend.now()).await.unwrap();
    let dump = page[0].1.to_bytes();
    let hex = data_encoding::HEXLOWER.encode(&dump);
    assert!(!hex.contains(secret), "the secret's bytes");
    for form in [text, secret] {
        let found = dump.windows(form.len()).any(|window| window == form.as_bytes());
        assert!(!found, "its text");
    }
}

#[test]
fn s_034_the_development_preset_serves_loopback_alone() {
    let config = ServerSideSessionConfig::development();
    let backend = ServerSideSessionBackend::new(MemoryStore::new(), config).unwrap();
    for host in [
        "localhost",
        "localhost:3000",
        "LocalHost:80",
        "127.0.0.1:3000",
        "127.9.9.9",
        "[::1]:1",
        "[::1]",
    ] {
        backend.check_host(Some(host.as_bytes())).unwrap();
    }
    for host in
        ["example.com", "localhost.example.com", "10.0.0.1", "127.0.0.1.example.com", "", "[::2]:1"]
    {
        let error = backend.check_host(Some(host.as_bytes())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsecureHost, "{host}");
    }
    self::backend().check_host(Some(b"example.com")).unwrap();
}
