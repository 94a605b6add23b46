//! The store in PostgreSQL keeps the contract, directly and through PgBouncer, and survives its server.

#[path = "postgres/setup.rs"]
mod setup;

cloakroom::store_conformance!(
    direct,
    match super::setup::store().await {
        Some(store) => store,
        None => return,
    }
);
