//! The cookie: read from header bytes, written once it is known what it must be.

mod read;
mod rules;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use self::read::{Candidates, candidates};
pub(crate) use self::rules::{check_domain, check_name, check_path};
pub(crate) use self::write::{Attributes, CookieSpec, Spelling};
