//! Redis as a store: the contract, what it keeps, what it costs, and what happens when it fails.

#[path = "redis/commands.rs"]
mod commands;
#[path = "redis/common.rs"]
mod common;
#[path = "redis/index.rs"]
mod index;
#[path = "redis/kept.rs"]
mod kept;

cloakroom::store_conformance!(
    standalone,
    match super::common::store().await {
        Some(store) => store,
        None => return,
    }
);
