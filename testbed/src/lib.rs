//! Every session operation as an HTTP route: for end-to-end tests, load tests, and anyone with curl.

mod app;
mod args;
mod routes;
mod store;

pub use app::app;
pub use args::{Args, SettingsError};
pub use store::open;
