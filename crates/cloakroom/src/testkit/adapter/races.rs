//! Requests of one session that overlap.
//!
//! Where the order matters, a gate in the store makes it: a request is held where it is about to write, another
//! one is answered meanwhile, then the first goes on.

use std::time::Duration;

use serde_json::{Map, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::site::{patient, released};
use super::{Site, Start};
use crate::testkit::client::PATIENCE;
use crate::testkit::{Fault, Gate, Operation};

const MANY: usize = 20;
/// After which a framework that would drop the request of a visitor who went away has done so.
const DROPPED_WITHIN: Duration = Duration::from_millis(500);
/// Requests that are answered one after another while another one, which nothing holds up, comes to its end.
const LOOKS: usize = 500;
const UPDATE: (Operation, usize) = (Operation::Update, 1);

/// Increments that run at the same time all count.
pub async fn s_073_parallel_increments_all_count(start: impl Start) {
    let site = Site::start(&start, patient()).await;
    let mut visitor = site.signed_in("ada").await;
    let mut requests = JoinSet::new();
    for _ in 0..MANY {
        let mut visitor = visitor.clone();
        requests.spawn(async move { visitor.post("/incr/n", "").await.status });
    }
    assert_eq!(requests.join_all().await, [200; MANY]);
    assert_eq!(visitor.data().await, json!({"n": MANY}));
}

/// Requests that write different keys at the same time all survive.
pub async fn s_074_parallel_writers_all_survive(start: impl Start) {
    let site = Site::start(&start, patient()).await;
    let mut visitor = site.signed_in("ada").await;
    let mut requests = JoinSet::new();
    for n in 0..MANY {
        let mut visitor = visitor.clone();
        let body = json!({format!("k{n}"): n}).to_string();
        requests.spawn(async move { visitor.does("/set", &body).await });
    }
    requests.join_all().await;
    let expected: Map<_, _> = (0..MANY).map(|n| (format!("k{n}"), json!(n))).collect();
    assert_eq!(visitor.data().await, json!(expected));
}

/// A request that loaded before another one wrote does not undo that write.
pub async fn s_074_a_slow_writer_undoes_nothing(start: impl Start) {
    let site = Site::start(&start, patient()).await;
    let mut visitor = site.with_session(r#"{"n":1}"#).await;
    for slow in [("POST", "/set", r#"{"slow":1}"#), ("POST", "/incr/n", "")] {
        let held = site.held(&visitor, UPDATE, slow).await;
        assert_eq!(visitor.post("/incr/n", "").await.status, 200);
        assert!(released(held).await.status < 300, "{slow:?}");
    }
    assert_eq!(visitor.data().await, json!({"n": 4, "slow": 1}));
}

/// A session that was destroyed stays so, whatever is in flight; who loses sets no cookie and takes none.
pub async fn s_050_a_writer_in_flight_does_not_bring_a_session_back(start: impl Start) {
    let site = Site::start(&start, patient()).await;
    for slow in [
        ("POST", "/set", r#"{"a":2}"#),
        ("POST", "/incr/n", ""),
        ("POST", "/sign-in", r#"{"subject":"eve"}"#),
        ("POST", "/status/404", r#"{"a":2}"#),
    ] {
        for end in ["/destroy", "/destroy/status/500"] {
            let mut visitor = site.with_session(r#"{"a":1}"#).await;
            let replayed = visitor.clone();
            let held = site.held(&visitor, UPDATE, slow).await;
            assert!(visitor.post(end, "").await.expires_cookie());
            assert_eq!(released(held).await.set_cookie(), None, "{slow:?} {end}");
            assert!(!site.knows(&replayed).await, "{slow:?} {end}");
            assert_eq!(site.live().await, 0, "{slow:?} {end}");
        }
    }
}

/// A request from before a sign-in writes nothing after it, and sets no cookie.
pub async fn s_039_a_commit_from_before_the_sign_in_is_lost(start: impl Start) {
    let site = Site::start(&start, patient()).await;
    for slow in [
        ("POST", "/set", r#"{"planted":1}"#),
        ("POST", "/incr/planted", ""),
        ("POST", "/sign-in", r#"{"subject":"eve"}"#),
    ] {
        let mut visitor = site.with_session(r#"{"a":1}"#).await;
        let before = visitor.clone();
        let held = site.held(&visitor, UPDATE, slow).await;
        visitor.does("/sign-in", r#"{"subject":"ada"}"#).await;
        assert_eq!(released(held).await.set_cookie(), None, "{slow:?}");
        let session = visitor.session().await;
        assert_eq!((&session["subject"], &session["data"]), (&json!("ada"), &json!({"a": 1})));
        assert!(!site.knows(&before).await, "{slow:?}");
    }
}

/// Of two requests that destroy one session, the later takes no cookie away: it may be a newer session's by then.
pub async fn s_039_a_second_destroy_leaves_the_cookie(start: impl Start) {
    let site = Site::start(&start, patient()).await;
    let mut visitor = site.with_session(r#"{"a":1}"#).await;
    let destroy = ("POST", "/destroy", "");
    let held = site.held(&visitor, (Operation::Delete, 1), destroy).await;
    assert!(visitor.post("/destroy", "").await.expires_cookie());
    assert_eq!(released(held).await.set_cookie(), None);
}

/// A visitor who goes away before the answer is signed out all the same, also where the framework then drops the
/// request half-way.
pub async fn s_054_an_end_takes_effect_though_nobody_waits_for_it(start: impl Start) {
    let site = Site::start(&start, patient()).await;
    let visitor = site.with_session(r#"{"a":1}"#).await;
    let [first, second] = [1, 2].map(|nth| {
        let gate = Gate::new();
        site.store.inject(Operation::Delete, nth, Fault::Wait(gate.clone()));
        gate
    });
    let stream = visitor.open("POST", "/destroy", "").await;
    timeout(PATIENCE, first.reached()).await.expect("the handler ends the session");
    drop(stream);
    // Either the request is dropped, and its end has to be tried again, or it goes on when it may.
    let _ = timeout(DROPPED_WITHIN, second.reached()).await;
    first.open();
    second.open();
    for _ in 0..LOOKS {
        if !site.knows(&visitor).await {
            return;
        }
    }
    panic!("the session is still there");
}

/// A renewal that was decided before a sign-in or an end does not bring the old cookie back.
pub async fn s_048_a_renewal_that_was_overtaken_sets_no_cookie(start: impl Start) {
    let config = patient().with_renew_on_access(true).with_renew_every(Duration::from_secs(10));
    let site = Site::start(&start, config).await;
    for (path, body) in [("/sign-in", r#"{"subject":"ada"}"#), ("/destroy", "")] {
        let mut visitor = site.with_session(r#"{"a":1}"#).await;
        site.clock.advance(Duration::from_secs(11));
        // The first load renews and takes its time; the second is the look before the cookie goes out.
        let look = Gate::new();
        site.store.inject(Operation::Load, 2, Fault::Wait(look.clone()));
        let renewing = ("GET", "/session", "");
        let (request, load) = site.held(&visitor, (Operation::Load, 1), renewing).await;
        site.clock.advance(Duration::from_millis(11));
        load.open();
        look.reached().await;
        visitor.does(path, body).await;
        assert_eq!(released((request, look)).await.set_cookie(), None, "{path}");
    }
}
