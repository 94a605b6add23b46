//! The cookie of the preset, byte for byte as Litestar sends it.

use cloakroom::testkit::client::Visitor;
use cloakroom::{MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig};
use cloakroom_servers::{Litestar, required};

/// The line with its ID cut out, which must be 64 hexadecimal digits.
fn without_id(line: &str) -> String {
    let (name, rest) = line.split_once('=').expect("a name");
    let (id, attributes) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
    assert_eq!(id.len(), 64, "{line}");
    assert!(id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{line}");
    format!("{name}=<id>{attributes}")
}

#[tokio::test]
async fn b_001_the_preset_sends_the_cookie_that_litestar_sends() {
    for (settings, ours) in [
        ("{}", &[][..]),
        (r#"{"domain": "example.com"}"#, &[("domain", "example.com")]),
        (r#"{"path": "/shop"}"#, &[("path", "/shop")]),
        (r#"{"secure": true}"#, &[("secure", "true")]),
        (r#"{"httponly": false}"#, &[("httponly", "false")]),
        (r#"{"samesite": "strict"}"#, &[("samesite", "strict")]),
        (r#"{"samesite": "none", "secure": true}"#, &[("samesite", "none"), ("secure", "true")]),
        (r#"{"max_age": 90}"#, &[("max_age", "90")]),
        (r#"{"key": "sid"}"#, &[("key", "sid")]),
        (
            r#"{"key": "a.b", "domain": "example.com", "path": "/x", "secure": true, "max_age": 1}"#,
            &[
                ("key", "a.b"),
                ("domain", "example.com"),
                ("path", "/x"),
                ("secure", "true"),
                ("max_age", "1"),
            ],
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let environment =
            [("LITESTAR_STORE", folder.path().to_str().unwrap()), ("LITESTAR_SESSION", settings)];
        let app = required("python3 with litestar", Litestar::start(&environment));
        let Some(app) = app else { return };
        let answer = Visitor::at(app.address()).post("/set", r#"{"a":1}"#).await;
        let theirs = without_id(answer.set_cookie().expect("a cookie"));

        let config =
            ours.iter().fold(ServerSideSessionConfig::litestar(), |config, (name, value)| {
                config.set(name, value).unwrap()
            });
        let backend = ServerSideSessionBackend::new(MemoryStore::new(), config).unwrap();
        let session = backend.load_from_connection([]).await.unwrap();
        session.insert("a", &1).unwrap();
        let (headers, outcome) = backend.store_in_message(&session, 200).await;
        outcome.unwrap();
        assert_eq!(without_id(&headers.set_cookie.unwrap()), theirs, "{settings}");
    }
}
