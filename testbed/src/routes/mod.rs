//! The routes, by what they are about.

mod input;

pub(crate) mod auth;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod socket;
pub(crate) mod stream;
