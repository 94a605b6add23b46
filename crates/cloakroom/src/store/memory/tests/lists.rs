//! Which sessions are found: of a subject, in pages, in a namespace.

use super::*;

#[test]
fn the_subject_index_follows_sign_in_change_delete_and_expiry() {
    let store = MemoryStore::new();
    for number in [1, 2, 257] {
        create(&store, number, record(1, 1_000 + number));
        let update = store.update(
            key(number),
            signed_in("ada", 2, 1_000 + number),
            Revision::from_u64(1),
            at(0),
        );
        assert_eq!(now(update).unwrap(), Updated::Updated);
    }
    create(&store, 3, signed_in("bob", 1, 1_000));
    assert_eq!(of(&store, "ada", 0), [1, 2, 257].map(key).into());
    assert_eq!(of(&store, "bob", 0), [key(3)].into());
    let rename = store.update(key(3), signed_in("ada", 2, 1_003), Revision::from_u64(1), at(0));
    assert_eq!(now(rename).unwrap(), Updated::Updated);
    assert!(of(&store, "bob", 0).is_empty());
    let sign_out = store.update(key(2), record(3, 1_002), Revision::from_u64(2), at(0));
    assert_eq!(now(sign_out).unwrap(), Updated::Updated);
    assert_eq!(of(&store, "ada", 0), [1, 3, 257].map(key).into());
    assert!(now(store.delete(key(257), Ended::Revoked, at(0))).unwrap());
    assert_eq!(of(&store, "ada", 1_000), [1, 3].map(key).into());
    assert_eq!(of(&store, "ada", 1_001), [key(3)].into());
    assert_eq!(now(store.delete_expired(10, at(2_000))).unwrap(), 3);
    assert!(of(&store, "ada", 0).is_empty());
}

#[test]
fn pages_are_sorted_complete_and_without_the_expired() {
    let store = MemoryStore::new();
    let live: BTreeSet<_> = (0..2_000).filter(|n| n % 3 != 0).map(key).collect();
    for number in 0..2_000 {
        create(&store, number, record(1, if number % 3 == 0 { 10 } else { 100 }));
    }
    let mut seen = Vec::new();
    loop {
        let page = now(store.page(seen.last().copied(), 17, at(50))).unwrap();
        assert!(page.len() <= 17);
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|(key, _)| key));
    }
    assert!(seen.is_sorted());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), live);
}

#[test]
fn s_084_namespaces_are_apart_and_the_same_name_is_the_same_store() {
    let store = MemoryStore::new();
    let names = [store.with_namespace("a"), store.with_namespace("b"), store.with_namespace("")];
    let nested = [names[0].with_namespace("b"), names[1].with_namespace("a")];
    let glued =
        [store.with_namespace("ab"), store.with_namespace("a_b"), store.with_namespace("a:b")];
    let all: Vec<_> = [store.clone()].into_iter().chain(names).chain(nested).chain(glued).collect();
    for (number, one) in (1..).zip(&all) {
        create(one, 1, record(number, 100));
    }
    for (number, one) in (1..).zip(&all) {
        assert_eq!(load(one, 1, 0).unwrap().revision(), Revision::from_u64(number));
    }
    let again = store.clone().with_namespace("a").with_namespace("b");
    assert!(now(again.delete(key(1), Ended::Destroyed, at(0))).unwrap());
    check_absent(&all[4], 1, 0, Some(Ended::Destroyed));
    assert!(load(&store, 1, 0).is_some());
}

#[test]
fn clones_are_the_same_store_and_debug_prints_counts_only() {
    let store = MemoryStore::new();
    create(&store.clone(), 1, signed_in("ada", 1, 100));
    assert!(load(&store, 1, 0).is_some());
    let text = format!("{store:?}");
    assert!(text.starts_with("MemoryStore { sessions: 1, bytes: "), "{text}");
    assert!(!text.contains("ada") && !text.contains(&key(1).to_string()));
}
