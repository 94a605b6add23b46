//! The servers start, survive being killed, and are gone afterwards.

use std::net::{Ipv4Addr, TcpStream};

use cloakroom_servers::{PgBouncer, Postgres, required};

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[test]
fn postgresql_starts_again_on_its_data_after_it_was_killed() {
    let Some(server) = required("postgresql", Postgres::start(&["log_statement = 'all'"])) else {
        return;
    };
    let (port, url) = (server.port(), server.url());
    assert!(url.contains(server.password()));
    assert!(server.log().contains("ready to accept connections"));
    drop(server.pause().unwrap());

    let stopped = server.kill().unwrap();
    assert!(!listens(port));
    let server = stopped.start().unwrap();
    assert_eq!(server.url(), url);
}

#[test]
fn pgbouncer_stands_before_a_server() {
    let Some(server) = required("postgresql", Postgres::start(&[])) else { return };
    let Some(bouncer) = required("pgbouncer", PgBouncer::start(&server.url())) else { return };
    assert_ne!(bouncer.url(), server.url());
}
