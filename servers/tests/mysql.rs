//! The server starts, survives being killed, and is gone afterwards.

use std::net::{Ipv4Addr, TcpStream};

use cloakroom_servers::{MysqlServer, required};

#[test]
fn it_starts_again_on_its_data_after_it_was_killed() {
    let Some(server) = required("mariadb-server", MysqlServer::start(&[])) else { return };
    let (port, url) = (server.port(), server.url());
    assert!(url.contains(server.password()));
    assert!(server.log().contains("ready for connections"));
    drop(server.pause().unwrap());

    let stopped = server.kill().unwrap();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    let server = stopped.start().unwrap();
    assert_eq!(server.url(), url);
}

#[test]
fn it_is_mysql_if_that_is_named_and_else_mariadb() {
    let named = std::env::var_os("CLOAKROOM_TEST_MYSQL_SERVER").is_some_and(|it| !it.is_empty());
    let Some(server) = required("mariadb-server", MysqlServer::start(&[])) else { return };
    assert_eq!(server.log().contains("MariaDB"), !named, "{}", server.log());
}
