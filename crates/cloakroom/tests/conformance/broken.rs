//! A suite that cannot fail proves nothing: each store here has one fault, and a case must find it.

use std::future::Future;

use cloakroom::store::{Created, Directory, Ended, Lookup, Renewal, Updated, WholeIds};
use cloakroom::testkit::{Fault, FaultyStore, ModelStore, Operation, conformance as suite};
use cloakroom::{Record, Result, Revision, SessionHandle, Store, UnixMillis};

/// What is wrong with a [`Broken`] store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    CreateOverwrites,
    CreateLooksThenWrites,
    UpdateCreates,
    UpdateIgnoresTheRevision,
    UpdateLooksThenWrites,
    UpdateRemovesThenWrites,
    ExpiredUpdateIsIgnored,
    TouchNeverShortens,
    TouchRevives,
    DeleteIsAlwaysProud,
    DeleteForgetsNothing,
    DeadlineIsInclusive,
    RenewsForStrangers,
    RenewsUnasked,
    LoadIsStale,
    SweepIsUnbounded,
    SweepTakesTheLiving,
    SweepLooksThenDeletes,
    SecondsAreRoundedUp,
    ZeroIsForEver,
    ReasonIsInvented,
    ListsNobody,
    WaitsUnannounced,
}

/// The model with a bug.
#[derive(Debug, Clone)]
struct Broken {
    inner: ModelStore,
    bug: Bug,
    /// The first record that was created, for bugs that bring things back.
    first: std::sync::Arc<std::sync::OnceLock<Record>>,
    /// All that were created, for a sweep that goes through them.
    keys: std::sync::Arc<std::sync::Mutex<Vec<SessionHandle>>>,
}

impl Broken {
    fn new(bug: Bug) -> Self {
        Self { inner: ModelStore::new(), bug, first: Default::default(), keys: Default::default() }
    }

    fn created(&self) -> Vec<SessionHandle> {
        self.keys.lock().expect("no panic").clone()
    }

    async fn record(&self, key: SessionHandle, now: UnixMillis) -> Option<Record> {
        match self.inner.load(key, None, now).await {
            Ok(Lookup::Live(record)) => Some(record),
            _ => None,
        }
    }

    /// Writes whatever is there.
    async fn put(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<()> {
        self.inner.delete(key, Ended::Destroyed, now).await?;
        let _ = self.inner.create(key, record, now).await?;
        Ok(())
    }
}

const fn a_millisecond() -> std::time::Duration {
    std::time::Duration::from_millis(1)
}

#[deny(clippy::missing_trait_methods)]
impl Store for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn never_waits(&self) -> bool {
        self.bug == Bug::WaitsUnannounced
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
        match self.bug {
            Bug::DeadlineIsInclusive => {
                self.inner.load(key, renewal, now.minus(a_millisecond())).await
            }
            Bug::RenewsForStrangers => {
                let of_holder = self.record(key, now).await.filter(|_| renewal.is_some());
                let own = of_holder.map(|record| Renewal::new(record.secret_hash(), None));
                self.inner.load(key, own.as_ref().or(renewal), now).await
            }
            Bug::RenewsUnasked => {
                if let Some(record) = self.record(key, now).await {
                    self.inner.touch(key, now.plus(record.max_age()), now).await?;
                }
                self.inner.load(key, renewal, now).await
            }
            Bug::LoadIsStale => {
                let found = self.inner.load(key, renewal, now).await;
                if let (Ok(Lookup::Live(_)), Some(first)) = (&found, self.first.get()) {
                    return Ok(Lookup::Live(first.clone()));
                }
                found
            }
            Bug::ReasonIsInvented => Ok(match self.inner.load(key, renewal, now).await? {
                Lookup::Absent(_) => Lookup::Absent(Some(Ended::Expired)),
                live => live,
            }),
            Bug::WaitsUnannounced => {
                tokio::task::yield_now().await;
                self.inner.load(key, renewal, now).await
            }
            _ => self.inner.load(key, renewal, now).await,
        }
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        let _ = self.first.set(record.clone());
        self.keys.lock().expect("no panic").push(key);
        match self.bug {
            Bug::SecondsAreRoundedUp => {
                let deadline = record.idle_deadline().as_millis().next_multiple_of(1000);
                let deadline = UnixMillis::from_millis(deadline);
                self.inner.create(key, record.with_idle_deadline(deadline), now).await
            }
            Bug::CreateOverwrites => {
                self.put(key, record, now).await?;
                Ok(Created::Created)
            }
            Bug::CreateLooksThenWrites => {
                if self.record(key, now).await.is_some() {
                    return Ok(Created::Occupied);
                }
                tokio::task::yield_now().await;
                self.put(key, record, now).await?;
                Ok(Created::Created)
            }
            _ => self.inner.create(key, record, now).await,
        }
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        let current = self.record(key, now).await;
        match (self.bug, current) {
            (Bug::UpdateCreates, None) => {
                self.put(key, record, now).await?;
                Ok(Updated::Updated)
            }
            (Bug::UpdateIgnoresTheRevision, Some(current)) => {
                self.inner.update(key, record, current.revision(), now).await
            }
            (Bug::UpdateLooksThenWrites, Some(current)) if current.revision() == expected => {
                tokio::task::yield_now().await;
                self.put(key, record, now).await?;
                Ok(Updated::Updated)
            }
            (Bug::UpdateRemovesThenWrites, Some(current)) if current.revision() == expected => {
                self.inner.delete(key, Ended::Destroyed, now).await?;
                tokio::task::yield_now().await;
                let _ = self.inner.create(key, record, now).await?;
                Ok(Updated::Updated)
            }
            (Bug::ExpiredUpdateIsIgnored, Some(_)) if record.is_expired(now) => {
                Ok(Updated::Updated)
            }
            _ => self.inner.update(key, record, expected, now).await,
        }
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        match (self.bug, self.record(key, now).await) {
            (Bug::TouchNeverShortens, Some(record)) => {
                self.inner.touch(key, deadline.max(record.idle_deadline()), now).await
            }
            (Bug::ZeroIsForEver, Some(_)) if deadline <= now => {
                self.inner.touch(key, UnixMillis::MAX, now).await
            }
            (Bug::TouchRevives, None) => {
                if let Some(first) = self.first.get() {
                    self.put(key, first.clone().with_idle_deadline(deadline), now).await?;
                }
                Ok(true)
            }
            _ => self.inner.touch(key, deadline, now).await,
        }
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        match self.bug {
            Bug::DeleteForgetsNothing => Ok(self.record(key, now).await.is_some()),
            Bug::DeleteIsAlwaysProud => self.inner.delete(key, why, now).await.map(|_| true),
            _ => self.inner.delete(key, why, now).await,
        }
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        match self.bug {
            Bug::SweepIsUnbounded => self.inner.delete_expired(usize::MAX, now).await,
            Bug::SweepTakesTheLiving => {
                let later = now.plus(std::time::Duration::from_secs(1_000_000));
                self.inner.delete_expired(limit, later).await
            }
            Bug::SweepLooksThenDeletes => {
                let mut expired = Vec::new();
                for key in self.created() {
                    if expired.len() < limit && self.record(key, now).await.is_none() {
                        expired.push(key);
                    }
                }
                tokio::task::yield_now().await;
                for key in &expired {
                    self.inner.delete(*key, Ended::Expired, now).await?;
                }
                self.keys.lock().expect("no panic").retain(|key| !expired.contains(key));
                Ok(expired.len())
            }
            _ => self.inner.delete_expired(limit, now).await,
        }
    }

    async fn ended(&self, key: SessionHandle) {
        self.inner.ended(key).await;
    }

    fn directory(&self) -> Option<&dyn Directory> {
        if self.bug == Bug::ListsNobody { Some(self) } else { self.inner.directory() }
    }
}

/// Lists nobody.
impl Directory for Broken {
    fn by_subject<'a>(
        &'a self,
        _: &'a str,
        _: UnixMillis,
    ) -> cloakroom::store::BoxFuture<'a, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn page(
        &self,
        _: Option<SessionHandle>,
        _: usize,
        _: UnixMillis,
    ) -> cloakroom::store::BoxFuture<'_, Result<Vec<(SessionHandle, Record)>>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn count(&self, _: UnixMillis) -> cloakroom::store::BoxFuture<'_, Result<u64>> {
        Box::pin(async { Ok(0) })
    }
}

/// A case panics.
async fn check(bug: Bug, name: &str, case: impl Future<Output = ()> + Send + 'static) {
    let ended = tokio::spawn(case).await;
    assert!(ended.is_err_and(|error| error.is_panic()), "{name} is content with {bug:?}");
}

/// Each line is a bug and the cases that must find it.
macro_rules! finds {
    ($($bug:ident: $($case:ident)+;)*) => {
        $(
            #[tokio::test]
            #[allow(non_snake_case, reason = "the test is named after the bug")]
            async fn $bug() {
                $(check(Bug::$bug, stringify!($case), suite::$case(Broken::new(Bug::$bug))).await;)+
            }
        )*
    };
}

finds! {
    CreateOverwrites: create_refuses_a_taken_key concurrent_creates_have_one_winner
        random_steps_agree_with_a_model s_076_histories_are_linearizable;
    CreateLooksThenWrites: concurrent_creates_have_one_winner s_076_histories_are_linearizable;
    UpdateCreates: update_does_not_resurrect s_050_racing_writers_do_not_resurrect
        random_steps_agree_with_a_model s_076_histories_are_linearizable;
    UpdateIgnoresTheRevision: update_is_compare_and_set
        random_steps_agree_with_a_model s_076_histories_are_linearizable;
    UpdateLooksThenWrites: racing_updates_lose_nothing s_050_racing_writers_do_not_resurrect
        s_076_histories_are_linearizable;
    UpdateRemovesThenWrites: s_079_a_call_given_up_is_before_or_after;
    ExpiredUpdateIsIgnored: update_to_an_expired_record_is_a_conditional_delete
        random_steps_agree_with_a_model s_076_histories_are_linearizable;
    TouchNeverShortens: touch_can_shorten random_steps_agree_with_a_model
        s_076_histories_are_linearizable;
    TouchRevives: touch_moves_the_deadline_alone random_steps_agree_with_a_model
        s_076_histories_are_linearizable;
    DeleteIsAlwaysProud: delete_is_idempotent random_steps_agree_with_a_model
        s_076_histories_are_linearizable;
    DeleteForgetsNothing: delete_is_idempotent update_does_not_resurrect renewal_revives_nothing
        s_076_histories_are_linearizable;
    DeadlineIsInclusive: s_055_expired_is_absent renewal_revives_nothing
        random_steps_agree_with_a_model s_076_histories_are_linearizable;
    RenewsForStrangers: renewal_is_due_and_by_the_holder random_steps_agree_with_a_model
        s_076_histories_are_linearizable;
    RenewsUnasked: renewal_is_due_and_by_the_holder random_steps_agree_with_a_model
        s_076_histories_are_linearizable;
    LoadIsStale: update_is_compare_and_set random_steps_agree_with_a_model
        s_076_histories_are_linearizable;
    SweepIsUnbounded: delete_expired_is_bounded s_061_a_sweep_spares_what_is_prolonged_meanwhile;
    SweepTakesTheLiving: delete_expired_is_bounded random_steps_agree_with_a_model
        s_076_histories_are_linearizable;
    SweepLooksThenDeletes: s_061_a_sweep_spares_what_is_prolonged_meanwhile;
    SecondsAreRoundedUp: s_057_no_life_becomes_endless;
    ZeroIsForEver: s_057_no_life_becomes_endless;
    ReasonIsInvented: absence_is_explained_truly;
    ListsNobody: directory_follows;
    WaitsUnannounced: it_waits_only_if_it_says_so;
}

/// Errors hide whether a call took effect; a history has room for both, and for nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_allow_for_faults() {
    for inner in [Broken::new(Bug::SweepIsUnbounded), Broken::new(Bug::UpdateIgnoresTheRevision)] {
        let bug = inner.bug;
        let store = FaultyStore::new(inner);
        for nth in (5..4_000).step_by(10) {
            store.inject(Operation::Update, nth, Fault::LoseReply);
            store.inject(Operation::Create, nth, Fault::LoseReply);
            store.inject(Operation::Touch, nth, Fault::Fail);
            store.inject(Operation::Delete, nth, Fault::LoseReply);
            store.inject(Operation::Load, nth, Fault::LoseReply);
        }
        let history = tokio::spawn(suite::s_076_histories_are_linearizable(store)).await;
        assert_eq!(history.is_err(), bug == Bug::UpdateIgnoresTheRevision, "{bug:?}");
    }
}

/// Listing fails with the rest of the store, and is counted.
#[tokio::test]
async fn a_store_that_is_down_lists_nothing() {
    let store = FaultyStore::new(ModelStore::new());
    let now = UnixMillis::from_millis(1);
    let directory = store.directory().expect("the model has one");
    assert_eq!(directory.count(now).await.expect("nothing is wrong yet"), 0);
    store.set_down(true);
    assert!(directory.count(now).await.is_err());
    assert!(directory.by_subject("ada", now).await.is_err());
    assert!(directory.page(None, 1, now).await.is_err());
    assert_eq!((store.calls(Operation::Count), store.all_calls()), (2, 4));
}
