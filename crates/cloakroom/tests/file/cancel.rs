//! Futures that are dropped before they are done.

use std::pin::pin;

use cloakroom::store::{Ended, Store, Updated};

use crate::common::{NOW, begin, create, fresh, handle, live, record};

#[tokio::test]
async fn s_053_a_delete_is_done_though_it_is_dropped_and_a_write_is_whole() {
    let store = fresh().await;
    let mut known = create(&store, 1).await;
    for n in 2..50 {
        create(&store, n).await;
        let next = record(n);
        {
            let delete = pin!(store.delete(handle(n), Ended::Destroyed, NOW));
            let update = pin!(store.update(handle(1), next.clone(), known.revision(), NOW));
            assert!(begin(delete).is_none() && begin(update).is_none());
        }
        // Behind them in the row of the same folder.
        assert!(!store.touch(handle(1_000), NOW, NOW).await.unwrap());
        assert!(live(&store, n).await.is_none());
        let found = live(&store, 1).await.unwrap();
        if found.revision() != known.revision() {
            assert_eq!(found.to_bytes(), next.to_bytes());
            known = next;
        }
    }
    let last = store.update(handle(1), record(0), known.revision(), NOW).await.unwrap();
    assert_eq!(last, Updated::Updated);
}
