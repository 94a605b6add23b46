//! Redis as a store: the contract, what it keeps, what it costs, and what happens when it fails.

#[path = "redis/cluster.rs"]
mod cluster;
#[path = "redis/commands.rs"]
mod commands;
#[path = "redis/common.rs"]
mod common;
#[path = "redis/faults.rs"]
mod faults;
#[path = "redis/full.rs"]
mod full;
#[path = "redis/index.rs"]
mod index;
#[path = "redis/kept.rs"]
mod kept;
#[path = "sessions/log.rs"]
mod log;
#[path = "redis/repeated.rs"]
mod repeated;
#[path = "redis/replicas.rs"]
mod replicas;
#[path = "redis/requests.rs"]
mod requests;
#[path = "redis/restored.rs"]
mod restored;
#[path = "redis/sentinel.rs"]
mod sentinel;
#[cfg(feature = "redis-tls")]
#[path = "redis/tls.rs"]
mod tls;

cloakroom::store_conformance!(
    on_one_server,
    match super::common::store().await {
        Some(store) => store,
        None => return,
    }
);
cloakroom::store_conformance!(
    on_a_cluster,
    match super::cluster::store().await {
        Some(store) => store,
        None => return,
    }
);
cloakroom::store_conformance!(
    behind_sentinels,
    match super::sentinel::store().await {
        Some(store) => store,
        None => return,
    }
);
cloakroom::store_conformance!(
    confirmed_by_replicas,
    match super::replicas::store().await {
        Some(store) => store,
        None => return,
    }
);
