//! The store in MariaDB keeps the contract, whatever the server is set to, and survives its server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "network/dropping.rs"]
mod dropping;
#[path = "mysql/faults.rs"]
mod faults;
#[path = "mysql/given_up.rs"]
mod given_up;
#[path = "network/lost_replies.rs"]
mod lost_replies;
#[path = "mysql/migrations.rs"]
mod migrations;
#[path = "mysql/opening.rs"]
mod opening;
#[path = "network/outages.rs"]
mod outages;
#[path = "network/records.rs"]
mod records;
#[path = "mysql/rows.rs"]
mod rows;
#[path = "mysql/settings.rs"]
mod settings;
#[path = "mysql/setup.rs"]
mod setup;
#[path = "mysql/statements.rs"]
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
pub(crate) use cloakroom::store::MysqlStore as Networked;
pub(crate) use cloakroom_servers::MysqlServer as Server;

// S-107: a user who may create nothing. S-101: both levels of isolation; S-104: both counts of rows.
cloakroom::store_conformance!(repeatable_read, crate::or_skip!(crate::setup::store().await));
cloakroom::store_conformance!(
    read_committed,
    crate::or_skip!(crate::setup::read_committed().await)
);
