//! Sign-in, rotation and revocation against requests that hold the session.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use cloakroom::{ServerSideSessionConfig, Session, SubjectLimitPolicy};

use crate::explorer::{Schedule, Task, every_order, random_orders};
use crate::stepped::{Steps, What};
use crate::{Answer, Bed, Said};

fn plant(session: &Session) {
    if session.exists() {
        session.insert("planted", &true).unwrap();
    }
}

fn look(_: &Session) {}

/// Who signs in must have the session still: one that lost it is another visitor.
fn sign_in(session: &Session) {
    if session.exists() {
        session.sign_in("ada").unwrap();
    }
}

fn renewing() -> ServerSideSessionConfig {
    ServerSideSessionConfig::default()
        .with_max_age(Duration::from_secs(1000))
        .with_renew_on_access(true)
}

/// Runs sign-ins against others: one of them wins, the old ID is dead, and what was held under it is no part of
/// the new session unless it was stored before.
fn check_sign_in(bed: &Bed, schedule: &mut Schedule, works: &[fn(&Session)]) {
    let old = bed.aged(None);
    let (tasks, answers): (Vec<Task>, Vec<Answer>) =
        works.iter().map(|&work| bed.request(&old, work)).unzip();
    schedule.run(tasks);
    let events = bed.store.events();
    let alive: Vec<_> = answers
        .iter()
        .enumerate()
        .filter_map(|(task, answer)| match answer.said() {
            Said::Cookie(pair) if bed.look(&pair).exists() => Some((task, pair)),
            _ => None,
        })
        .collect();
    let [(winner, new)] = &alive[..] else { panic!("one ID lives, not {alive:?}: {events:?}") };
    assert!(!bed.look(&old).exists(), "the old ID is dead");
    let session = bed.look(new);
    assert_eq!(session.subject().as_deref(), Some("ada"));
    let wrote =
        |task| events.iter().rposition(|event| event.task == task && event.what == What::Wrote);
    let signed_in = wrote(*winner).expect("it was stored");
    assert_eq!(
        events.iter().rposition(|event| event.what == What::Wrote),
        Some(signed_in),
        "nobody writes into it: {events:?}"
    );
    for (task, answer) in answers.iter().enumerate().filter(|(task, _)| task != winner) {
        if events.iter().rposition(|event| event.task == task) > Some(signed_in) {
            assert_eq!(answer.said(), Said::Nothing, "request {task}: {events:?}");
        }
    }
}

#[test]
fn s_039_no_order_lets_an_older_request_write_into_a_sign_in() {
    let bed = Bed::new(Steps::Calls, renewing());
    let _time = bed.runtime.enter();
    every_order(20, |schedule| check_sign_in(&bed, schedule, &[sign_in, plant]));
    every_order(1000, |schedule| check_sign_in(&bed, schedule, &[sign_in, plant, look]));
}

#[test]
fn s_041_no_order_of_two_sign_ins_leaves_two_ids() {
    let bed = Bed::new(Steps::CallsAndReplies, ServerSideSessionConfig::default());
    let _time = bed.runtime.enter();
    every_order(350, |schedule| check_sign_in(&bed, schedule, &[sign_in, sign_in]));
}

#[test]
fn s_039_random_orders_of_four_requests_and_their_replies_keep_the_sign_in_whole() {
    let bed = Bed::new(Steps::CallsAndReplies, renewing());
    let _time = bed.runtime.enter();
    let works = [sign_in as fn(&Session), plant, sign_in, look];
    random_orders(34_000, |schedule| check_sign_in(&bed, schedule, &works));
}

/// Revokes all of a subject's sessions, and notes who was signed in before it began.
fn revoke_all(bed: &Bed, before: &Answer) -> (Task, Rc<Cell<bool>>) {
    let (sessions, before) = (bed.backend.sessions(), before.clone());
    let earlier = Rc::new(Cell::new(false));
    let noted = earlier.clone();
    let task = Box::pin(async move {
        noted.set(before.is_over());
        sessions.revoke_all("ada").await.unwrap();
    });
    (task, earlier)
}

fn check_revocation(bed: &Bed, schedule: &mut Schedule) {
    // What earlier schedules left is past its time, and not in the list.
    bed.clock.advance(Duration::from_secs(1000));
    let held = bed.aged(Some("ada"));
    let (writer, wrote) = bed.request(&held, plant);
    let (visitor, signed_in) = bed.request("", |session: &Session| session.sign_in("ada").unwrap());
    let (revoker, was_earlier) = revoke_all(bed, &signed_in);
    schedule.run([writer, visitor, revoker]);
    let events = bed.store.events();
    assert!(!bed.look(&held).exists(), "signed in before: {events:?}");
    let Said::Cookie(new) = signed_in.said() else { panic!("a sign-in sets a cookie") };
    if was_earlier.get() {
        assert!(!bed.look(&new).exists(), "acknowledged before: {events:?}");
    }
    let key = events.iter().find(|event| event.task == 0).map(|event| event.key);
    let end = events.iter().position(|event| event.what == What::Ended && Some(event.key) == key);
    if events.iter().rposition(|event| event.task == 0) > end {
        assert_eq!(wrote.said(), Said::Nothing, "{events:?}");
    }
}

#[test]
fn s_066_no_order_of_a_commit_and_a_sign_in_survives_a_revocation() {
    let bed = Bed::new(Steps::Calls, renewing());
    let _time = bed.runtime.enter();
    every_order(530, |schedule| check_revocation(&bed, schedule));
}

#[test]
fn s_066_random_orders_with_replies_survive_no_revocation() {
    let bed = Bed::new(Steps::CallsAndReplies, renewing());
    let _time = bed.runtime.enter();
    random_orders(3_000, |schedule| check_revocation(&bed, schedule));
}

/// Both requests rotate, or one is in the grace of the other's; either way they end with one ID.
#[test]
fn s_045_every_order_of_a_rotation_converges() {
    let config = ServerSideSessionConfig::default()
        .with_rotate_every(Duration::from_secs(60))
        .with_rotation_grace(Duration::from_secs(30));
    let bed = Bed::new(Steps::CallsAndReplies, config);
    let _time = bed.runtime.enter();
    every_order(430, |schedule| {
        let old = bed.aged(None);
        let (tasks, answers): (Vec<Task>, Vec<Answer>) =
            [plant as fn(&Session), look].map(|work| bed.request(&old, work)).into_iter().unzip();
        schedule.run(tasks);
        let said: Vec<_> = answers.iter().map(Answer::said).collect();
        let Said::Cookie(new) = &said[0] else { panic!("no cookie but {said:?}") };
        assert_eq!(said[0], said[1], "{:?}", bed.store.events());
        assert!(bed.look(new).contains_key("planted"));
    });
}

#[test]
fn s_069_no_order_of_two_sign_ins_exceeds_the_limit() {
    for policy in [SubjectLimitPolicy::EvictOldest, SubjectLimitPolicy::Refuse] {
        let config = ServerSideSessionConfig::default()
            .with_max_age(Duration::from_secs(200))
            .with_max_sessions_per_subject(1)
            .with_subject_limit_policy(policy);
        let bed = Bed::new(Steps::Calls, config);
        let _time = bed.runtime.enter();
        every_order(40, |schedule| {
            bed.clock.advance(Duration::from_secs(300));
            let visitor = || bed.request("", |session: &Session| session.sign_in("ada").unwrap());
            let (first, second) = (visitor(), visitor());
            schedule.run([first.0, second.0]);
            assert!(bed.live() <= 1, "{policy:?}");
        });
    }
}
