//! The session rules in every order of store calls, and every future given up at every poll.
//!
//! What requests share is the store and the queue of writers, so two schedules differ only by the order in
//! which their store calls take effect and are answered. The explorer polls the real futures of the real
//! backend by hand and takes each of these orders in turn, which for two or three requests is all of them:
//! more than a random exploration promises, and the runtime's own locks and timers stay in place.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "schedules/drops.rs"]
mod drops;
#[path = "schedules/ending.rs"]
mod ending;
#[path = "schedules/explorer.rs"]
mod explorer;
#[path = "schedules/identity.rs"]
mod identity;
#[cfg(feature = "tower")]
#[path = "schedules/response.rs"]
mod response;
#[path = "schedules/stepped.rs"]
mod stepped;
#[path = "schedules/writers.rs"]
mod writers;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use cloakroom::testkit::TestClock;
use cloakroom::{MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig, Session};
use tokio::runtime::{Builder, Runtime};

use crate::explorer::{Task, finish};
use crate::stepped::{Stepped, Steps, What};

/// A backend whose store calls are steps. Many schedules run on it, each with sessions of its own.
struct Bed {
    backend: ServerSideSessionBackend,
    store: Stepped,
    clock: TestClock,
    /// Timeouts are made, so there must be a runtime; its time stands still, so that none is ever due.
    runtime: Runtime,
}

/// What a request answered: its `Set-Cookie`, if any.
#[derive(Clone, Default)]
struct Answer(Rc<RefCell<Option<Said>>>);

#[derive(Clone, Debug, PartialEq)]
enum Said {
    Nothing,
    Cookie(String),
    Expired,
    Failed,
}

impl Answer {
    fn said(&self) -> Said {
        self.0.borrow().clone().expect("the request is over")
    }

    fn is_over(&self) -> bool {
        self.0.borrow().is_some()
    }
}

impl Bed {
    fn new(steps: Steps, config: ServerSideSessionConfig) -> Self {
        let (store, clock) = (Stepped::new(MemoryStore::new(), steps), TestClock::new());
        let backend = ServerSideSessionBackend::new(store.clone(), config).unwrap();
        let backend = backend.with_clock(clock.clone());
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        Self { backend, store, clock, runtime: runtime.unwrap() }
    }

    /// A request: it loads, does its work, and answers with status 200.
    fn request(&self, cookie: &str, work: impl Fn(&Session) + 'static) -> (Task, Answer) {
        let (backend, cookie, answer) =
            (self.backend.clone(), cookie.to_owned(), Answer::default());
        let clock = self.clock.clone();
        let told = answer.clone();
        let task = Box::pin(async move {
            let session = backend.load_from_connection([cookie.as_bytes()]).await.unwrap();
            work(&session);
            // Longer than a response may take without another look at what its cookie was decided by.
            clock.advance(Duration::from_millis(11));
            let (headers, outcome) = backend.store_in_message(&session, 200).await;
            *told.0.borrow_mut() = Some(match headers.set_cookie {
                _ if outcome.is_err() => Said::Failed,
                None => Said::Nothing,
                Some(line) if line.contains("Max-Age=0") => Said::Expired,
                Some(line) => Said::Cookie(line.split(';').next().unwrap().to_owned()),
            });
        });
        (task, answer)
    }

    /// Does a request alone; the cookie that it set.
    fn alone(&self, cookie: &str, work: impl Fn(&Session) + 'static) -> String {
        let (task, answer) = self.request(cookie, work);
        finish(task);
        match answer.said() {
            Said::Cookie(pair) => pair,
            other => panic!("no cookie but {other:?}"),
        }
    }

    /// A session with `n` = 0, of a subject or anonymous, so old that whoever writes it or renews it sends a
    /// cookie; the log of the store begins after it.
    fn aged(&self, subject: Option<&'static str>) -> String {
        let cookie = self.alone("", move |session| {
            session.insert("n", &0).unwrap();
            if let Some(subject) = subject {
                session.sign_in(subject).unwrap();
            }
        });
        self.clock.advance(Duration::from_secs(300));
        self.store.forget();
        cookie
    }

    /// Checks that nothing live comes after an end, and that who was answered after it said nothing of cookies.
    fn check_end(&self, answers: &[&Answer], ender: usize) {
        let events = self.store.events();
        let end = events.iter().position(|event| event.what == What::Ended);
        let end = end.expect("the session was ended");
        let key = events[end].key;
        for event in &events[end + 1..] {
            assert!(event.key != key || event.what == What::Nothing, "it lives on: {events:?}");
        }
        for (task, answer) in answers.iter().enumerate().filter(|(task, _)| *task != ender) {
            let last = events.iter().rposition(|event| event.task == task);
            if last > Some(end) {
                assert_eq!(answer.said(), Said::Nothing, "request {task}: {events:?}");
            }
        }
    }

    fn look(&self, cookie: &str) -> Session {
        finish(self.backend.load_from_connection([cookie.as_bytes()])).unwrap()
    }

    fn live(&self) -> u64 {
        finish(self.backend.sessions().count()).unwrap()
    }
}
