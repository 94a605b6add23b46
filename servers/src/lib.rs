//! Real servers for tests and benches: each on a port and in a folder of its own, and gone when it is dropped.
//!
//! A test that needs a server asks for it here; `CLOAKROOM_TEST_…_URL` in the environment points it at one that
//! runs already.

mod process;

pub use self::process::{Process, free_port};
