//! For tests: of an application, of a store, of an adapter.
//!
//! [`TestClock`] sets the time, [`FaultyStore`] fails on command and holds calls so that races can be put in
//! any order without a sleep, and [`conformance`] holds what must be true of every store.

mod clock;
pub mod conformance;
mod faulty;

pub use self::clock::TestClock;
pub use self::faulty::{Fault, FaultyStore, Gate, Operation};
