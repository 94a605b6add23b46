//! Writers of one session: nothing is lost, whoever is first.

use cloakroom::{ServerSideSessionConfig, Session};

use crate::explorer::{Schedule, Task, every_order, random_orders};
use crate::stepped::Steps;
use crate::{Answer, Bed, Said};

fn count(session: &Session) {
    session.update("n", |n: &mut u32| *n += 1).unwrap();
}

fn note(session: &Session) {
    session.insert("k", &1).unwrap();
}

fn remove(session: &Session) {
    session.remove("k").unwrap();
}

fn check(bed: &Bed, schedule: &mut Schedule, works: &[fn(&Session)], counts: u32) -> bool {
    let cookie = bed.aged(None);
    let (tasks, answers): (Vec<Task>, Vec<Answer>) =
        works.iter().map(|&work| bed.request(&cookie, work)).unzip();
    schedule.run(tasks);
    assert!(answers.iter().all(|answer| answer.said() != Said::Failed));
    let session = bed.look(&cookie);
    assert_eq!(session.get::<u32>("n").unwrap(), Some(counts), "{:?}", bed.store.events());
    session.contains_key("k")
}

#[test]
fn s_073_every_order_of_three_increments_counts_three() {
    let bed = Bed::new(Steps::Calls, ServerSideSessionConfig::default());
    let _time = bed.runtime.enter();
    every_order(4500, |schedule| {
        check(&bed, schedule, &[count, count, count], 3);
    });
}

#[test]
fn s_073_random_orders_of_four_increments_and_their_replies_count_four() {
    let bed = Bed::new(Steps::CallsAndReplies, ServerSideSessionConfig::default());
    let _time = bed.runtime.enter();
    random_orders(10_000, |schedule| {
        check(&bed, schedule, &[count, count, count, count], 4);
    });
}

#[test]
fn s_074_every_order_of_writers_of_different_keys_keeps_both() {
    let bed = Bed::new(Steps::CallsAndReplies, ServerSideSessionConfig::default());
    let _time = bed.runtime.enter();
    every_order(450, |schedule| {
        assert!(check(&bed, schedule, &[count, note], 1));
    });
}

/// An insert and a removal of one key: both outcomes are met, and nothing else.
#[test]
fn s_075_of_an_insert_and_a_removal_the_later_commit_wins() {
    let bed = Bed::new(Steps::CallsAndReplies, ServerSideSessionConfig::default());
    let _time = bed.runtime.enter();
    let mut seen = [false; 2];
    every_order(40, |schedule| {
        let there = check(&bed, schedule, &[note, remove], 0);
        seen[usize::from(there)] = true;
    });
    assert_eq!(seen, [true, true]);
}
