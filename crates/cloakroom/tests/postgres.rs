//! The store in PostgreSQL keeps the contract, directly and through PgBouncer, and survives its server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "network/dropping.rs"]
mod dropping;
#[path = "postgres/ends.rs"]
mod ends;
#[path = "postgres/faults.rs"]
mod faults;
#[path = "network/lost_replies.rs"]
mod lost_replies;
#[path = "postgres/migrations.rs"]
mod migrations;
#[path = "postgres/opening.rs"]
mod opening;
#[path = "network/outages.rs"]
mod outages;
#[path = "network/records.rs"]
mod records;
#[path = "postgres/rows.rs"]
mod rows;
#[path = "postgres/setup.rs"]
mod setup;
#[path = "postgres/sharing.rs"]
mod sharing;
#[path = "postgres/statements.rs"]
mod statements;

/// What the expression gives, or the end of a test that has no server.
macro_rules! or_skip {
    ($store:expr) => {
        match $store {
            Some(store) => store,
            None => return,
        }
    };
}
use or_skip;

// What the tests in `network/` ask of a store on a server.
pub(crate) use cloakroom::store::PostgresStore as Networked;
pub(crate) use cloakroom_servers::Postgres as Server;

// S-101 and S-107: READ COMMITTED, and a role that may create nothing.
cloakroom::store_conformance!(direct, crate::or_skip!(crate::setup::store().await));
cloakroom::store_conformance!(prepared, crate::or_skip!(crate::setup::prepared().await));
cloakroom::store_conformance!(bounced, crate::or_skip!(crate::setup::bounced().await));
