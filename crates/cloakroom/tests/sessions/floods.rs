use std::sync::Arc;
use std::time::Duration;

use cloakroom::testkit::{Fault, Operation};
use cloakroom::{Absence, ErrorKind, ServerSideSessionConfig};

use crate::Bed;
use crate::log::Log;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_077_two_hundred_visitors_see_their_own_session_alone() {
    let bed = Arc::new(Bed::new());
    let tasks: Vec<_> = (0..200)
        .map(|visitor| {
            let bed = bed.clone();
            tokio::spawn(async move {
                let mut cookie = bed.create().await;
                for step in 1..=50_u32 {
                    let session = bed.load(&cookie).await;
                    if step > 1 {
                        assert_eq!(session.get::<u32>("visitor").unwrap(), Some(visitor));
                        assert_eq!(session.get::<u32>("step").unwrap(), Some(step - 1));
                    }
                    session.insert("visitor", &visitor).unwrap();
                    session.insert("step", &step).unwrap();
                    if step % 10 == 0 {
                        session.cycle_id().unwrap();
                    }
                    cookie = bed.commit(&session, &cookie).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(bed.live().await, 200);
}

#[tokio::test]
async fn s_125_reading_without_a_cookie_costs_the_store_nothing() {
    let bed = Bed::new();
    for _ in 0..10_000 {
        let session = bed.load("").await;
        assert_eq!(session.get::<u32>("k").unwrap(), None);
        let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
        outcome.unwrap();
        assert_eq!(headers.set_cookie, None);
    }
    assert_eq!(bed.store.all_calls(), 0);
}

#[tokio::test]
async fn s_126_unknown_ids_cost_one_read_each_and_nothing_else() {
    let bed = Bed::new();
    for n in 0..10_000_u32 {
        let session = bed.load(&format!("__Host-session={n:A>42}A")).await;
        assert!(!session.exists());
        bed.commit(&session, "").await;
    }
    assert_eq!(bed.store.calls(Operation::Load), 10_000);
    assert_eq!(bed.store.all_calls(), 10_000);
    assert_eq!(bed.live().await, 0);
}

#[tokio::test]
async fn s_127_signing_out_without_a_session_costs_nothing() {
    let bed = Bed::new();
    for _ in 0..10_000 {
        let session = bed.load("").await;
        session.sign_out().unwrap();
        let (headers, outcome) = bed.backend.store_in_message(&session, 200).await;
        outcome.unwrap();
        assert_eq!(headers.set_cookie, None);
    }
    assert_eq!(bed.store.all_calls(), 0);
}

#[tokio::test]
async fn s_129_a_flood_of_anonymous_creations_stops_and_nothing_else_does() {
    let config = ServerSideSessionConfig::default().with_max_creations_per_second(3);
    let bed = Bed::with(config);
    let mut cookie = String::new();
    for _ in 0..3 {
        cookie = bed.create().await;
    }
    let fourth = bed.load("").await;
    fourth.insert("n", &0).unwrap();
    let (headers, outcome) = bed.backend.store_in_message(&fourth, 200).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyCreations);
    assert_eq!(error.kind().http_status(), 429);
    assert_eq!(headers.set_cookie, None);
    bed.sign_in("ada").await;
    let session = bed.load(&cookie).await;
    session.insert("k", &1).unwrap();
    bed.commit(&session, &cookie).await;
    bed.clock.advance(Duration::from_secs(1));
    bed.create().await;
    assert_eq!(bed.live().await, 5);
}

#[tokio::test]
async fn s_131_appending_for_ever_stops_at_the_limit() {
    let bed = Bed::new();
    let mut cookie = bed.create().await;
    for step in 0.. {
        let session = bed.load(&cookie).await;
        let appended = session.update("log", |log: &mut Vec<String>| log.push("x".repeat(1000)));
        if let Err(error) = appended {
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            assert_eq!(step, 16, "sixteen lines of a thousand fit into 16 KiB");
            break;
        }
        cookie = bed.commit(&session, &cookie).await;
    }
    assert!(bed.load(&cookie).await.data().size() <= 16 * 1024);
}

/// What a request asks of the allocator does not depend on how much its header holds.
#[test]
fn s_133_a_header_of_fifty_thousand_pairs_is_read_in_place() {
    let bed = Bed::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let load =
        |header: &str| allocation_counter::measure(|| drop(runtime.block_on(bed.load(header))));
    load("a=b");
    let small = load("a=b");
    // Names that begin like ours make the reader look furthest.
    for pair in ["a=b;", ";", "__Host-session;", "__Host-sessio=n;", "__Host-session =x;"] {
        let large = load(&pair.repeat(50_000));
        assert_eq!((large.count_total, large.bytes_total), (small.count_total, small.bytes_total));
    }
}

/// Handles are their own hash, which is no danger: a visitor chooses what is looked for, never what is kept.
#[test]
fn s_133_ids_with_one_hash_leave_nothing_in_a_map() {
    let bed = Bed::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ask = || {
        for n in 0..1000_u32 {
            // The first bytes differ; those that choose the place in a table are all the same.
            let cookie = format!("__Host-session={n:A>8}{}", "A".repeat(35));
            assert!(!runtime.block_on(bed.load(&cookie)).exists());
        }
    };
    ask();
    assert_eq!(allocation_counter::measure(ask).bytes_current, 0);
}

/// A hundred thousand broken cookies in ten seconds: the log has a hundred lines, and the count is exact.
#[tokio::test]
async fn s_134_a_flood_of_broken_cookies_fills_no_log_and_is_counted_exactly() {
    const SECONDS: u64 = 10;
    const COOKIES: u64 = 100_000;
    let (log, _listening) = Log::listen();
    let bed = Bed::new();
    for n in 0..COOKIES {
        if n > 0 && n % (COOKIES / SECONDS) == 0 {
            bed.clock.advance(Duration::from_secs(1));
        }
        bed.load("__Host-session=broken").await;
    }
    let sessions = bed.backend.sessions();
    assert_eq!(sessions.absences(Absence::Malformed), COOKIES);
    assert_eq!(bed.store.all_calls(), 0);
    let text = log.text();
    assert_eq!(text.matches("malformed").count() as u64, SECONDS * 10);
    assert!(text.contains(&format!("total={}", COOKIES - COOKIES / SECONDS + 1)), "{text}");

    // One reason does not silence another, and each is counted for itself.
    bed.load("").await;
    bed.load(&format!("__Host-session={}", "A".repeat(43))).await;
    for why in [Absence::NoCookie, Absence::Unknown] {
        assert_eq!(sessions.absences(why), 1);
        assert!(log.text().contains(why.name()));
    }
}

/// A record that no longer can be read, asked for again and again.
#[tokio::test]
async fn s_134_a_broken_record_fills_no_log() {
    let (log, _listening) = Log::listen();
    let bed = Bed::new();
    let cookie = bed.create().await;
    for _ in 0..100 {
        bed.store.inject(Operation::Load, 1, Fault::Corrupt);
        assert_eq!(bed.load(&cookie).await.absence(), Some(Absence::Unknown));
    }
    assert_eq!(log.text().matches("record cannot be read").count(), 10);
    assert_eq!(bed.backend.sessions().absences(Absence::Unknown), 100);
    assert!(bed.is_alive(&cookie).await);
}

/// A full store refuses visitors as fast as they come, and says so at the 1st, 2nd, 4th … time.
#[tokio::test]
async fn s_134_a_full_store_fills_no_log() {
    let (log, _listening) = Log::listen();
    let bed = Bed::new();
    let _ = bed.store.inner().clone().with_max_sessions(1);
    bed.sign_in("ada").await;
    for _ in 0..100 {
        let session = bed.load("").await;
        session.insert("k", &1).unwrap();
        let (_, outcome) = bed.backend.store_in_message(&session, 200).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::StoreFull);
    }
    let said = log.text().matches("a write is refused").count();
    assert!((1..=8).contains(&said), "{said} of 200: each write is tried twice");
}

#[tokio::test]
async fn s_143_debug_shows_no_secret_and_no_value() {
    let bed = Bed::new();
    let session = bed.load("").await;
    session.insert("key-canary", &"value-canary").unwrap();
    session.sign_in("subject-canary").unwrap();
    let cookie = bed.commit(&session, "").await;
    let session = bed.load(&cookie).await;
    let record = format!("{:?}", session.data());
    let shown = format!(
        "{session:?} {record} {:?} {:?} {:?}",
        bed.backend,
        bed.store,
        bed.backend.sessions()
    );
    let secret = cookie.split_once('=').unwrap().1;
    for hidden in ["canary", &secret[22..], &secret[30..38]] {
        assert!(!shown.contains(hidden), "{hidden}: {shown}");
    }
}
