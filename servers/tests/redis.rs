//! The server that is started is the one that was asked for.

use cloakroom_servers::{RedisServer, required};

#[test]
fn it_is_valkey_if_that_is_named_and_else_redis() {
    let named = std::env::var("CLOAKROOM_TEST_REDIS_SERVER").unwrap_or_default();
    let Some(server) = required("redis-server", RedisServer::start()) else { return };
    let info = server.cli(&["INFO", "server"]).unwrap();
    assert_eq!(info.contains("valkey_version"), named.contains("valkey"), "{info}");
}
