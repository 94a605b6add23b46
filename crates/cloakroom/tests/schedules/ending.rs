//! A session that ends while other requests hold it.

use cloakroom::{ServerSideSessionConfig, Session};

use crate::explorer::{Schedule, Task, every_order, random_orders};
use crate::stepped::Steps;
use crate::{Answer, Bed, Said};

fn write(session: &Session) {
    if session.exists() {
        session.insert("k", &1).unwrap();
    }
}

fn count(session: &Session) {
    if session.exists() {
        session.update("n", |n: &mut u32| *n += 1).unwrap();
    }
}

fn destroy(session: &Session) {
    session.destroy().unwrap();
}

/// Runs an end, as the first request, against others; afterwards the session is dead.
fn check(bed: &Bed, schedule: &mut Schedule, others: &[fn(&Session)]) {
    let cookie = bed.aged(None);
    let works = std::iter::once(&(destroy as fn(&Session))).chain(others);
    let (tasks, answers): (Vec<Task>, Vec<Answer>) =
        works.map(|&work| bed.request(&cookie, work)).unzip();
    schedule.run(tasks);
    let answers: Vec<_> = answers.iter().collect();
    bed.check_end(&answers, 0);
    assert_eq!(answers[0].said(), Said::Expired, "who ends it is told so");
    assert!(!bed.look(&cookie).exists());
}

fn renewing() -> ServerSideSessionConfig {
    ServerSideSessionConfig::default()
        .with_max_age(std::time::Duration::from_secs(1000))
        .with_renew_on_access(true)
}

#[test]
fn s_050_no_order_of_a_writer_a_reader_and_an_end_revives() {
    let bed = Bed::new(Steps::Calls, renewing());
    let _time = bed.runtime.enter();
    every_order(1200, |schedule| check(&bed, schedule, &[write, |_| {}]));
}

#[test]
fn s_050_no_order_of_two_writers_and_an_end_revives() {
    let bed = Bed::new(Steps::Calls, ServerSideSessionConfig::default());
    let _time = bed.runtime.enter();
    every_order(2400, |schedule| check(&bed, schedule, &[count, write]));
}

/// With the replies as steps of their own: the end may also come while a reply is on its way.
#[test]
fn s_050_no_order_of_a_writer_an_end_and_their_replies_revives() {
    let bed = Bed::new(Steps::CallsAndReplies, renewing());
    let _time = bed.runtime.enter();
    every_order(240, |schedule| check(&bed, schedule, &[write]));
}

/// Four requests have too many orders to take them all.
#[test]
fn s_050_random_orders_of_four_requests_and_their_replies_do_not_revive() {
    let bed = Bed::new(Steps::CallsAndReplies, renewing());
    let _time = bed.runtime.enter();
    random_orders(34_000, |schedule| check(&bed, schedule, &[write, count, |_| {}]));
}
