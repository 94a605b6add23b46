//! B.3: when a session ends by itself.

use std::time::Duration;

use cloakroom::{Clock, ServerSideSessionConfig, Store};
use serde_json::json;

use crate::site::{Site, Visitor};

const SECOND: Duration = Duration::from_secs(1);

fn litestar() -> ServerSideSessionConfig {
    ServerSideSessionConfig::litestar().with_max_age(10 * SECOND)
}

/// Reads or writes every six seconds; for how long it stays alive, up to a minute.
async fn lives(config: ServerSideSessionConfig, use_it: impl AsyncFn(&mut Visitor<'_>)) -> u64 {
    let site = Site::with(config);
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    for seconds in (6..=60).step_by(6) {
        site.0.clock.advance(6 * SECOND);
        if visitor.clone().absence().await != "live" {
            return seconds - 6;
        }
        use_it(&mut visitor).await;
    }
    60
}

/// Better: three policies that can be told apart. What is only read ends after `max_age`; with `renew_on_access` it
/// lives while it is used; `absolute_timeout` ends it at last.
#[tokio::test]
async fn b_021_fixed_idle_and_absolute_are_three_policies() {
    let reads = async |visitor: &mut Visitor<'_>| drop(visitor.get("/session").await);
    let writes = async |visitor: &mut Visitor<'_>| drop(visitor.post("/put", r#"{"b":1}"#).await);
    assert_eq!(lives(litestar(), reads).await, 6);
    assert_eq!(lives(litestar().with_renew_on_access(true), reads).await, 60);
    assert_eq!(lives(litestar(), writes).await, 60);
    let capped = litestar().with_renew_on_access(true).with_absolute_timeout(25 * SECOND);
    assert_eq!(lives(capped.clone(), reads).await, 24);
    assert_eq!(lives(capped, writes).await, 24);
}

/// The same, to the millisecond; better: the ID does not live again.
#[tokio::test]
async fn b_022_the_server_ends_it_whatever_the_browser_keeps() {
    let site = Site::with(litestar());
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let cookie = visitor.cookie.clone();
    site.0.clock.advance(10 * SECOND);
    assert_eq!(visitor.data().await, json!({}));
    assert_eq!(visitor.absence().await, "expired");
    visitor.post("/put", r#"{"b":1}"#).await;
    assert_ne!(visitor.cookie, cookie);
}

/// The same.
#[tokio::test]
async fn b_023_excluded_and_unknown_routes_renew_nothing() {
    let config = litestar().with_renew_on_access(true).with_exclude(["/public"]);
    let site = Site::with(config);
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let before = site.0.store.all_calls();
    site.0.clock.advance(6 * SECOND);
    for path in ["/public", "/skip", "/nowhere"] {
        assert_eq!(visitor.get(path).await.set_cookie(), None, "{path}");
    }
    assert_eq!(site.0.store.all_calls(), before);
    site.0.clock.advance(4 * SECOND);
    assert_eq!(visitor.absence().await, "expired");
}

/// Better: what has expired does not exist for any call, and is freed in the background also where nobody asks
/// for it.
#[tokio::test]
async fn b_024_what_has_expired_does_not_exist_and_is_freed() {
    let site = Site::with(litestar());
    for _ in 0..50 {
        site.with_session(r#"{"a":1}"#).await;
    }
    assert_eq!(site.live().await, 50);
    site.0.clock.advance(10 * SECOND);
    assert_eq!(site.live().await, 0);
    let now = site.0.clock.now();
    // The calls before may have freed some by the way.
    assert!((1..=50).contains(&site.0.store.delete_expired(1000, now).await.unwrap()));
    assert_eq!(site.0.store.delete_expired(1000, now).await.unwrap(), 0);
}
