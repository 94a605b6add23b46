//! Real servers for tests and benches: each on a port and in a folder of its own, and gone when it is dropped.
//!
//! A test that needs a server asks for it here; `CLOAKROOM_TEST_…_URL` in the environment points it at one that
//! runs already. Where a server is not installed the tests that need it say so and pass, unless
//! `CLOAKROOM_TEST_REQUIRE` is set: `cargo xtask test` installs all of them and sets it.

mod certificates;
mod janitor;
mod litestar;
mod mysql;
mod mysql_program;
mod nginx;
mod pgbouncer;
mod ports;
mod postgres;
mod process;
mod proxy;
mod redis;
mod redis_cluster;
mod redis_sentinel;
mod secret;
mod shared;
mod user;

use std::io;

pub use self::certificates::Certificates;
pub use self::litestar::Litestar;
pub use self::mysql::{MysqlServer, PausedMysql, StoppedMysql};
pub use self::nginx::Nginx;
pub use self::pgbouncer::PgBouncer;
pub use self::ports::free_port;
pub use self::postgres::{PausedPostgres, Postgres, StoppedPostgres};
pub use self::process::Process;
pub use self::proxy::{Proxy, Weather};
pub use self::redis::{KilledRedis, RedisServer};
pub use self::redis_cluster::RedisCluster;
pub use self::redis_sentinel::RedisSentinels;

/// A server that was started, or `None` if it is not installed and need not be; which is printed.
///
/// # Panics
/// If it did not start, or is not there although `CLOAKROOM_TEST_REQUIRE` is set.
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn required<T>(package: &str, started: io::Result<Option<T>>) -> Option<T> {
    let server = started.unwrap_or_else(|error| panic!("{package} does not start: {error}"));
    if server.is_none() {
        assert!(
            std::env::var_os("CLOAKROOM_TEST_REQUIRE").is_none(),
            "the Debian package {package} is not installed"
        );
        eprintln!("skipped: the Debian package {package} is not installed");
    }
    server
}
