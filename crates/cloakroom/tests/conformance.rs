//! The model and the memory store, bare and in each form that a store can take, keep the contract;
//! stores that are broken are found out.

#[path = "conformance/broken.rs"]
mod broken;

use std::sync::Arc;

use cloakroom::MemoryStore;
use cloakroom::store::AnyStore;
use cloakroom::testkit::FaultyStore;

cloakroom::store_conformance!(model, cloakroom::testkit::ModelStore::new());
cloakroom::store_conformance!(
    shared_model,
    std::sync::Arc::new(cloakroom::testkit::ModelStore::new())
);
cloakroom::store_conformance!(
    erased_model,
    cloakroom::store::AnyStore::new(cloakroom::testkit::ModelStore::new())
);
cloakroom::store_conformance!(memory, cloakroom::MemoryStore::new());
cloakroom::store_conformance!(shared, std::sync::Arc::new(cloakroom::MemoryStore::new()));
cloakroom::store_conformance!(erased, super::erased_store());
cloakroom::store_conformance!(faultless, super::FaultyStore::new(super::MemoryStore::new()));

fn erased_store() -> AnyStore {
    AnyStore::new(Arc::new(MemoryStore::new()))
}
