//! What a call costs the server, counted by the server.

use std::collections::BTreeMap;
use std::time::Duration;

use cloakroom::store::{Created, Ended, Renewal, Updated};
use cloakroom::{RedisStore, Store as _};
use cloakroom_servers::RedisServer;

use crate::common::{HASH, START, after, always, create, handle, of_subject, record, server};

/// What the server has done since the last reset: commands by name, those inside of scripts too.
pub(crate) fn commands(server: &RedisServer) -> BTreeMap<String, u64> {
    let stats = server.cli(&["INFO", "commandstats"]).expect("it runs");
    server.cli(&["CONFIG", "RESETSTAT"]).expect("it runs");
    let calls = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split_once(',')?.0.parse().ok()?))
    };
    let ours = |name: &str| !["info", "config|resetstat"].contains(&name);
    stats.lines().filter_map(calls).filter(|(name, _)| ours(name)).collect()
}

#[track_caller]
fn check(server: &RedisServer, expected: &[(&str, u64)]) {
    let expected = expected.iter().map(|&(name, count)| (name.to_owned(), count)).collect();
    assert_eq!(commands(server), expected);
}

/// A call is one command of ours: `GET`, or one script that does the rest within.
#[tokio::test]
async fn s_097_each_call_is_one_command() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let made = record(1);
    // Once each, so that the server knows the scripts.
    create(&store, 0, &of_subject(0, "ada")).await;
    store.touch(handle(0), after(50), START).await.unwrap();
    let _ = store.load(handle(0), Some(&always()), START).await.unwrap();
    let first = record(0);
    let _ = store.update(handle(0), first, made.revision(), START).await.unwrap();
    store.delete(handle(0), Ended::Destroyed, START).await.unwrap();
    commands(&server);

    create(&store, 1, &made).await;
    check(&server, &[("evalsha", 1), ("get", 1), ("set", 1)]);
    let _ = store.load(handle(1), None, START).await.unwrap();
    check(&server, &[("get", 1)]);
    let tenth = Renewal::new(HASH, None);
    let _ = store.load(handle(1), Some(&tenth), after(9)).await.unwrap();
    check(&server, &[("evalsha", 1), ("get", 1)]);
    let _ = store.load(handle(1), Some(&tenth), after(10)).await.unwrap();
    check(&server, &[("evalsha", 1), ("get", 1), ("setrange", 1), ("pexpire", 1)]);
    let updated = store.update(handle(1), record(1), made.revision(), START).await.unwrap();
    assert_eq!(updated, Updated::Updated);
    check(&server, &[("evalsha", 1), ("get", 1), ("set", 1)]);
    assert!(store.touch(handle(1), after(50), START).await.unwrap());
    check(&server, &[("evalsha", 1), ("get", 1), ("setrange", 1), ("pexpire", 1)]);
    assert!(store.delete(handle(1), Ended::Destroyed, START).await.unwrap());
    check(&server, &[("evalsha", 1), ("get", 1), ("set", 1)]);
    assert_eq!(store.delete_expired(100, after(1000)).await.unwrap(), 0);
    check(&server, &[]);
}

#[tokio::test]
async fn signing_in_is_one_command_and_a_renewal_seldom_more() {
    let Some(server) = server() else { return };
    let store = RedisStore::connect(&server.url()).await.unwrap();
    create(&store, 1, &of_subject(1, "ada")).await;
    let _ = store.load(handle(1), Some(&always()), START).await.unwrap();
    commands(&server);

    let made = of_subject(2, "ada");
    assert_eq!(store.create(handle(2), made.clone(), START).await.unwrap(), Created::Created);
    assert_eq!(commands(&server)["evalsha"], 1);
    let next = of_subject(2, "ada");
    let _ = store.update(handle(2), next, made.revision(), START).await.unwrap();
    // Nothing for the index to learn; that it still knows the session is seen to.
    check(&server, &[("eval", 1), ("evalsha", 1), ("get", 1), ("set", 1), ("zadd", 1)]);
    let tenth = Renewal::new(HASH, Some(Duration::from_secs(10)));
    for seconds in (10..=1000).step_by(10) {
        let _ = store.load(handle(2), Some(&tenth), after(seconds)).await.unwrap();
    }
    let asked = commands(&server)["evalsha"];
    assert!((100..=110).contains(&asked), "{asked} commands for 100 renewals");
}
