//! A response given up at every poll, as when the client goes away: the layer on a real runtime.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{Request, Response};
use cloakroom::{ServerSideSessionConfig, Session, SessionLayer, SessionSlot};
use tower::{Layer, Service, service_fn};

use crate::Bed;
use crate::explorer::give_up_after;
use crate::stepped::{Steps, What};

/// Serves one request and gives it up after some polls; whether the handler ended, and whether all did.
fn serve(bed: &Bed, cookie: &str, polls: usize, work: fn(&Session)) -> (bool, bool) {
    let worked = Arc::new(AtomicBool::new(false));
    let told = worked.clone();
    let handler = service_fn(move |request: Request<()>| {
        let told = told.clone();
        async move {
            let slot = request.extensions().get::<SessionSlot>().unwrap();
            let session = slot.load(request.headers()).await.unwrap();
            work(&session);
            told.store(true, Ordering::Relaxed);
            Ok::<_, Infallible>(Response::new(String::new()))
        }
    });
    let mut service = SessionLayer::from_backend(bed.backend.clone()).layer(handler);
    let request = Request::builder().header("cookie", cookie).body(()).unwrap();
    let done = give_up_after(polls, service.call(request)).is_some();
    (worked.load(Ordering::Relaxed), done)
}

#[test]
fn s_079_a_response_given_up_at_any_poll_is_before_or_after() {
    let bed = Bed::new(Steps::CallsAndReplies, ServerSideSessionConfig::default());
    let _time = bed.runtime.enter();
    for polls in 0.. {
        let cookie = bed.aged(None);
        let work = |session: &Session| {
            session.insert("a", &1).unwrap();
            session.insert("b", &1).unwrap();
        };
        let (_, done) = serve(&bed, &cookie, polls, work);
        let keys = bed.look(&cookie).keys();
        assert!(keys == ["a", "b", "n"] || keys == ["n"] && !done, "after {polls} polls: {keys:?}");
        if done {
            assert!(polls > 3, "a load, an update, and their replies");
            break;
        }
    }
}

/// Once the handler has ended the session it ends, also when nobody waits for the response any more.
#[test]
fn s_053_an_end_takes_effect_whenever_the_response_is_given_up() {
    let bed = Bed::new(Steps::CallsAndReplies, ServerSideSessionConfig::default());
    for polls in 0.. {
        let enter = bed.runtime.enter();
        let cookie = bed.aged(None);
        drop(enter);
        let done = bed.runtime.block_on(async {
            let (destroyed, done) = serve(&bed, &cookie, polls, |session| {
                session.destroy().unwrap();
            });
            let ended = || bed.store.events().iter().any(|event| event.what == What::Ended);
            for _ in 0..1000 {
                if !destroyed || ended() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            let session = bed.backend.load_from_connection([cookie.as_bytes()]).await.unwrap();
            assert_eq!(session.exists(), !destroyed, "after {polls} polls");
            done
        });
        if done {
            assert!(polls > 3, "a load, a delete, and their replies");
            break;
        }
    }
}
