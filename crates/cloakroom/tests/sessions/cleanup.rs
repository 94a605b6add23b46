//! Freeing expired sessions in the background.

use std::time::Duration;

use cloakroom::testkit::{Fault, Gate, Operation};
use cloakroom::{ServerSideSessionBackend, ServerSideSessionConfig};

use crate::Bed;

const MINUTE: Duration = Duration::from_secs(60);

/// A minute on both clocks: the one that tasks wait by, and the one that deadlines are decided by.
async fn pass_a_minute(bed: &Bed) {
    bed.clock.advance(MINUTE);
    // The pause lets every task do what it has to do before time goes on.
    tokio::time::sleep(MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn instances_on_one_store_clean_up_once_an_interval() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_max_age(MINUTE * 2));
    let other =
        ServerSideSessionBackend::new(bed.store.clone(), ServerSideSessionConfig::default())
            .unwrap()
            .with_clock(bed.clock.clone());
    let tasks = [&bed.backend, &other].map(|it| it.sessions().clean_up_every(MINUTE));
    bed.create().await;
    // The first minute is one of random beginnings.
    pass_a_minute(&bed).await;
    let rounds = |bed: &Bed| bed.store.calls(Operation::DeleteExpired);
    let mut before = rounds(&bed);
    assert!((1..=2).contains(&before), "{before}");
    for _ in 0..10 {
        pass_a_minute(&bed).await;
        let now = rounds(&bed);
        assert!(now - before <= 1, "both cleaned up in one minute");
        before = now;
    }
    assert!(before >= 6, "somebody cleans up in most minutes: {before}");
    for task in tasks {
        task.stop().await;
    }
    pass_a_minute(&bed).await;
    assert_eq!(rounds(&bed), before, "nobody does after a stop");
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_is_freed_and_a_failure_is_tried_again() {
    let bed = Bed::with(ServerSideSessionConfig::default().with_max_age(MINUTE));
    for _ in 0..3 {
        bed.create().await;
    }
    bed.store.inject(Operation::DeleteExpired, 1, Fault::Fail);
    let task = bed.backend.sessions().clean_up_every(MINUTE);
    for _ in 0..3 {
        pass_a_minute(&bed).await;
    }
    assert!(bed.store.calls(Operation::DeleteExpired) >= 2);
    assert_eq!(bed.backend.sessions().delete_expired().await.unwrap(), 0, "nothing is left");
    drop(task);
}

/// The lease is a record like a session's, and is never taken for one.
#[tokio::test(start_paused = true)]
async fn the_lease_is_not_counted_and_not_listed() {
    let bed = Bed::new();
    let sessions = bed.backend.sessions();
    bed.create().await;
    let task = sessions.clean_up_every(MINUTE);
    tokio::time::sleep(MINUTE).await;
    assert_eq!(bed.store.calls(Operation::DeleteExpired), 1, "the lease is taken");
    assert_eq!(sessions.count().await.unwrap(), 1);
    let mut all = sessions.all().with_page_size(1);
    let mut seen = 0;
    while all.next().await.unwrap().is_some() {
        seen += 1;
    }
    assert_eq!(seen, 1);
    drop(task);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_round_that_is_under_way() {
    let bed = Bed::new();
    let gate = Gate::new();
    bed.store.inject(Operation::DeleteExpired, 1, Fault::Wait(gate.clone()));
    let task = bed.backend.sessions().clean_up_every(MINUTE);
    gate.reached().await;
    let stopping = tokio::spawn(task.stop());
    tokio::task::yield_now().await;
    assert!(!stopping.is_finished());
    gate.open();
    stopping.await.unwrap();
}

/// The lease saves work and nothing else: without room for it there is all the more to free.
#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_the_lease_is_cleaned_up_all_the_same() {
    let bed = Bed::new();
    bed.store.inject(Operation::Create, 1, Fault::Fail);
    let task = bed.backend.sessions().clean_up_every(MINUTE);
    tokio::time::sleep(MINUTE).await;
    assert_eq!(bed.store.calls(Operation::Create), 1);
    assert_eq!(bed.store.calls(Operation::DeleteExpired), 1);
    drop(task);
}
