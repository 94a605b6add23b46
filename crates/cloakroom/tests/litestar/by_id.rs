//! A store that is asked by whole IDs, as a backend would: here each is a handle and a secret of zeros.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::store::litestar::{FileStore, RedisStore, RedisStoreBuilder};
use cloakroom::store::{Created, Directory, Ended, Lookup, Renewal, Updated, WholeIds};
use cloakroom::{IdFormat, Record, Result, Revision, SessionHandle, SessionId, Store, UnixMillis};
use cloakroom_servers::{RedisServer, required};
use tempfile::TempDir;

static COUNTER: AtomicU64 = AtomicU64::new(1);

/// An empty store in a namespace of its own on the shared server; `None` without one.
pub(crate) fn redis() -> Option<ById<RedisStore>> {
    let url = required("redis-server", RedisServer::shared())?;
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let namespace = format!("test-{}-{number}", std::process::id());
    let builder = RedisStoreBuilder::from_url(&url).expect("a URL");
    let builder = builder.with_root_namespace(namespace.as_str());
    Some(ById(builder.with_timeout(Duration::from_secs(20)).build().expect("a store"), None))
}

/// An empty store in a folder of its own, which goes with it.
pub(crate) fn file() -> ById<FileStore> {
    let folder = tempfile::tempdir().expect("a folder");
    ById(FileStore::new(folder.path().join("sessions")), Some(Arc::new(folder)))
}

#[derive(Debug, Clone)]
pub(crate) struct ById<S>(S, #[allow(dead_code)] Option<Arc<TempDir>>);

fn id(handle: SessionHandle) -> SessionId {
    let text = format!("{handle}{}", "0".repeat(32));
    SessionId::parse(text.as_bytes(), 32, IdFormat::Hex).expect("an ID")
}

impl<S: Store> ById<S> {
    fn ids(&self) -> &dyn WholeIds {
        self.0.whole_ids().expect("a store by ID")
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for ById<S> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn directory(&self) -> Option<&dyn Directory> {
        self.0.directory()
    }

    fn never_waits(&self) -> bool {
        self.0.never_waits()
    }

    fn whole_ids(&self) -> Option<&dyn WholeIds> {
        self.0.whole_ids()
    }

    async fn load(
        &self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Result<Lookup> {
        self.ids().load_by_id(&id(key), renewal, now).await
    }

    async fn create(&self, key: SessionHandle, record: Record, now: UnixMillis) -> Result<Created> {
        self.ids().create_by_id(&id(key), record, now).await
    }

    async fn update(
        &self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated> {
        self.ids().update_by_id(&id(key), record, expected, now).await
    }

    async fn touch(
        &self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<bool> {
        self.0.touch(key, deadline, now).await
    }

    async fn delete(&self, key: SessionHandle, why: Ended, now: UnixMillis) -> Result<bool> {
        self.0.delete(key, why, now).await
    }

    async fn delete_expired(&self, limit: usize, now: UnixMillis) -> Result<usize> {
        self.0.delete_expired(limit, now).await
    }

    async fn ended(&self, key: SessionHandle) {
        self.0.ended(key).await;
    }
}
