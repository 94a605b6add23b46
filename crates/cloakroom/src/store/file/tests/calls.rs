//! Calls that wait in vain, panic, or need not be made.

use super::*;

/// A process that stops with a folder's lock costs those who wait their time and nothing else.
#[tokio::test]
async fn a_call_that_waits_for_a_lock_in_vain_has_changed_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = fresh(&folder, "a");
    let other = open_with(&path, None);
    Change::Update.prepare(&other).await;
    let held = other.namespace.lock(names::leaf(KEY)).unwrap().unwrap();
    let root = root::open(&path, Disk::default()).unwrap();
    let gates = Gates::new(Duration::from_millis(20));
    let store = FileStore::new(root, gates, Duration::ZERO);
    for _ in 0..3 {
        let error = Change::Update.run(&store).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("nothing was changed"), "{error}");
    }
    // Reads wait for no lock.
    assert_eq!(found(&path).await.unwrap().revision(), Revision::from_u64(1));
    drop(held);
    // Behind them in the row.
    let _ = store.shared.gates.write(names::leaf(KEY), IfDropped::Finish, |_| Ok(())).await;
    assert_eq!(found(&path).await.unwrap().revision(), Revision::from_u64(1));
}

#[tokio::test]
async fn a_panic_costs_a_call_its_answer_and_the_store_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_with(&fresh(&folder, "a"), None);
    let write = store
        .shared
        .gates
        .write(1, IfDropped::Skip, |_| -> Result<(), Failure> { panic!("in a test") });
    assert_eq!(write.await.unwrap_err().kind(), ErrorKind::Unavailable);
    let read = store.read(|| -> Result<(), Failure> { panic!("in a test") });
    assert_eq!(read.await.unwrap_err().kind(), ErrorKind::Unavailable);
    Change::Update.prepare(&store).await;
    Change::Update.run(&store).await.unwrap();
}

#[tokio::test]
async fn s_091_no_cookie_that_is_no_id_makes_a_system_call() {
    let folder = tempfile::tempdir().unwrap();
    let steps = Arc::new(AtomicUsize::new(0));
    let count = steps.clone();
    let store = open_with(
        &fresh(&folder, "a"),
        Some(Box::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            None
        })),
    );
    let config = crate::ServerSideSessionConfig::default();
    let backend = crate::ServerSideSessionBackend::new(store, config).unwrap();
    let session = backend.load_from_connection([]).await.unwrap();
    session.insert("k", &1).unwrap();
    let (headers, outcome) = backend.store_in_message(&session, 200).await;
    outcome.unwrap();
    let cookie = headers.set_cookie.unwrap();
    let (name, rest) = cookie.split_once('=').unwrap();
    let right = rest.split(';').next().unwrap();
    steps.store(0, Ordering::SeqCst);
    for id in ["../../etc/passwd", "..", ".", "/", "%2e%2e%2f", "\0", "a/b", "", "~", "C:\\x"] {
        for id in [id.to_owned(), format!("{id}{}", &right[id.len().min(right.len())..])] {
            if id != right {
                let header = format!("{name}={id}");
                drop(backend.load_from_connection([header.as_bytes()]).await);
            }
        }
    }
    assert_eq!(steps.load(Ordering::SeqCst), 0);
    let header = format!("{name}={right}");
    assert!(backend.load_from_connection([header.as_bytes()]).await.unwrap().exists());
    assert!(steps.load(Ordering::SeqCst) > 0);
}
