//! A disk without space.

#[path = "small_disk.rs"]
mod small_disk;

use cloakroom::store::{Created, Store};
use cloakroom::{DataBuilder, Encoding, ErrorKind, Record, RecordParts};

use self::small_disk::SmallDisk;
use crate::common::{NOW, handle, live, parts};
use crate::{Embedded, check_sound, sign_out_without_space};

pub(crate) fn large(n: u64) -> Record {
    let mut data = DataBuilder::new(Encoding::Json);
    data.insert("k", &"x".repeat(4_000)).unwrap();
    data.insert("n", &n).unwrap();
    RecordParts { data: data.build(), ..parts(n) }.into()
}

/// Creates sessions until there is no space; how many were acknowledged.
pub(crate) async fn fill(store: &Embedded, from: u64) -> u64 {
    for n in from.. {
        match store.create(handle(n), large(n), NOW).await {
            Ok(outcome) => assert_eq!(outcome, Created::Created),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                assert!(error.to_string().contains("full"), "{error}");
                return n;
            }
        }
    }
    unreachable!("the disk is small");
}

pub(crate) async fn check_all_there(store: &Embedded, count: u64) {
    for n in 0..count {
        let found = live(store, n).await.unwrap_or_else(|| panic!("session {n} of {count}"));
        assert_eq!(found.data().get::<u64>("n").unwrap(), Some(n));
    }
    assert!(live(store, count).await.is_none(), "the one that failed did not happen");
}

#[tokio::test]
async fn s_093_s_096_a_full_disk_refuses_whole_writes_and_goes_on_when_there_is_space() {
    let Some(disk) = SmallDisk::mount() else { return };
    let path = disk.path().join("sessions");
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0; 800_000]).unwrap();
    let store = Embedded::open(&path).await.unwrap();
    let count = fill(&store, 0).await;
    check_all_there(&store, count).await;
    // Several at once: each is refused, none is half there.
    let refused: Vec<_> = (count..count + 8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.create(handle(n), large(n), NOW).await })
        })
        .collect();
    for outcome in refused {
        assert_eq!(outcome.await.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
    }
    check_all_there(&store, count).await;

    sign_out_without_space(&store, &path).await;

    std::fs::remove_file(&ballast).unwrap();
    let more = fill(&store, count).await;
    assert!(more > count, "it goes on without a restart");
    check_all_there(&store, more).await;
    check_sound(&path);
    drop(store);
    let again = Embedded::open(&path).await.unwrap();
    check_all_there(&again, more).await;
}
