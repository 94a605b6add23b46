//! Writes that arrive after whoever sent them has gone, as over a network.

use std::time::Duration;

use cloakroom::store::{Created, Directory, Ended, Lookup, Renewal, Updated, WholeIds};
use cloakroom::testkit::{Fault, FaultyStore, Gate, Operation, TestClock};
use cloakroom::{
    ErrorKind, MemoryStore, Record, Result, Revision, ServerSideSessionBackend,
    ServerSideSessionConfig, SessionHandle, Store, UnixMillis,
};

/// A store whose updates go on when their futures are dropped.
#[derive(Debug, Clone)]
struct Remote(FaultyStore<MemoryStore>);

#[deny(clippy::missing_trait_methods)]
impl Store for Remote {
    fn name(&self) -> &'static str {
        "remote"
    }

    fn never_waits(&self) -> bool {
        false
    }

    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        None
    }

    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        self.0.load(key, renewal, now).await
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        self.0.create(key, record, now).await
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        let store = self.0.clone();
        let sent = tokio::spawn(async move { store.update(key, record, expected, now).await });
        sent.await.expect("an update does not panic")
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        self.0.touch(key, deadline, now).await
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        self.0.delete(key, why, now).await
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        self.0.delete_expired(limit, now).await
    }

    async fn ended(&self, key: SessionHandle) {
        self.0.ended(key).await;
    }

    fn directory(&self) -> Option<&dyn Directory> {
        self.0.directory()
    }
}

/// The save is given up while its write is on the way. The next one looks, finds nothing, and is overtaken: it
/// must not add again on top of what it sent itself.
#[tokio::test]
async fn s_079_a_write_that_arrives_late_is_not_done_twice() {
    let store = FaultyStore::new(MemoryStore::new());
    let config = ServerSideSessionConfig::default();
    let backend = ServerSideSessionBackend::new(Remote(store.clone()), config).unwrap();
    let backend = backend.with_clock(TestClock::new());
    let session = backend.load_from_connection([]).await.unwrap();
    session.insert("n", &0).unwrap();
    let cookie = backend.store_in_message(&session, 200).await.0.set_cookie.unwrap();

    let session = backend.load_from_connection([cookie.as_bytes()]).await.unwrap();
    session.update("n", |n: &mut u32| *n += 1).unwrap();
    let (first, second) = (Gate::new(), Gate::new());
    store.inject(Operation::Update, 1, Fault::Wait(first.clone()));
    store.inject(Operation::Update, 2, Fault::Wait(second.clone()));
    let saver = session.clone();
    let save = tokio::spawn(async move { saver.save().await });
    first.reached().await;
    save.abort();
    assert!(save.await.unwrap_err().is_cancelled());

    let saver = session.clone();
    let save = tokio::spawn(async move { saver.save().await });
    second.reached().await;
    let revision =
        async || match store.load(session.handle().unwrap(), None, UnixMillis::default()).await {
            Ok(Lookup::Live(record)) => record.revision(),
            _ => panic!("the session is live"),
        };
    let before = revision().await;
    first.open();
    while revision().await == before {
        tokio::task::yield_now().await;
    }
    second.open();
    if let Err(error) = save.await.unwrap() {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "to be tried again");
        session.save().await.unwrap();
    }
    assert_eq!(session.get::<u32>("n").unwrap(), Some(1));
    let stored = backend.load_from_connection([cookie.as_bytes()]).await.unwrap();
    assert_eq!(stored.get::<u32>("n").unwrap(), Some(1));
}

/// What was set is stored although the reply was lost, and is then no longer ours to repeat: an update made on
/// top of it counts from what others have made of it since.
#[tokio::test]
async fn s_073_an_update_after_a_lost_save_counts_from_what_is_there() {
    let bed = crate::Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.insert("n", &1).unwrap();
    bed.store.inject(Operation::Update, 1, Fault::LoseReply);
    bed.store.inject(Operation::Load, 1, Fault::Fail);
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);

    session.update("n", |n: &mut u64| *n += 1).unwrap();
    let gate = Gate::new();
    bed.store.inject(Operation::Update, 1, Fault::Wait(gate.clone()));
    let saving = tokio::spawn({
        let session = session.clone();
        async move { session.save().await }
    });
    gate.reached().await;
    let other = bed.load(&cookie).await;
    other.update("n", |n: &mut u64| *n += 1).unwrap();
    bed.commit(&other, &cookie).await;
    gate.open();
    saving.await.unwrap().unwrap();
    assert_eq!(bed.load(&cookie).await.get::<u64>("n").unwrap(), Some(3));
}

/// The replay had gone on to what the other request stored, and was to start from there again, not to repeat for ever.
#[tokio::test]
async fn a_replay_that_failed_is_taken_up_again() {
    let bed = crate::Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    session.update("n", |n: &mut u64| *n += 1).unwrap();
    let other = bed.load(&cookie).await;
    other.update("n", |n: &mut u64| *n += 1).unwrap();
    bed.commit(&other, &cookie).await;
    bed.store.inject(Operation::Update, 2, Fault::Fail);
    bed.store.inject(Operation::Update, 3, Fault::Fail);
    session.save().await.unwrap_err();
    session.save().await.unwrap();
    assert_eq!(bed.load(&cookie).await.get::<u64>("n").unwrap(), Some(2));
}

/// The replay had gone on to a record whose secret another request had rotated. From there the next write would be made, and told to
/// the browser, under the old one: as if that had been stolen, once its grace is over.
#[tokio::test]
async fn s_079_a_replay_that_failed_is_not_taken_up_under_an_old_secret() {
    let config = ServerSideSessionConfig::default().with_rotate_every(Duration::from_secs(60));
    let bed = crate::Bed::with(config);
    let old = bed.create().await;
    let session = bed.load(&old).await;
    session.update("n", |n: &mut u64| *n += 1).unwrap();
    bed.clock.advance(Duration::from_secs(61));
    let other = bed.load(&old).await;
    other.update("n", |n: &mut u64| *n += 10).unwrap();
    let new = bed.commit(&other, &old).await;
    assert_ne!(new, old);

    bed.store.inject(Operation::Update, 2, Fault::Fail);
    bed.store.inject(Operation::Update, 3, Fault::Fail);
    session.save().await.unwrap_err();
    for _ in 0..2 {
        let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("begin again"), "{error}");
        assert_eq!(headers.set_cookie, None);
    }
    // Which the browser does, and what it holds stays good.
    let again = bed.load(&old).await;
    again.update("n", |n: &mut u64| *n += 1).unwrap();
    let held = bed.commit(&again, &old).await;
    bed.clock.advance(Duration::from_secs(3600));
    assert_eq!(bed.load(&held).await.get::<u64>("n").unwrap(), Some(11));
    assert!(bed.is_alive(&held).await);
}
