//! The durable stores, and a place of a test's own in each.

use std::path::PathBuf;

use cloakroom_servers::{MysqlServer, Postgres, RedisServer, required};

/// What a busy machine keeps.
const TIMEOUT: &str = "timeout=60s";

/// Where the processes of one test keep their sessions.
pub(crate) struct Place {
    /// Without a namespace, and with a `?` if it has options.
    url: String,
    namespace: String,
    /// A folder that goes with the test.
    folder: Option<PathBuf>,
}

impl Place {
    /// The URL of the place, in the namespace of the test.
    pub(crate) fn url(&self) -> String {
        self.url_in(&self.namespace)
    }

    /// The URL of another namespace beside it.
    pub(crate) fn url_beside(&self) -> String {
        self.url_in(&format!("{}next", self.namespace))
    }

    fn url_in(&self, namespace: &str) -> String {
        let sign = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{sign}namespace={namespace}", self.url)
    }

    /// A place on a server that other tests use at the same time.
    fn on(server: &str, test: &str) -> Self {
        // Names of namespaces are short on some stores, letters and digits on others, and the number of the row tells tests apart.
        let hash = test.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31) + u32::from(byte));
        let namespace = format!("testbed{}x{hash:08x}", std::process::id());
        Self { url: server.to_owned(), namespace, folder: None }
    }

    fn in_folder(scheme: &str, options: &str, test: &str) -> Self {
        let name = format!("{}-{}-{test}", std::process::id(), scheme.replace('+', "-"));
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("processes").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("{scheme}:{}/sessions{options}", folder.display());
        let mut place = Self::on(&url, test);
        place.folder = Some(folder);
        place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // What stays is in the folder for tests, and harms nobody.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it stands beside those that may not be installed")]
pub(crate) fn file(test: &str) -> Option<Place> {
    Some(Place::in_folder("file", &format!("?{TIMEOUT}"), test))
}

#[allow(clippy::unnecessary_wraps, reason = "it stands beside those that may not be installed")]
pub(crate) fn sqlite(test: &str) -> Option<Place> {
    Some(Place::in_folder("sqlite", &format!("?{TIMEOUT}"), test))
}

#[allow(clippy::unnecessary_wraps, reason = "it stands beside those that may not be installed")]
pub(crate) fn litestar_file(test: &str) -> Option<Place> {
    Some(Place::in_folder("litestar+file", "", test))
}

pub(crate) fn litestar_redis(test: &str) -> Option<Place> {
    required("redis-server", RedisServer::shared())
        .map(|url| Place::on(&format!("litestar+{url}?{TIMEOUT}"), test))
}

pub(crate) fn redis(test: &str) -> Option<Place> {
    required("redis-server", RedisServer::shared())
        .map(|url| Place::on(&format!("{url}?{TIMEOUT}"), test))
}

// Few connections each, so that many tests at once stay within what a server takes.
pub(crate) fn postgres(test: &str) -> Option<Place> {
    Postgres::shared().map(|url| Place::on(&format!("{url}?max_connections=4&{TIMEOUT}"), test))
}

pub(crate) fn mariadb(test: &str) -> Option<Place> {
    MysqlServer::shared().map(|url| Place::on(&format!("{url}?max_connections=4&{TIMEOUT}"), test))
}
