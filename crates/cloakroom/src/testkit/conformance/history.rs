//! Random histories of calls, and whether the contract explains what they returned.
#![allow(clippy::missing_panics_doc, reason = "said in `conformance`, where the cases are public")]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::records::{HASH, MAX_AGE, START, UnwrapOk, handle, parts};
use crate::error::Result;
use crate::id::{SecretHash, SessionHandle};
use crate::record::{Record, RecordParts, Revision};
use crate::store::{Created, Ended, Lookup, Renewal, Store, Updated};
use crate::testkit::model::Model;
use crate::testkit::random::Random;
use crate::time::UnixMillis;

/// Tasks that call at the same time. More would find little more and cost the search much.
const TASKS: u64 = 4;
/// Calls of a task before all wait for each other.
const CALLS: usize = 10;
/// Rounds of a history: 10 000 calls.
const ROUNDS: u64 = 250;

/// Ten thousand random steps on a few keys, each compared with a model of the contract.
pub async fn random_steps_agree_with_a_model<S: Store>(store: S) {
    let mut random = Random(0x5eed);
    let mut model = Model::default();
    let mut now = START;
    for number in 0..10_000 {
        let key = handle(random.below(4));
        match random.below(8) {
            0 => now = now.plus(Duration::from_millis(random.below(40_000))),
            1 => {
                let removed = store.delete_expired(2, now).await.unwrap_ok();
                assert!(removed <= 2, "step {number}: {removed} removed");
            }
            _ => {
                let known = model.live(key, now).map(Record::revision);
                let step = Step::random(&mut random, known, now);
                let outcome = step.call(&store, key, now).await.unwrap_ok();
                let right = step.apply(&mut model, key, now);
                assert_eq!(outcome, right, "step {number}: {step:?} on {key}");
            }
        }
        let found = Step::Load(None).call(&store, key, now).await.unwrap_ok();
        let right = Step::Load(None).apply(&mut model, key, now);
        assert_eq!(found, right, "after step {number} on {key}");
    }
}

/// Ten thousand random calls from four tasks on two keys: for each key there is an order of the calls, each
/// between its beginning and its end, in which the contract gives what the store returned.
///
/// A call that failed with a temporary error has taken effect before it failed, or never does.
pub async fn s_076_histories_are_linearizable<S: Store>(store: S) {
    histories_are_linearizable(store, 0x5e_0076, ROUNDS).await;
}

/// As [`s_076_histories_are_linearizable`], with calls of another seed, and as many rounds of forty calls as are
/// asked for: for runs that are longer than a test.
pub async fn histories_are_linearizable<S: Store>(store: S, seed: u64, rounds: u64) {
    let store = Arc::new(store);
    let ticks = Arc::new(AtomicU64::new(0));
    let keys = [handle(1), handle(2)];
    let mut random = Random(seed);
    let mut before = Model::default();
    // Time stands still in a round: whether a store keeps or frees what is expired is then not to be seen.
    let mut now = START;
    for round in 0..rounds {
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (store, ticks) = (store.clone(), ticks.clone());
                let seed = random.next();
                tokio::spawn(async move { calls(&*store, &ticks, &keys, Random(seed), now).await })
            })
            .collect();
        let mut history = Vec::new();
        for task in tasks {
            history.extend(task.await.expect("a call does not panic"));
        }
        let mut after = Model::default();
        for key in keys {
            let (last, record) = last_load(&*store, &ticks, key, now).await;
            let of_key = history.iter().filter(|call| call.key == key).cloned();
            let of_key: Vec<_> = of_key.chain([last]).collect();
            assert!(
                is_linearizable(&before, &of_key, now),
                "round {round}: no order of these calls explains their outcomes, beginning with \
                 {before:?}:\n{of_key:#?}"
            );
            if let Some(record) = record {
                let _ = after.create(key, record, now);
            }
        }
        before = after;
        now = now.plus(Duration::from_millis(random.below(40_000)));
    }
}

/// What one task does in a round.
async fn calls<S: Store>(
    store: &S,
    ticks: &AtomicU64,
    keys: &[SessionHandle; 2],
    mut random: Random,
    now: UnixMillis,
) -> Vec<Call> {
    let mut history = Vec::new();
    let mut known = [None; 2];
    while history.len() < CALLS {
        let n = random.below(2) as usize;
        if random.below(16) == 0 {
            // Not to be seen in any outcome, whenever it happens.
            let _ = store.delete_expired(2, now).await;
        }
        let step = Step::random(&mut random, known[n], now);
        let invoked = ticks.fetch_add(1, Ordering::SeqCst);
        let outcome = match step.call(store, keys[n], now).await {
            Ok(outcome) => Some(outcome),
            Err(error) if error.is_temporary() => None,
            Err(error) => panic!("{step:?} failed: {error}"),
        };
        let returned = ticks.fetch_add(1, Ordering::SeqCst);
        if let (Step::Load(_), Some(Outcome::Found(found))) = (&step, &outcome) {
            known[n] = found.as_ref().map(|found| found.0);
        }
        history.push(Call { key: keys[n], step, outcome, invoked, returned });
        if random.below(2) == 0 {
            tokio::task::yield_now().await;
        }
    }
    history
}

/// What a round left under a key, and the call that says so.
async fn last_load<S: Store>(
    store: &S,
    ticks: &AtomicU64,
    key: SessionHandle,
    now: UnixMillis,
) -> (Call, Option<Record>) {
    for _ in 0..100 {
        let invoked = ticks.fetch_add(1, Ordering::SeqCst);
        let found = match store.load(key, None, now).await {
            Ok(Lookup::Live(record)) => Some(record),
            Ok(Lookup::Absent(_)) => None,
            Err(_) => continue,
        };
        let returned = ticks.fetch_add(1, Ordering::SeqCst);
        let outcome = Some(Outcome::found(found.as_ref()));
        return (Call { key, step: Step::Load(None), outcome, invoked, returned }, found);
    }
    panic!("a hundred loads failed, one after the other");
}

/// Whether the calls, all of one key, can be put in an order that explains them.
///
/// The search of Wing and Gong, which forgets nothing it has seen (Lowe): a set of calls that took effect and
/// the state they led to is looked at once.
fn is_linearizable(before: &Model, calls: &[Call], now: UnixMillis) -> bool {
    assert!(calls.len() < 64, "the set of calls is a u64");
    let all = (1 << calls.len()) - 1;
    let mut seen = HashSet::new();
    let mut open = vec![(0_u64, before.clone())];
    while let Some((done, state)) = open.pop() {
        if done == all {
            return true;
        }
        let left = || calls.iter().enumerate().filter(move |(n, _)| done & (1 << n) == 0);
        let first_end = left().map(|(_, call)| call.returned).min().unwrap_or(u64::MAX);
        // Whatever began after another call had ended comes after it.
        for (n, call) in left().filter(|(_, call)| call.invoked < first_end) {
            let mut next = state.clone();
            let outcome = call.step.apply(&mut next, call.key, now);
            let mut push = |state: Model| {
                let record = state.live(call.key, now);
                let shape = record.map(|record| (record.revision(), record.idle_deadline()));
                if seen.insert((done | 1 << n, shape)) {
                    open.push((done | 1 << n, state));
                }
            };
            match &call.outcome {
                Some(returned) if *returned != outcome => {}
                Some(_) => push(next),
                None => {
                    push(next);
                    push(state.clone());
                }
            }
        }
    }
    false
}

/// A call of a history.
#[derive(Debug, Clone)]
struct Call {
    key: SessionHandle,
    step: Step,
    /// `None` if an error hides it.
    outcome: Option<Outcome>,
    invoked: u64,
    returned: u64,
}

/// A call and its arguments.
#[derive(Debug, Clone)]
enum Step {
    Load(Option<Renewal>),
    Create(Record),
    Update(Record, Revision),
    Touch(UnixMillis),
    Delete,
}

/// What a call returned.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// The revision, to update from, and everything.
    Found(Option<(Revision, Vec<u8>)>),
    Created(Created),
    Updated(Updated),
    Touched(bool),
    Deleted(bool),
}

impl Outcome {
    fn found(record: Option<&Record>) -> Self {
        Self::Found(record.map(|record| (record.revision(), record.to_bytes())))
    }
}

impl Step {
    /// A step, mostly with the revision that the caller knows.
    fn random(random: &mut Random, known: Option<Revision>, now: UnixMillis) -> Self {
        // One deadline in eight has passed already.
        let lives = if random.below(8) == 0 { 0 } else { random.below(200_000) };
        let deadline = now.plus(Duration::from_millis(lives));
        let mut record = || {
            let n = random.below(1 << 40);
            let absolute = n.is_multiple_of(4).then(|| now.plus(MAX_AGE));
            Record::from(RecordParts {
                idle_deadline: deadline,
                absolute_deadline: absolute,
                ..parts(n)
            })
        };
        let record = record();
        match random.below(12) {
            0..4 => Self::Load(match random.below(4) {
                0 => Some(Renewal::new(HASH, None)),
                1 => Some(Renewal::new(HASH, Some(Duration::ZERO))),
                2 => Some(Renewal::new(SecretHash::from_bytes([8; 32]), Some(Duration::ZERO))),
                _ => None,
            }),
            4..6 => Self::Create(record),
            6..9 => {
                let known = known.filter(|_| random.below(8) > 0);
                Self::Update(record, known.unwrap_or(Revision::from_u64(u64::MAX)))
            }
            9..11 => Self::Touch(deadline),
            _ => Self::Delete,
        }
    }

    async fn call<S: Store>(
        &self,
        store: &S,
        key: SessionHandle,
        now: UnixMillis,
    ) -> Result<Outcome> {
        Ok(match self {
            Self::Load(renewal) => match store.load(key, renewal.as_ref(), now).await? {
                Lookup::Live(record) => Outcome::found(Some(&record)),
                Lookup::Absent(_) => Outcome::found(None),
            },
            Self::Create(record) => Outcome::Created(store.create(key, record.clone(), now).await?),
            Self::Update(record, expected) => {
                Outcome::Updated(store.update(key, record.clone(), *expected, now).await?)
            }
            Self::Touch(deadline) => Outcome::Touched(store.touch(key, *deadline, now).await?),
            Self::Delete => Outcome::Deleted(store.delete(key, Ended::Destroyed, now).await?),
        })
    }

    fn apply(&self, model: &mut Model, key: SessionHandle, now: UnixMillis) -> Outcome {
        match self {
            Self::Load(renewal) => Outcome::found(model.load(key, renewal.as_ref(), now).as_ref()),
            Self::Create(record) => Outcome::Created(model.create(key, record.clone(), now)),
            Self::Update(record, expected) => {
                Outcome::Updated(model.update(key, record.clone(), *expected, now))
            }
            Self::Touch(deadline) => Outcome::Touched(model.touch(key, *deadline, now)),
            Self::Delete => Outcome::Deleted(model.delete(key, Ended::Destroyed, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a history of one key that begins empty: `(invoked, returned, step, outcome)`.
    #[track_caller]
    fn check(calls: Vec<(u64, u64, Step, Option<Outcome>)>, expected: bool) {
        let calls: Vec<_> = calls
            .into_iter()
            .map(|(invoked, returned, step, outcome)| Call {
                key: handle(1),
                step,
                outcome,
                invoked,
                returned,
            })
            .collect();
        assert_eq!(is_linearizable(&Model::default(), &calls, START), expected);
    }

    fn create(record: &Record) -> Step {
        Step::Create(record.clone())
    }

    #[test]
    fn two_creates_cannot_both_win() {
        let (a, b) = (Record::from(parts(1)), Record::from(parts(2)));
        let won = || Some(Outcome::Created(Created::Created));
        let lost = || Some(Outcome::Created(Created::Occupied));
        check(vec![(0, 2, create(&a), won()), (1, 3, create(&b), won())], false);
        check(vec![(0, 2, create(&a), lost()), (1, 3, create(&b), won())], true);
        check(vec![(0, 1, create(&a), lost()), (2, 3, create(&b), won())], false);
    }

    #[test]
    fn a_load_after_an_acknowledged_create_finds_it() {
        let a = Record::from(parts(1));
        let won = || Some(Outcome::Created(Created::Created));
        let nothing = || Some(Outcome::found(None));
        check(vec![(0, 1, create(&a), won()), (2, 3, Step::Load(None), nothing())], false);
        check(vec![(0, 2, create(&a), won()), (1, 3, Step::Load(None), nothing())], true);
    }

    #[test]
    fn a_call_that_failed_took_effect_or_did_not_but_not_both() {
        let a = Record::from(parts(1));
        let found = || Some(Outcome::found(Some(&a)));
        let nothing = || Some(Outcome::found(None));
        let load = || Step::Load(None);
        check(vec![(0, 1, create(&a), None), (2, 3, load(), found())], true);
        check(vec![(0, 1, create(&a), None), (2, 3, load(), nothing())], true);
        check(
            vec![(0, 1, create(&a), None), (2, 3, load(), nothing()), (4, 5, load(), found())],
            false,
        );
    }
}
