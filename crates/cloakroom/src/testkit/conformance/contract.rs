//! What each call does, one at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::records::{
    HASH, MAX_AGE, START, UnwrapOk, created, handle, live, number, of_subject, parts, record,
};
use crate::id::SecretHash;
use crate::record::{Record, RecordParts, Revision};
use crate::store::{Created, Ended, Lookup, Renewal, Store, Updated};

/// What was created is loaded as it was, all fields.
pub async fn create_then_load<S: Store>(store: S) {
    let made = Record::from(RecordParts {
        absolute_deadline: Some(START.plus(MAX_AGE * 2)),
        authenticated_at: Some(START),
        subject: Some("ada".into()),
        labels: BTreeMap::from([("device".to_owned(), "Firefox".to_owned())]),
        browser_session: true,
        ..parts(1)
    });
    assert_eq!(store.create(handle(1), made.clone(), START).await.unwrap_ok(), Created::Created);
    let found = live(&store, handle(1), START).await.expect("live");
    assert_eq!(found.to_bytes(), made.to_bytes());
    assert!(live(&store, handle(2), START).await.is_none());
}

/// A taken key is not overwritten; the record there stays byte for byte.
pub async fn create_refuses_a_taken_key<S: Store>(store: S) {
    let first = created(&store, 1).await;
    assert_eq!(store.create(handle(1), record(2), START).await.unwrap_ok(), Created::Occupied);
    let found = live(&store, handle(1), START).await.expect("live");
    assert_eq!(found.to_bytes(), first.to_bytes());
}

/// An expired record holds no key.
pub async fn create_takes_the_place_of_an_expired_record<S: Store>(store: S) {
    created(&store, 1).await;
    let later = START.plus(MAX_AGE);
    let next = Record::from(RecordParts { idle_deadline: later.plus(MAX_AGE), ..parts(2) });
    assert_eq!(store.create(handle(1), next, later).await.unwrap_ok(), Created::Created);
    assert_eq!(number(&live(&store, handle(1), later).await.expect("live")), 2);
}

/// An update needs the revision that is there, and replaces the record then.
pub async fn update_is_compare_and_set<S: Store>(store: S) {
    let first = created(&store, 1).await;
    let (second, third) = (record(2), record(3));
    let updated =
        store.update(handle(1), second.clone(), first.revision(), START).await.unwrap_ok();
    assert_eq!(updated, Updated::Updated);
    let again = store.update(handle(1), third, first.revision(), START).await.unwrap_ok();
    assert_eq!(again, Updated::Conflict);
    let found = live(&store, handle(1), START).await.expect("live");
    assert_eq!(found.to_bytes(), second.to_bytes());
}

/// What is missing, deleted or expired is not brought back by an update.
pub async fn update_does_not_resurrect<S: Store>(store: S) {
    let first = created(&store, 1).await;
    let update = |now| store.update(handle(1), record(2), first.revision(), now);
    assert!(store.delete(handle(1), Ended::Destroyed, START).await.unwrap_ok());
    assert_eq!(update(START).await.unwrap_ok(), Updated::Gone);
    assert!(live(&store, handle(1), START).await.is_none());

    let second = created(&store, 3).await;
    let late = START.plus(MAX_AGE);
    let fresh = Record::from(RecordParts { idle_deadline: late.plus(MAX_AGE), ..parts(4) });
    let outcome = store.update(handle(3), fresh, second.revision(), late).await.unwrap_ok();
    assert_eq!(outcome, Updated::Gone);
    assert!(live(&store, handle(3), late).await.is_none());
    assert_eq!(
        store.update(handle(9), record(9), second.revision(), START).await.unwrap_ok(),
        Updated::Gone
    );
}

/// An update to a record that is expired ends the session, if the revision is right.
pub async fn update_to_an_expired_record_is_a_conditional_delete<S: Store>(store: S) {
    let first = created(&store, 1).await;
    let ended = || Record::from(RecordParts { idle_deadline: START, ..parts(2) });
    let wrong = Revision::from_u64(u64::MAX);
    assert_eq!(store.update(handle(1), ended(), wrong, START).await.unwrap_ok(), Updated::Conflict);
    assert!(live(&store, handle(1), START).await.is_some());
    let outcome = store.update(handle(1), ended(), first.revision(), START).await.unwrap_ok();
    assert_eq!(outcome, Updated::Updated);
    assert!(live(&store, handle(1), START).await.is_none());
    assert!(!store.delete(handle(1), Ended::Destroyed, START).await.unwrap_ok());
}

/// A touch moves the deadline of what is live, keeps everything else, and creates nothing.
pub async fn touch_moves_the_deadline_alone<S: Store>(store: S) {
    let first = created(&store, 1).await;
    let later = START.plus(MAX_AGE * 3);
    assert!(store.touch(handle(1), later, START).await.unwrap_ok());
    let found = live(&store, handle(1), START.plus(MAX_AGE * 2)).await.expect("live");
    assert_eq!(found.to_bytes(), first.with_idle_deadline(later).to_bytes());
    assert!(!store.touch(handle(2), later, START).await.unwrap_ok());
    assert!(live(&store, handle(2), START).await.is_none());
    assert!(!store.touch(handle(1), later.plus(MAX_AGE), later).await.unwrap_ok());
    assert!(live(&store, handle(1), later).await.is_none());
}

/// A deadline can be moved to be earlier, and counts then.
pub async fn touch_can_shorten<S: Store>(store: S) {
    created(&store, 1).await;
    let sooner = START.plus(Duration::from_millis(1));
    assert!(store.touch(handle(1), sooner, START).await.unwrap_ok());
    assert!(live(&store, handle(1), START).await.is_some());
    assert!(live(&store, handle(1), sooner).await.is_none());
}

/// A delete ends what is live, once, and is content with nothing.
pub async fn delete_is_idempotent<S: Store>(store: S) {
    created(&store, 1).await;
    assert!(store.delete(handle(1), Ended::Revoked, START).await.unwrap_ok());
    assert!(!store.delete(handle(1), Ended::Revoked, START).await.unwrap_ok());
    assert!(!store.delete(handle(2), Ended::Revoked, START).await.unwrap_ok());
    assert!(live(&store, handle(1), START).await.is_none());
}

/// At its deadline a session has ended; a millisecond before it has not. Both deadlines count.
pub async fn s_055_expired_is_absent<S: Store>(store: S) {
    created(&store, 1).await;
    let deadline = START.plus(MAX_AGE);
    let before = deadline.minus(Duration::from_millis(1));
    assert!(live(&store, handle(1), before).await.is_some());
    assert!(live(&store, handle(1), deadline).await.is_none());
    let absolute = Record::from(RecordParts { absolute_deadline: Some(before), ..parts(2) });
    assert_eq!(store.create(handle(2), absolute, START).await.unwrap_ok(), Created::Created);
    assert!(live(&store, handle(2), before.minus(Duration::from_millis(1))).await.is_some());
    assert!(live(&store, handle(2), before).await.is_none());
}

/// A load renews for the holder of the secret alone, when it is due, and not what has expired.
pub async fn renewal_is_due_and_by_the_holder<S: Store>(store: S) {
    created(&store, 1).await;
    let renewal = Renewal::new(HASH, Some(Duration::from_secs(10)));
    let stranger = Renewal::new(SecretHash::from_bytes([8; 32]), Some(Duration::ZERO));
    for (after, by, deadline) in [
        (9, &renewal, MAX_AGE),
        (50, &stranger, MAX_AGE),
        (10, &renewal, MAX_AGE + Duration::from_secs(10)),
    ] {
        let now = START.plus(Duration::from_secs(after));
        let Lookup::Live(found) = store.load(handle(1), Some(by), now).await.unwrap_ok() else {
            panic!("the session is live after {after} s");
        };
        assert_eq!(found.idle_deadline(), START.plus(deadline), "after {after} s");
        let kept = live(&store, handle(1), now).await.expect("live");
        assert_eq!(kept.idle_deadline(), START.plus(deadline), "kept after {after} s");
    }
    let late = START.plus(MAX_AGE + Duration::from_secs(10));
    let found = store.load(handle(1), Some(&renewal), late).await.unwrap_ok();
    assert!(matches!(found, Lookup::Absent(_)));
    assert!(live(&store, handle(1), late).await.is_none());
}

/// A sweep removes what has expired, at most as many as allowed, and nothing else.
pub async fn delete_expired_is_bounded<S: Store>(store: S) {
    for n in 0..10 {
        created(&store, n).await;
    }
    let deadline = START.plus(MAX_AGE);
    assert!(store.touch(handle(0), deadline.plus(MAX_AGE), START).await.unwrap_ok());
    assert!(store.delete_expired(4, deadline).await.unwrap_ok() <= 4);
    while store.delete_expired(4, deadline).await.unwrap_ok() == 4 {}
    assert_eq!(store.delete_expired(4, deadline).await.unwrap_ok(), 0);
    assert!(live(&store, handle(0), deadline).await.is_some());
}

/// The index of subjects follows every change, and lists are whole and sorted.
pub async fn directory_follows<S: Store>(store: S) {
    let Some(directory) = store.directory() else { return };
    for n in 0..5 {
        let made = of_subject(n, if n < 3 { "ada" } else { "bob" });
        assert_eq!(store.create(handle(n), made, START).await.unwrap_ok(), Created::Created);
    }
    let anonymous = created(&store, 5).await;
    let handles = async |subject| {
        let mut found: Vec<_> = directory
            .by_subject(subject, START)
            .await
            .unwrap_ok()
            .iter()
            .map(|found| found.0)
            .collect();
        found.sort();
        found
    };
    let sorted = |numbers: &[u64]| {
        let mut handles: Vec<_> = numbers.iter().copied().map(handle).collect();
        handles.sort();
        handles
    };
    assert_eq!(handles("ada").await, sorted(&[0, 1, 2]));
    assert_eq!(directory.count(START).await.unwrap_ok(), 6);
    let signed_in = of_subject(5, "ada");
    let updated = store.update(handle(5), signed_in, anonymous.revision(), START).await.unwrap_ok();
    assert_eq!(updated, Updated::Updated);
    assert!(store.delete(handle(1), Ended::Revoked, START).await.unwrap_ok());
    assert_eq!(handles("ada").await, sorted(&[0, 2, 5]));
    assert_eq!(handles("eve").await, sorted(&[]));

    let mut seen = Vec::new();
    while let page = directory.page(seen.last().copied(), 2, START).await.unwrap_ok()
        && !page.is_empty()
    {
        assert!(page.len() <= 2);
        seen.extend(page.iter().map(|found| found.0));
    }
    assert_eq!(seen, sorted(&[0, 2, 3, 4, 5]));

    let late = START.plus(MAX_AGE);
    assert_eq!(directory.count(late).await.unwrap_ok(), 0);
    assert!(directory.by_subject("ada", late).await.unwrap_ok().is_empty());
    assert!(directory.page(None, 10, late).await.unwrap_ok().is_empty());
}

/// A renewal brings back nothing: not what was deleted, not what has expired, not what was never there.
pub async fn renewal_revives_nothing<S: Store>(store: S) {
    let renewal = Renewal::new(HASH, Some(Duration::ZERO));
    created(&store, 1).await;
    created(&store, 2).await;
    assert!(store.delete(handle(1), Ended::Destroyed, START).await.unwrap_ok());
    let later = START.plus(Duration::from_secs(1));
    for (n, now) in [(1, later), (2, START.plus(MAX_AGE)), (3, later)] {
        let found = store.load(handle(n), Some(&renewal), now).await.unwrap_ok();
        assert!(matches!(found, Lookup::Absent(_)), "session {n}");
        assert!(live(&store, handle(n), now).await.is_none(), "session {n}");
    }
}

/// An absence is explained truly or not at all, and a new session does not inherit an explanation.
pub async fn absence_is_explained_truly<S: Store>(store: S) {
    let why = async |n, now| match store.load(handle(n), None, now).await.unwrap_ok() {
        Lookup::Live(_) => panic!("session {n} is live"),
        Lookup::Absent(why) => why,
    };
    let reasons = [Ended::Destroyed, Ended::Revoked, Ended::Reused];
    for (n, reason) in (1..).zip(reasons) {
        assert_eq!(why(n, START).await, None, "session {n} never was");
        created(&store, n).await;
        assert!(store.delete(handle(n), reason, START).await.unwrap_ok());
        let found = why(n, START).await;
        assert!(found.is_none_or(|found| found == reason), "{found:?} for {reason:?}");
    }
    // Created again under the same key, it ends by its deadline.
    created(&store, 1).await;
    let found = why(1, START.plus(MAX_AGE)).await;
    assert!(found.is_none_or(|found| found == Ended::Expired), "{found:?} for an expired session");
}
