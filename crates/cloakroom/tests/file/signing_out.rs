//! A sign-out on a disk without space.

use std::path::Path;

use cloakroom::store::{Created, Ended, FileStore, Store};

use crate::common::{NOW, handle, live};
use crate::full::large;

/// To sign out needs no space, and no half-written file stays.
pub(crate) async fn sign_out_without_space(store: &FileStore, path: &Path) {
    for n in 0..2 {
        assert!(store.delete(handle(n), Ended::Destroyed, NOW).await.unwrap());
        assert!(live(store, n).await.is_none());
        assert_eq!(store.create(handle(n), large(n), NOW).await.unwrap(), Created::Created);
    }
    let files = crate::folder::files(path);
    assert!(files.iter().all(|file| file.extension().is_none()), "{files:?}");
}
