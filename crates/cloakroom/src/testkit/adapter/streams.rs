//! What is saved after the response head.

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::site::{patient, released};
use super::{Site, Start};
use crate::testkit::client::{Answer, PATIENCE};
use crate::testkit::{Fault, Gate, Operation};

/// The head goes out before the body saves, and what the body saves is there.
pub async fn a_stream_saves_after_its_head(start: impl Start) {
    let site = Site::by_default(&start).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let gate = Gate::new();
    site.store.inject(Operation::Update, 1, Fault::Wait(gate.clone()));

    let mut stream = visitor.open("GET", "/stream", "").await;
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let byte = timeout(PATIENCE, stream.read_u8()).await;
        bytes.push(byte.expect("the head in time").expect("a connection that holds"));
    }
    timeout(PATIENCE, gate.reached()).await.expect("the body saves");
    assert_eq!(visitor.data().await, json!({"a": 1}));
    gate.open();
    let rest = stream.read_to_end(&mut bytes);
    timeout(PATIENCE, rest).await.expect("the body in time").expect("a connection that holds");

    let answer = Answer::parse(&bytes);
    assert_eq!((answer.status, &*answer.body, answer.set_cookie()), (200, "ok", None));
    assert_eq!(visitor.data().await, json!({"a": 1, "streamed": true}));
}

/// Without a session a stream has nothing to save to, and starts nothing.
pub async fn a_stream_without_a_session_stores_nothing(start: impl Start) {
    let site = Site::by_default(&start).await;
    let answer = site.visitor().get("/stream").await;
    assert_eq!((answer.status, &*answer.body, answer.set_cookie()), (200, "ok", None));
    assert_eq!(site.live().await, 0);
}

/// A session that ends while the body is under way stays dead.
pub async fn s_050_a_stream_does_not_bring_a_session_back(start: impl Start) {
    let site = Site::start(&start, patient()).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let held = site.held(&visitor, (Operation::Update, 1), ("GET", "/stream", "")).await;
    visitor.does("/destroy", "").await;
    assert_eq!(released(held).await.body, "ok");
    assert_eq!(site.live().await, 0);
}
