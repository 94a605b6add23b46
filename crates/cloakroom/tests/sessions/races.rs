use std::sync::Arc;

use cloakroom::testkit::{Fault, Gate, Operation};

use crate::Bed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_074_fifty_writers_of_different_keys_all_survive() {
    let bed = Arc::new(Bed::new());
    let cookie = bed.create().await;
    let loaded = Arc::new(tokio::sync::Barrier::new(50));
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let (bed, cookie, loaded) = (bed.clone(), cookie.clone(), loaded.clone());
            tokio::spawn(async move {
                let session = bed.load(&cookie).await;
                loaded.wait().await;
                session.insert(&format!("key{n}"), &n).unwrap();
                bed.commit(&session, &cookie).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let session = bed.load(&cookie).await;
    assert_eq!(session.len(), 51);
    assert_eq!(session.get::<i32>("key49").unwrap(), Some(49));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_073_fifty_increments_are_fifty() {
    let bed = Arc::new(Bed::new());
    let cookie = bed.create().await;
    let loaded = Arc::new(tokio::sync::Barrier::new(50));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (bed, cookie, loaded) = (bed.clone(), cookie.clone(), loaded.clone());
            tokio::spawn(async move {
                let session = bed.load(&cookie).await;
                loaded.wait().await;
                session.update("n", |n: &mut u64| *n += 1).unwrap();
                bed.commit(&session, &cookie).await;
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(bed.load(&cookie).await.get::<u64>("n").unwrap(), Some(50));
}

/// A thousand random orders of one slow writer, one renewal and one end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_050_a_thousand_schedules_leave_it_dead() {
    let bed = Arc::new(Bed::new());
    for round in 0..1000_u32 {
        let cookie = bed.create().await;
        let (slow, ender, renewer) =
            (bed.load(&cookie).await, bed.load(&cookie).await, bed.load(&cookie).await);
        slow.insert("k", &round).unwrap();
        renewer.renew().unwrap();
        ender.destroy().unwrap();
        let spawn = |session: cloakroom::Session, yields: u32| {
            let backend = bed.backend.clone();
            tokio::spawn(async move {
                for _ in 0..yields {
                    tokio::task::yield_now().await;
                }
                backend.store_in_message(&session, 200).await
            })
        };
        let tasks =
            [spawn(slow, round % 3), spawn(renewer, round / 3 % 3), spawn(ender, round / 9 % 3)];
        for task in tasks {
            task.await.unwrap().1.unwrap();
        }
        assert!(!bed.is_alive(&cookie).await, "round {round}");
    }
    assert_eq!(bed.live().await, 0);
}

/// The commit is dropped before each of its store calls, and while one hangs: the record is as before or as
/// after, and the next writer is not held up.
#[tokio::test]
async fn s_079_a_dropped_commit_is_before_or_after() {
    for operation in [Operation::Update, Operation::Load] {
        let bed = Bed::new();
        let cookie = bed.create().await;
        let session = bed.load(&cookie).await;
        session.insert("k", &1).unwrap();
        let other = bed.load(&cookie).await;
        other.insert("other", &1).unwrap();
        bed.commit(&other, &cookie).await;
        // The first update conflicts, so that the commit loads again, in the queue of the session.
        let gate = Gate::new();
        bed.store.inject(operation, 1, Fault::Wait(gate.clone()));
        let backend = bed.backend.clone();
        let commit = tokio::spawn(async move { backend.store_in_message(&session, 200).await });
        gate.reached().await;
        commit.abort();
        assert!(commit.await.unwrap_err().is_cancelled());
        let session = bed.load(&cookie).await;
        assert_eq!(session.keys(), ["n", "other"]);
        session.update("n", |n: &mut u32| *n += 1).unwrap();
        bed.commit(&session, &cookie).await;
        assert_eq!(bed.load(&cookie).await.get::<u32>("n").unwrap(), Some(1));
    }
}

#[tokio::test]
async fn fifty_clones_of_one_session_update_without_loss() {
    let bed = Bed::new();
    let session = bed.load("").await;
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let session = session.clone();
            std::thread::spawn(move || {
                for _ in 0..50 {
                    session.update("n", |n: &mut u64| *n += 1).unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(session.get::<u64>("n").unwrap(), Some(400));
}

#[tokio::test]
async fn s_075_of_two_inserts_of_one_key_the_later_commit_wins() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let (first, second) = (bed.load(&cookie).await, bed.load(&cookie).await);
    first.insert("k", "first").unwrap();
    second.insert("k", "second").unwrap();
    bed.commit(&second, &cookie).await;
    bed.commit(&first, &cookie).await;
    assert_eq!(bed.load(&cookie).await.get::<String>("k").unwrap().as_deref(), Some("first"));
}

/// A thousand requests on one session, one in a hundred of which panics inside an update.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_081_panics_poison_nothing_and_nobody_waits_for_ever() {
    let bed = Arc::new(Bed::new());
    let cookie = bed.create().await;
    let tasks: Vec<_> = (0..1000)
        .map(|n| {
            let (bed, cookie) = (bed.clone(), cookie.clone());
            tokio::spawn(async move {
                let session = bed.load(&cookie).await;
                session
                    .update("n", move |count: &mut u64| {
                        assert!(n % 100 != 0, "a closure of the application panics");
                        *count += 1;
                    })
                    .unwrap();
                bed.commit(&session, &cookie).await;
            })
        })
        .collect();
    let mut panics = 0;
    for task in tasks {
        panics += usize::from(task.await.is_err());
    }
    assert_eq!(panics, 10);
    assert_eq!(bed.load(&cookie).await.get::<u64>("n").unwrap(), Some(990));
}

/// A value whose decoding uses the session must not wait for a lock that it holds itself.
#[tokio::test]
async fn no_lock_is_held_while_a_value_decodes() {
    thread_local! {
        static SESSION: std::cell::RefCell<Option<cloakroom::Session>> = const { std::cell::RefCell::new(None) };
    }
    struct Nosy(u64);
    impl<'de> serde::Deserialize<'de> for Nosy {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let session = SESSION.with_borrow(Clone::clone).unwrap();
            session.insert("seen", &true).unwrap();
            u64::deserialize(deserializer).map(Self)
        }
    }
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    SESSION.set(Some(session.clone()));
    assert_eq!(session.get::<Nosy>("n").unwrap().unwrap().0, 0);
    assert!(session.contains_key("seen"));
}

/// A closure that uses its session must not wait for a lock when it is replayed.
#[tokio::test]
async fn no_lock_is_held_while_an_update_is_replayed() {
    let bed = Bed::new();
    let cookie = bed.create().await;
    let session = bed.load(&cookie).await;
    let inner = session.clone();
    session.update("n", move |n: &mut usize| *n += 10 + inner.len() - inner.len()).unwrap();
    let other = bed.load(&cookie).await;
    other.insert("n", &5).unwrap();
    bed.commit(&other, &cookie).await;
    session.reload().await.unwrap();
    assert_eq!(session.get::<usize>("n").unwrap(), Some(15));
    bed.commit(&session, &cookie).await;
    assert_eq!(bed.load(&cookie).await.get::<usize>("n").unwrap(), Some(15));
}

/// What one node was told is stored, the other reads.
#[tokio::test]
async fn s_082_a_write_on_one_node_is_read_on_the_other() {
    let bed = Bed::new();
    let config = cloakroom::ServerSideSessionConfig::default();
    let other = cloakroom::ServerSideSessionBackend::new(bed.store.clone(), config).unwrap();
    let other = other.with_clock(bed.clock.clone());
    let cookie = bed.create().await;
    for n in 1..=20_u32 {
        let session = bed.load(&cookie).await;
        session.insert("n", &n).unwrap();
        bed.commit(&session, &cookie).await;
        let there = other.load_from_connection([cookie.as_bytes()]).await.unwrap();
        assert_eq!(there.get::<u32>("n").unwrap(), Some(n));
    }
    let session = bed.load(&cookie).await;
    session.destroy().unwrap();
    bed.commit(&session, &cookie).await;
    assert!(!other.load_from_connection([cookie.as_bytes()]).await.unwrap().exists());
}
