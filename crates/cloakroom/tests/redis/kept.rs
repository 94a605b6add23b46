//! What the store keeps in Redis, and what it does with what others put there.

use std::time::Duration;

use cloakroom::store::{Ended, Lookup, Updated};
use cloakroom::{ErrorKind, Record, RecordParts, RedisStore, RedisStoreBuilder, Store as _};
use redis::AsyncCommands as _;

use crate::common::{
    HASH, MAX_AGE, START, after, always, connection, create, handle, keys, live, of_subject, parts,
    record, server,
};

#[tokio::test]
async fn s_057_every_key_has_a_time_to_live() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let mut raw = connection(&server.url()).await;
    create(&store, 1, &record(1)).await;
    create(&store, 2, &of_subject(2, "ada")).await;
    create(&store, 3, &record(3)).await;
    store.delete(handle(3), Ended::Revoked, START).await.unwrap();
    let short = RecordParts { idle_deadline: START.plus(Duration::from_millis(1)), ..parts(4) };
    create(&store, 4, &short.into()).await;
    let past = RecordParts { idle_deadline: START.minus(MAX_AGE), ..parts(5) };
    create(&store, 5, &past.into()).await;
    let eternal = RecordParts { idle_deadline: cloakroom::UnixMillis::MAX, ..parts(6) };
    create(&store, 6, &eternal.into()).await;
    for deadline in [START, START.minus(MAX_AGE), after(10), cloakroom::UnixMillis::MAX] {
        create(&store, 7, &of_subject(7, "bob")).await;
        assert!(store.touch(handle(7), deadline, START).await.unwrap());
        let _ = store.load(handle(1), Some(&always()), after(50)).await.unwrap();
        let _ = store.delete(handle(7), Ended::Destroyed, START).await.unwrap();
        for key in keys(&mut raw).await {
            let ttl: i64 = raw.pttl(&key).await.unwrap();
            assert!(ttl > 0, "{key}: {ttl}");
        }
    }
    assert_eq!(keys(&mut raw).await.len(), 9);
}

#[tokio::test]
async fn a_time_to_live_ends_after_the_session() {
    let Some(server) = server() else { return };
    let builder = RedisStoreBuilder::from_url(&server.url()).unwrap();
    let store = builder.with_slack(Duration::from_secs(90)).build().unwrap();
    let mut raw = connection(&server.url()).await;
    create(&store, 1, &record(1)).await;
    let key = keys(&mut raw).await.remove(0);
    let check = async |mut raw: redis::aio::MultiplexedConnection, life: i64| {
        let ttl: i64 = raw.pttl(&key).await.unwrap();
        assert!((life - 30_000..=life).contains(&ttl), "{ttl} for {life}");
    };
    check(raw.clone(), 190_000).await;
    assert!(store.touch(handle(1), after(300), START).await.unwrap());
    check(raw.clone(), 390_000).await;
    assert!(store.touch(handle(1), after(5), START).await.unwrap());
    check(raw.clone(), 95_000).await;
    let Lookup::Live(found) = store.load(handle(1), Some(&always()), after(1)).await.unwrap()
    else {
        panic!("it lives")
    };
    assert_eq!(found.idle_deadline(), after(101));
    check(raw.clone(), 190_000).await;
    let next = RecordParts { idle_deadline: after(11), ..parts(1) };
    let updated = store.update(handle(1), next.into(), found.revision(), after(1)).await.unwrap();
    assert_eq!(updated, Updated::Updated);
    check(raw.clone(), 100_000).await;
}

#[tokio::test]
async fn s_097_no_key_says_who_is_signed_in() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap().with_namespace("shop");
    create(&store, 1, &of_subject(1, "ada@example.org")).await;
    let keys = keys(&mut connection(&server.url()).await).await;
    assert_eq!(keys.len(), 2);
    for (key, kind) in keys.iter().zip(["s", "u"]) {
        let digits = key.strip_prefix(&format!("cloakroom/shop:{kind}:{{")).unwrap();
        let digits = digits.strip_suffix("}").unwrap();
        assert_eq!(digits.len(), 32, "{key}");
        assert!(digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    }
}

#[tokio::test]
async fn s_084_namespaces_see_nothing_of_each_other() {
    let Some(server) = server() else { return };
    let root = RedisStore::connect(&server.url()).await.unwrap();
    let stores = [
        root.clone(),
        root.with_namespace("ab").with_namespace("c"),
        root.with_namespace("a").with_namespace("bc"),
        root.with_namespace("abc"),
        root.with_namespace("ab/c"),
        root.with_namespace("{1}"),
    ];
    for (n, store) in (0..).zip(&stores) {
        create(store, 1, &of_subject(n, "ada")).await;
    }
    for (n, store) in (0..).zip(&stores) {
        let found = live(store, 1, START).await.unwrap();
        assert_eq!(found.data().get::<u64>("n").unwrap(), Some(n));
        let directory = store.directory().unwrap();
        assert_eq!(directory.count(START).await.unwrap(), 1);
        assert_eq!(directory.page(None, 9, START).await.unwrap().len(), 1);
        assert_eq!(directory.by_subject("ada", START).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_end_is_remembered_for_as_long_as_was_set() {
    let Some(server) = server() else { return };
    let builder = || RedisStoreBuilder::from_url(&server.url()).unwrap();
    let store = builder().with_remembered_ends(Duration::from_secs(60)).build().unwrap();
    let why = async |store: &RedisStore, n, now| match store.load(handle(n), None, now).await {
        Ok(Lookup::Absent(why)) => why,
        other => panic!("{other:?}"),
    };
    for (n, reason) in (1..).zip([Ended::Destroyed, Ended::Revoked, Ended::Reused]) {
        create(&store, n, &record(n)).await;
        assert!(store.delete(handle(n), reason, START).await.unwrap());
        // Whoever comes later does not change the reason.
        assert!(!store.delete(handle(n), Ended::Expired, START).await.unwrap());
        assert_eq!(why(&store, n, after(59)).await, Some(reason));
        assert_eq!(why(&store, n, after(60)).await, None);
    }
    create(&store, 4, &record(4)).await;
    assert_eq!(why(&store, 4, after(100)).await, Some(Ended::Expired));

    let forgetful = builder().with_remembered_ends(Duration::ZERO).build().unwrap();
    create(&forgetful, 5, &record(5)).await;
    assert!(forgetful.delete(handle(5), Ended::Destroyed, START).await.unwrap());
    assert_eq!(why(&forgetful, 5, START).await, None);
    let key = |n| keys_of(n);
    assert!(!keys(&mut connection(&server.url()).await).await.contains(&key(5)));
}

fn keys_of(n: u64) -> String {
    format!("cloakroom:s:{{{}}}", handle(n))
}

#[tokio::test]
async fn s_087_what_is_no_session_is_an_error_of_its_kind_and_never_a_panic() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let mut raw = connection(&server.url()).await;
    let full = RecordParts { absolute_deadline: Some(after(500)), ..parts(1) };
    for made in [Record::from(full), of_subject(1, "ada"), record(1)] {
        create(&store, 1, &made).await;
        let value: Vec<u8> = raw.get(keys_of(1)).await.unwrap();
        let cut = (0..value.len()).map(|len| value[..len].to_vec());
        let flipped = (0..value.len() * 8).step_by(3).map(|bit| {
            let mut value = value.clone();
            value[bit / 8] ^= 1 << (bit % 8);
            value
        });
        for value in cut.chain(flipped) {
            let () = raw.set_ex(keys_of(1), &value, 1000).await.unwrap();
            for renewal in [None, Some(&always())] {
                match store.load(handle(1), renewal, START).await {
                    // The deadline in front is the one field without a check, as the server moves it.
                    Ok(Lookup::Live(found)) => {
                        let same = found.with_idle_deadline(made.idle_deadline());
                        assert_eq!(same.to_bytes(), made.to_bytes());
                    }
                    Ok(Lookup::Absent(_)) => {}
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}"),
                }
            }
            for error in [
                store.touch(handle(1), after(200), START).await.err(),
                store.update(handle(1), record(2), made.revision(), START).await.err(),
                store.create(handle(1), record(3), START).await.err(),
                store.delete(handle(1), Ended::Destroyed, START).await.err(),
            ]
            .into_iter()
            .flatten()
            {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            }
        }
        let () = raw.del(keys_of(1)).await.unwrap();
    }
}

#[tokio::test]
async fn s_085_a_value_of_another_type_is_an_error_of_its_kind() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let mut raw = connection(&server.url()).await;
    let () = raw.hset(keys_of(1), "a", "b").await.unwrap();
    let errors = [
        store.load(handle(1), None, START).await.err(),
        store.load(handle(1), Some(&always()), START).await.err(),
        store.create(handle(1), record(1), START).await.err(),
        store.update(handle(1), record(1), record(2).revision(), START).await.err(),
        store.touch(handle(1), after(1), START).await.err(),
        store.delete(handle(1), Ended::Destroyed, START).await.err(),
    ];
    for error in errors {
        let error = error.expect("it is no session");
        assert_eq!((error.kind(), error.store()), (ErrorKind::Corrupt, Some("redis")), "{error}");
    }
}

#[tokio::test]
async fn an_unreadable_session_can_be_ended_and_no_list_fails_of_it() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let mut raw = connection(&server.url()).await;
    create(&store, 2, &of_subject(2, "ada")).await;
    create(&store, 1, &of_subject(1, "ada")).await;
    let () = raw.set_ex(keys_of(1), "s, but nothing else", 1000).await.unwrap();
    let directory = store.directory().unwrap();
    assert_eq!(directory.by_subject("ada", START).await.unwrap().len(), 1);
    assert_eq!(directory.page(None, 9, START).await.unwrap().len(), 1);
    assert_eq!(directory.count(START).await.unwrap(), 1);
    assert!(store.delete(handle(1), Ended::Revoked, START).await.unwrap());
    assert!(!store.delete(handle(1), Ended::Revoked, START).await.unwrap());
}

/// Revisions have 64 bits, of which a number in a script keeps 53.
#[tokio::test]
async fn revisions_that_differ_in_one_bit_are_different() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let of = |revision| RecordParts {
        revision: cloakroom::Revision::from_u64(revision),
        secret_hash: HASH,
        ..parts(1)
    };
    let made = Record::from(of(u64::MAX - 1));
    create(&store, 1, &made).await;
    for wrong in [u64::MAX, u64::MAX - 2, (u64::MAX - 1) ^ (1 << 63), 0] {
        let wrong = cloakroom::Revision::from_u64(wrong);
        let next = of(7).into();
        let updated = store.update(handle(1), next, wrong, START).await.unwrap();
        assert_eq!(updated, Updated::Conflict);
    }
    let updated = store.update(handle(1), of(8).into(), made.revision(), START).await.unwrap();
    assert_eq!(updated, Updated::Updated);
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_gets_them_again() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    for n in 0..3 {
        server.cli(&["SCRIPT", "FLUSH"]).unwrap();
        create(&store, n, &record(n)).await;
    }
}

#[tokio::test]
async fn a_server_that_is_full_says_so_and_keeps_what_it_has() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let made = record(1);
    create(&store, 1, &made).await;
    server.cli(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    let error = store.create(handle(2), record(2), START).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreFull, "{error}");
    let error = store.update(handle(1), record(2), made.revision(), START).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreFull, "{error}");
    assert!(live(&store, 1, START).await.is_some());
    // Whoever is there is served, if not renewed, and can go.
    let found = store.load(handle(1), Some(&always()), after(50)).await.unwrap();
    let Lookup::Live(found) = found else { panic!("it lives") };
    assert_eq!(found.idle_deadline(), after(100));
    let error = store.touch(handle(1), after(200), START).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreFull, "{error}");
    assert!(store.delete(handle(1), Ended::Destroyed, START).await.unwrap());
    assert!(live(&store, 1, START).await.is_none());
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    create(&store, 2, &record(2)).await;
}

#[tokio::test]
async fn wrong_credentials_are_told_without_being_repeated() {
    let Some(server) = server() else { return };
    server.cli(&["CONFIG", "SET", "requirepass", "sesame"]).unwrap();
    let url = |user: &str| format!("redis://{user}127.0.0.1:{}", server.port());
    for user in ["", ":hunter2@", "ada:hunter2@"] {
        let error = RedisStore::connect(&url(user)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("credentials") && !shown.contains("hunter"), "{shown}");
    }
    RedisStore::connect(&url(":sesame@")).await.unwrap();
}

/// The rights that `docs/stores.md` names are enough.
#[tokio::test]
async fn s_107_a_user_with_few_rights_is_enough() {
    let Some(server) = server() else { return };
    let rights = "on >sesame ~cloakroom* -@all +get +set +del +setrange +pexpire +pttl +eval +evalsha \
                  +zadd +zrange +zrem +zremrangebyscore +scan +getrange";
    let arguments: Vec<_> =
        ["ACL", "SETUSER", "app"].into_iter().chain(rights.split(' ')).collect();
    server.cli(&arguments).unwrap();
    let url = format!("redis://app:sesame@127.0.0.1:{}", server.port());
    let store = RedisStore::connect(&url).await.unwrap();
    let made = of_subject(1, "ada");
    create(&store, 1, &made).await;
    create(&store, 2, &of_subject(2, "ada")).await;
    let _ = store.load(handle(1), Some(&always()), after(90)).await.unwrap();
    assert!(store.touch(handle(1), after(3000), START).await.unwrap());
    let updated = store.update(handle(1), of_subject(3, "bob"), made.revision(), START).await;
    assert_eq!(updated.unwrap(), Updated::Updated);
    assert!(store.delete(handle(2), Ended::Destroyed, START).await.unwrap());
    let directory = store.directory().unwrap();
    assert_eq!(directory.by_subject("ada", START).await.unwrap().len(), 0);
    assert_eq!(directory.by_subject("bob", START).await.unwrap().len(), 1);
    assert_eq!(directory.page(None, 9, START).await.unwrap().len(), 1);
    assert_eq!(directory.count(START).await.unwrap(), 1);

    server.cli(&["ACL", "SETUSER", "app", "-get"]).unwrap();
    let error = store.load(handle(1), None, START).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("the user may not"), "{error}");
}

#[tokio::test]
async fn the_application_can_bring_its_own_client() {
    let Some(server) = server() else { return };
    let client = redis::Client::open(server.url()).unwrap();
    let store = RedisStoreBuilder::from_client(&client).connect().await.unwrap();
    create(&store, 1, &record(1)).await;
    assert!(live(&store, 1, START).await.is_some());
    assert!(!format!("{store:?}").contains("127.0.0.1"));
}
