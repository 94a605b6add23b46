//! Sessions shared with a Litestar application: the contract as far as its format has room, and both sides in turn.

#[path = "litestar/by_id.rs"]
mod by_id;
#[path = "litestar/cookie.rs"]
mod cookie;
#[path = "litestar/ends.rs"]
mod ends;
#[path = "litestar/folder.rs"]
mod folder;
#[path = "litestar/kept.rs"]
mod kept;
#[path = "litestar/late.rs"]
mod late;
#[path = "litestar/listing.rs"]
mod listing;
#[path = "litestar/parallel.rs"]
mod parallel;
#[path = "litestar/side.rs"]
mod side;
#[path = "litestar/steps.rs"]
mod steps;
#[path = "litestar/turns.rs"]
mod turns;

cloakroom::store_conformance!(
    redis,
    match super::by_id::redis() {
        Some(store) => store,
        None => return,
    }
);
cloakroom::store_conformance!(file, super::by_id::file());
