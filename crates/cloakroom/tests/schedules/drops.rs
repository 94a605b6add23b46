//! Every public future given up at every poll: what is stored is as before or as after, and nothing is held.

use cloakroom::store::Ended;
use cloakroom::{ServerSideSessionConfig, Session, SubjectLimitPolicy};

use crate::Bed;
use crate::explorer::{finish, give_up_after};
use crate::stepped::Steps;

fn bed() -> Bed {
    let config = ServerSideSessionConfig::default()
        .with_max_age(std::time::Duration::from_secs(1000))
        .with_renew_on_access(true);
    Bed::new(Steps::CallsAndReplies, config)
}

/// Gives up after 0, 1, 2 … polls, until the future comes to its end; how many polls that took.
fn at_every_poll(mut attempt: impl FnMut(usize) -> bool) -> usize {
    (0..1000).find(|&polls| attempt(polls)).expect("it ends within a thousand polls")
}

/// Whoever comes next can write: no lock, no place in a queue was kept.
fn next_writes(bed: &Bed, cookie: &str) {
    let session = bed.look(cookie);
    session.update("n", |n: &mut u32| *n += 100).unwrap();
    finish(bed.backend.store_in_message(&session, 200)).1.unwrap();
    assert_eq!(bed.look(cookie).get::<u32>("n").unwrap(), Some(100));
}

#[test]
fn s_079_a_load_given_up_at_any_poll_changes_nothing() {
    let bed = bed();
    let _time = bed.runtime.enter();
    let polls = at_every_poll(|polls| {
        let cookie = bed.aged(None);
        let load = bed.backend.load_from_connection([cookie.as_bytes()]);
        let done = give_up_after(polls, load).is_some();
        assert_eq!(bed.look(&cookie).keys(), ["n"]);
        next_writes(&bed, &cookie);
        done
    });
    assert!(polls > 2, "before the call and after it");
}

/// Another writer was first, so that the commit loads again, in the queue of the session, and replays.
#[test]
fn s_079_a_commit_given_up_at_any_poll_is_before_or_after() {
    let bed = bed();
    let _time = bed.runtime.enter();
    let polls = at_every_poll(|polls| {
        let cookie = bed.aged(None);
        let session = bed.look(&cookie);
        session.insert("k", &1).unwrap();
        session.set_label("device", "lynx").unwrap();
        let other = bed.look(&cookie);
        other.insert("other", &1).unwrap();
        finish(bed.backend.store_in_message(&other, 200)).1.unwrap();
        let done = give_up_after(polls, bed.backend.store_in_message(&session, 200)).is_some();
        let found = bed.look(&cookie);
        let whole = found.keys() == ["k", "n", "other"] && found.labels().len() == 1;
        let nothing = found.keys() == ["n", "other"] && found.labels().is_empty();
        assert!(whole || nothing && !done, "after {polls} polls: {:?}", found.keys());
        next_writes(&bed, &cookie);
        done
    });
    assert!(polls > 6, "an update, a load and an update, and their replies");
}

#[test]
fn s_079_a_sign_in_given_up_at_any_poll_is_before_or_after() {
    let bed = bed();
    let _time = bed.runtime.enter();
    at_every_poll(|polls| {
        // What earlier attempts left is past its time, and not in the list.
        bed.clock.advance(std::time::Duration::from_secs(1000));
        let cookie = bed.aged(None);
        let session = bed.look(&cookie);
        session.insert("k", &1).unwrap();
        session.sign_in("ada").unwrap();
        let done = give_up_after(polls, bed.backend.store_in_message(&session, 200)).is_some();
        let listed = finish(bed.backend.sessions().of("ada")).unwrap();
        let found = bed.look(&cookie);
        if found.exists() {
            assert!(!done && listed.is_empty() && found.keys() == ["n"], "before");
            next_writes(&bed, &cookie);
        } else {
            assert_eq!(listed.len(), 1, "after: the record is there, under a new secret");
        }
        assert_eq!(bed.live(), 1);
        done
    });
}

/// With all places taken, no half-done sign-in is one too many.
#[test]
fn s_079_a_refused_sign_in_given_up_at_any_poll_leaves_none() {
    let config = ServerSideSessionConfig::default()
        .with_max_sessions_per_subject(1)
        .with_subject_limit_policy(SubjectLimitPolicy::Refuse);
    let bed = Bed::new(Steps::CallsAndReplies, config);
    let _time = bed.runtime.enter();
    let first = bed.aged(Some("ada"));
    at_every_poll(|polls| {
        let session = bed.look("");
        session.sign_in("ada").unwrap();
        let done = give_up_after(polls, bed.backend.store_in_message(&session, 200)).is_some();
        assert!(bed.look(&first).exists());
        assert_eq!(bed.live(), 1, "after {polls} polls");
        done
    });
}

/// An adapter whose request is dropped commits once more, with status 500: no sign-in stays that is one too many.
#[test]
fn s_069_a_sign_in_given_up_at_any_poll_keeps_within_the_limit() {
    let config = ServerSideSessionConfig::default().with_max_sessions_per_subject(1);
    let bed = Bed::new(Steps::CallsAndReplies, config);
    let _time = bed.runtime.enter();
    at_every_poll(|polls| {
        bed.aged(Some("ada"));
        let session = bed.look("");
        session.sign_in("ada").unwrap();
        let done = give_up_after(polls, bed.backend.store_in_message(&session, 200)).is_some();
        finish(bed.backend.store_in_message(&session, 500)).1.unwrap();
        assert_eq!(bed.live(), 1, "after {polls} polls");
        done
    });
}

#[test]
fn s_079_a_first_commit_given_up_at_any_poll_is_nothing_or_all() {
    let bed = bed();
    let _time = bed.runtime.enter();
    at_every_poll(|polls| {
        bed.clock.advance(std::time::Duration::from_secs(1000));
        let session = bed.look("");
        session.insert("k", &1).unwrap();
        session.sign_in("ada").unwrap();
        session.set_label("device", "lynx").unwrap();
        let done = give_up_after(polls, bed.backend.store_in_message(&session, 200)).is_some();
        let listed = finish(bed.backend.sessions().of("ada")).unwrap();
        assert_eq!(bed.live(), listed.len() as u64);
        match &listed[..] {
            [] => assert!(!done),
            [one] => assert_eq!(one.labels["device"], "lynx"),
            more => panic!("{} sessions", more.len()),
        }
        done
    });
}

#[test]
fn s_079_an_end_given_up_at_any_poll_is_before_or_after() {
    let bed = bed();
    let _time = bed.runtime.enter();
    at_every_poll(|polls| {
        let cookie = bed.aged(None);
        let session = bed.look(&cookie);
        session.destroy().unwrap();
        let done = give_up_after(polls, bed.backend.store_in_message(&session, 200)).is_some();
        let found = bed.look(&cookie);
        if found.exists() {
            assert!(!done);
            next_writes(&bed, &cookie);
        }
        done
    });
}

/// What was not saved is still there for the response.
#[test]
fn s_079_a_save_given_up_at_any_poll_loses_nothing() {
    let bed = bed();
    let _time = bed.runtime.enter();
    at_every_poll(|polls| {
        let cookie = bed.aged(None);
        let session = bed.look(&cookie);
        session.insert("k", &1).unwrap();
        let done = give_up_after(polls, session.save()).is_some();
        session.insert("later", &1).unwrap();
        finish(bed.backend.store_in_message(&session, 200)).1.unwrap();
        assert_eq!(bed.look(&cookie).keys(), ["k", "later", "n"]);
        next_writes(&bed, &cookie);
        done
    });
}

/// A save that nobody waited for may have been stored. The response finds out, and does nothing twice.
#[test]
fn s_079_a_save_given_up_at_any_poll_is_not_done_twice() {
    let bed = bed();
    let _time = bed.runtime.enter();
    at_every_poll(|polls| {
        let cookie = bed.aged(None);
        let session = bed.look(&cookie);
        session.update("n", |n: &mut u32| *n += 1).unwrap();
        let done = give_up_after(polls, session.save()).is_some();
        session.update("n", |n: &mut u32| *n += 10).unwrap();
        finish(bed.backend.store_in_message(&session, 200)).1.unwrap();
        assert_eq!(bed.look(&cookie).get::<u32>("n").unwrap(), Some(11), "after {polls} polls");
        done
    });
}

/// Nor does a visitor lose the session whose new ID was in a save that nobody waited for.
#[test]
fn s_079_a_sign_in_saved_and_given_up_at_any_poll_is_answered_with_its_id() {
    let bed = bed();
    let _time = bed.runtime.enter();
    for (held, status) in [(true, 200), (false, 200), (true, 500), (false, 500)] {
        at_every_poll(|polls| {
            bed.clock.advance(std::time::Duration::from_secs(1000));
            let cookie = if held { bed.aged(None) } else { String::new() };
            let session = bed.look(&cookie);
            session.insert("k", &1).unwrap();
            session.sign_in("ada").unwrap();
            let done = give_up_after(polls, session.save()).is_some();
            let (headers, outcome) = finish(bed.backend.store_in_message(&session, status));
            outcome.unwrap();
            let stored = finish(bed.backend.sessions().of("ada")).unwrap().len();
            assert!(stored == 1 || status == 500 && stored == 0 && !done, "after {polls} polls");
            assert_eq!(bed.live(), if held { 1 } else { stored as u64 }, "no second one");
            if stored == 1 {
                let line = headers.set_cookie.expect("the new ID is told");
                let session = bed.look(line.split(';').next().unwrap());
                assert_eq!(session.subject().as_deref(), Some("ada"), "after {polls} polls");
            }
            done
        });
    }
}

/// A session that began with a save that nobody waited for ends with the rest.
#[test]
fn s_079_what_is_destroyed_after_a_save_given_up_at_any_poll_is_gone() {
    let bed = bed();
    let _time = bed.runtime.enter();
    for held in [true, false] {
        at_every_poll(|polls| {
            bed.clock.advance(std::time::Duration::from_secs(1000));
            let cookie = if held { bed.aged(None) } else { String::new() };
            let session = bed.look(&cookie);
            session.sign_in("ada").unwrap();
            let done = give_up_after(polls, session.save()).is_some();
            session.destroy().unwrap();
            finish(bed.backend.store_in_message(&session, 200)).1.unwrap();
            assert_eq!(bed.live(), 0, "after {polls} polls");
            done
        });
    }
}

#[test]
fn s_079_a_reload_given_up_at_any_poll_keeps_the_changes() {
    let bed = bed();
    let _time = bed.runtime.enter();
    at_every_poll(|polls| {
        let cookie = bed.aged(None);
        let session = bed.look(&cookie);
        session.insert("k", &1).unwrap();
        let done = give_up_after(polls, session.reload()).is_some();
        assert_eq!(session.keys(), ["k", "n"]);
        finish(bed.backend.store_in_message(&session, 200)).1.unwrap();
        assert_eq!(bed.look(&cookie).keys(), ["k", "n"]);
        done
    });
}

/// A wait for the end never ends here; giving it up leaves the session as it was, and it can still end.
#[test]
fn s_079_a_wait_given_up_at_any_poll_holds_nothing() {
    let bed = bed();
    let _time = bed.runtime.enter();
    for polls in 0..6 {
        let cookie = bed.aged(None);
        let session = bed.look(&cookie);
        assert_eq!(give_up_after(polls, session.ended()), None);
        next_writes(&bed, &cookie);
        assert!(finish(bed.backend.sessions().revoke(session.handle().unwrap())).unwrap());
        assert_eq!(finish(session.ended()), Ended::Revoked);
    }
}

/// Gives up an operation on two of Ada's sessions; those that live afterwards work, and doing it again ends it.
fn fleet<T>(ends: u64, operation: impl AsyncFn(&Bed, &Session) -> cloakroom::Result<T>) {
    let bed = bed();
    let _time = bed.runtime.enter();
    at_every_poll(|polls| {
        bed.clock.advance(std::time::Duration::from_secs(1000));
        let cookies = [bed.aged(Some("ada")), bed.aged(Some("ada"))];
        let current = bed.look(&cookies[0]);
        let done = give_up_after(polls, operation(&bed, &current)).map(Result::unwrap).is_some();
        let live = bed.live();
        assert!((2 - ends..=2).contains(&live));
        assert!(!done || live == 2 - ends);
        for cookie in cookies {
            if bed.look(&cookie).exists() {
                next_writes(&bed, &cookie);
            }
        }
        finish(operation(&bed, &current)).unwrap();
        assert_eq!(bed.live(), 2 - ends);
        done
    });
}

#[test]
fn s_079_operations_on_sessions_given_up_at_any_poll_can_be_done_again() {
    fleet(2, async |bed, _| bed.backend.sessions().revoke_all("ada").await);
    fleet(1, async |bed, current| bed.backend.sessions().revoke_others(current).await);
    fleet(1, async |bed, current| bed.backend.sessions().revoke(current.handle().unwrap()).await);
    fleet(1, async |bed, current| {
        bed.backend.sessions().revoke_of("ada", current.handle().unwrap()).await
    });
    fleet(0, async |bed, _| bed.backend.sessions().delete_expired().await);
    fleet(0, async |bed, _| bed.backend.sessions().of("ada").await);
    fleet(0, async |bed, _| bed.backend.sessions().page(None, 10).await);
    fleet(0, async |bed, _| bed.backend.sessions().count().await);
}
