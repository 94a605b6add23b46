//! The server starts, survives being killed, and is gone afterwards.

use std::net::{Ipv4Addr, TcpStream};

use cloakroom_servers::{MariaDb, required};

#[test]
fn mariadb_starts_again_on_its_data_after_it_was_killed() {
    let Some(server) = required("mariadb-server", MariaDb::start(&[])) else { return };
    let (port, url) = (server.port(), server.url());
    assert!(url.contains(server.password()));
    assert!(server.log().contains("ready for connections"));
    drop(server.pause().unwrap());

    let stopped = server.kill().unwrap();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    let server = stopped.start().unwrap();
    assert_eq!(server.url(), url);
}
