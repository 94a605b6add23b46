//! For tests: of an application, of a store, of an adapter.
//!
//! [`TestClock`] sets the time, [`FaultyStore`] fails on command and holds calls so that races can be put in
//! any order without a sleep, [`conformance`] holds what must be true of every store and [`adapter`] what must be
//! true of every adapter to a web framework, [`client`] speaks to an application over a socket, and
//! [`ModelStore`] is the contract as the smallest store that fulfils it.

pub mod adapter;
mod answer;
pub mod client;
mod clock;
pub mod conformance;
mod faulty;
mod model;
mod random;

pub use self::clock::TestClock;
pub use self::faulty::{Fault, FaultyStore, Gate, Operation};
pub use self::model::ModelStore;
