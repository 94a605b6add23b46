//! Configuration: every field by its name, presets, profiles, and the check that refuses illegal combinations.

mod check;
mod error;
mod fields;
mod getters;
mod profile;
mod set;

#[cfg(test)]
mod tests;

pub use self::error::ConfigError;
pub use self::fields::{
    CookiePrefix, SameSite, Scope, ServerSideSessionConfig, SubjectLimitPolicy,
};
pub use self::profile::Profile;

pub(crate) use self::check::Checked;
