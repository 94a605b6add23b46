//! The session rules on a backend, without HTTP: time by a test clock, faults and orders by a faulty store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

#[path = "sessions/cleanup.rs"]
mod cleanup;
#[path = "sessions/decoding.rs"]
mod decoding;
#[path = "sessions/discarding.rs"]
mod discarding;
#[path = "sessions/ending.rs"]
mod ending;
#[path = "sessions/faults.rs"]
mod faults;
#[path = "sessions/floods.rs"]
mod floods;
#[path = "sessions/identity.rs"]
mod identity;
#[path = "sessions/in_flight.rs"]
mod in_flight;
#[path = "sessions/late.rs"]
mod late;
#[path = "sessions/listing.rs"]
mod listing;
#[path = "sessions/log.rs"]
mod log;
#[path = "sessions/logs.rs"]
mod logs;
#[path = "sessions/privilege.rs"]
mod privilege;
#[path = "sessions/races.rs"]
mod races;
#[path = "sessions/reloading.rs"]
mod reloading;
#[path = "sessions/saving.rs"]
mod saving;
#[path = "sessions/store_reader.rs"]
mod store_reader;
#[path = "sessions/time.rs"]
mod time;

use cloakroom::testkit::{FaultyStore, TestClock};
use cloakroom::{MemoryStore, ServerSideSessionBackend, ServerSideSessionConfig, Session};

type TestStore = FaultyStore<MemoryStore>;

/// A backend on a store that can fail and a clock that can be set.
struct Bed {
    backend: ServerSideSessionBackend,
    store: TestStore,
    clock: TestClock,
}

impl Bed {
    fn new() -> Self {
        Self::with(ServerSideSessionConfig::default())
    }

    fn with(config: ServerSideSessionConfig) -> Self {
        let (store, clock) = (FaultyStore::new(MemoryStore::new()), TestClock::new());
        let backend = ServerSideSessionBackend::new(store.clone(), config).unwrap();
        Self { backend: backend.with_clock(clock.clone()), store, clock }
    }

    async fn load(&self, cookie: &str) -> Session {
        self.backend.load_from_connection([cookie.as_bytes()]).await.unwrap()
    }

    /// Commits; the cookie pair that a browser holds afterwards.
    async fn commit(&self, session: &Session, before: &str) -> String {
        let (headers, outcome) = self.backend.store_in_message(session, 200).await;
        outcome.unwrap();
        match headers.set_cookie {
            None => before.to_owned(),
            Some(line) if line.contains("Max-Age=0") => String::new(),
            Some(line) => line.split(';').next().unwrap().to_owned(),
        }
    }

    /// A new session with `n` = 0; its cookie.
    async fn create(&self) -> String {
        let session = self.load("").await;
        session.insert("n", &0).unwrap();
        self.commit(&session, "").await
    }

    /// A session of `subject`; its cookie.
    async fn sign_in(&self, subject: &str) -> String {
        let session = self.load("").await;
        session.sign_in(subject).unwrap();
        self.commit(&session, "").await
    }

    async fn is_alive(&self, cookie: &str) -> bool {
        self.load(cookie).await.exists()
    }

    async fn live(&self) -> u64 {
        self.backend.sessions().count().await.unwrap()
    }
}
