//! The store in MariaDB keeps the contract, whatever the server is set to, and survives its server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "mysql/faults.rs"]
mod faults;
#[path = "mysql/given_up.rs"]
mod given_up;
#[path = "mysql/lost_replies.rs"]
mod lost_replies;
#[path = "mysql/migrations.rs"]
mod migrations;
#[path = "mysql/opening.rs"]
mod opening;
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

// S-107: a user who may create nothing. S-101: both levels of isolation; S-104: both counts of rows.
cloakroom::store_conformance!(repeatable_read, crate::or_skip!(crate::setup::store().await));
cloakroom::store_conformance!(
    read_committed,
    crate::or_skip!(crate::setup::read_committed().await)
);
