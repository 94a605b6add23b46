//! Namespaces, and two stores in one place.

use cloakroom::RecordParts;
use cloakroom::store::{Created, Directory, Ended, Lookup, Store};

use crate::Embedded;
use crate::common::{MAX_AGE, NOW, create, fresh, fresh_path, handle, live, parts, record};

#[tokio::test]
async fn s_084_namespaces_never_see_each_other() {
    let root = fresh().await;
    let hostile =
        ["", "a", "A", "a ", "a/b", "a%2Fb", "'; DROP TABLE sessions;--", "\"", "`", "\0"];
    let mut stores: Vec<_> = hostile.iter().map(|name| root.with_namespace(name)).collect();
    stores.push(root.with_namespace("a").with_namespace("b"));
    stores.push(root.with_namespace("ab").with_namespace("c"));
    stores.push(root.with_namespace("a").with_namespace("bc"));
    stores.push(root);
    for (n, store) in (0..).zip(&stores) {
        let made = RecordParts { subject: Some("ada".into()), ..parts(n) };
        let outcome = store.create(handle(1), made.into(), NOW).await.unwrap();
        assert_eq!(outcome, Created::Created, "{store:?}");
    }
    for (n, store) in (0..).zip(&stores) {
        assert_eq!(live(store, 1).await.unwrap().data().get("n").unwrap(), Some(n));
        assert_eq!(store.count(NOW).await.unwrap(), 1);
        assert_eq!(store.by_subject("ada", NOW).await.unwrap().len(), 1);
        assert_eq!(store.page(None, 9, NOW).await.unwrap().len(), 1);
    }
    assert_eq!(stores[1].delete_expired(99, NOW.plus(MAX_AGE)).await.unwrap(), 1);
    assert!(stores[2].delete(handle(1), Ended::Revoked, NOW).await.unwrap());
    assert!(live(&stores[3], 1).await.is_some());
    let other = stores[3].load(handle(2), None, NOW).await.unwrap();
    assert!(matches!(other, Lookup::Absent(None)));
}

#[tokio::test]
async fn a_namespace_is_the_same_in_every_process() {
    let path = fresh_path();
    let one = Embedded::open(&path).await.unwrap().with_namespace("shop");
    create(&one, 1).await;
    let two = Embedded::open(&path).await.unwrap().with_namespace("shop");
    assert!(live(&two, 1).await.is_some());
}

#[tokio::test]
async fn s_082_s_064_what_one_store_acknowledged_the_other_sees() {
    let path = fresh_path();
    let (one, two) = (Embedded::open(&path).await.unwrap(), Embedded::open(&path).await.unwrap());
    for n in 0..50 {
        let made = RecordParts { subject: Some("ada".into()), ..parts(n) }.into();
        assert_eq!(one.create(handle(n), made, NOW).await.unwrap(), Created::Created);
        assert!(live(&two, n).await.is_some());
        assert_eq!(two.create(handle(n), record(n), NOW).await.unwrap(), Created::Occupied);
    }
    let found = two.by_subject("ada", NOW).await.unwrap();
    assert_eq!(found.len(), 50);
    for (key, _) in found {
        assert!(two.delete(key, Ended::Revoked, NOW).await.unwrap());
        let Lookup::Absent(why) = one.load(key, None, NOW).await.unwrap() else {
            panic!("revoked on one, dead on the other");
        };
        assert_eq!(why, Some(Ended::Revoked));
    }
}
