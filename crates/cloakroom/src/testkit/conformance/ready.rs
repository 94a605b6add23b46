//! A store that says it never waits.

use super::records::{HASH, MAX_AGE, START, UnwrapOk, created, handle, live, record};
use crate::record::Revision;
use crate::store::{AnyStore, Ended, Renewal, Store, Updated};

/// If the store says that it [never waits](Store::never_waits), each of its calls is ready at the first poll.
pub async fn it_waits_only_if_it_says_so<S: Store>(store: S) {
    if !store.never_waits() {
        return;
    }
    // With its type hidden, a call that waits nonetheless is an error.
    let store = AnyStore::new(store);
    let made = created(&store, 1).await;
    assert!(live(&store, handle(1), START).await.is_some());
    let renewal = Renewal::new(HASH, None);
    let later = START.plus(MAX_AGE / 2);
    let _ = store.load(handle(1), Some(&renewal), later).await.unwrap_ok();
    let next = record(1);
    let updated = store.update(handle(1), next, made.revision(), later).await.unwrap_ok();
    assert_eq!(updated, Updated::Updated);
    let lost = store.update(handle(1), record(2), Revision::from_u64(u64::MAX), later).await;
    assert_eq!(lost.unwrap_ok(), Updated::Conflict);
    assert!(store.touch(handle(1), later.plus(MAX_AGE), later).await.unwrap_ok());
    assert!(store.delete(handle(1), Ended::Destroyed, later).await.unwrap_ok());
    created(&store, 2).await;
    assert_eq!(store.delete_expired(10, START.plus(MAX_AGE)).await.unwrap_ok(), 1);
}
