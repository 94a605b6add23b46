//! How large a session may become.

use crate::error::{Error, ErrorKind, Result};
use crate::record::{Data, Encoding};

/// Keys that begin so are refused to applications; the library may store something of its own there.
const RESERVED_PREFIX: &str = "__cloakroom";

/// The largest number that [`Limits::max_bytes`] takes: 1 MiB.
pub(crate) const MAX_BYTES_CEILING: usize = 1 << 20;

/// Limits of one session, checked when a value is put in and before any store is asked.
///
/// A session holds what one visitor needs between two clicks; larger things belong in a database, with their
/// key in the session. Without limits one client could fill the store by appending for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of all keys and encoded values together. Default: 16 KiB. At most 1 MiB.
    pub max_bytes: usize,
    /// Number of keys. Default: 128.
    pub max_keys: usize,
    /// Bytes of one key. Default: 128. At most 255.
    pub max_key_bytes: usize,
    /// How deep lists and maps may be nested in a value. Default: 32. At most 96, which `serde_json` reads.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 16 * 1024, max_keys: 128, max_key_bytes: 128, max_depth: 32 }
    }
}

impl Limits {
    /// Whether `data` keeps within all of these limits.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`].
    pub fn check(&self, data: &Data) -> Result<()> {
        self.check_totals(data.len(), data.size())
    }

    pub(crate) fn check_totals(&self, keys: usize, bytes: usize) -> Result<()> {
        if keys > self.max_keys {
            return Err(too_large("keys", self.max_keys, "max_keys"));
        }
        if bytes > self.max_bytes {
            return Err(too_large("bytes", self.max_bytes, "max_bytes"));
        }
        Ok(())
    }

    /// Checks one value on its own, when it is put in.
    pub(crate) fn check_value(&self, encoding: Encoding, value: &[u8]) -> Result<()> {
        if value.len() > self.max_bytes {
            return Err(too_large("bytes", self.max_bytes, "max_bytes"));
        }
        if encoding.is_container(value) { encoding.check(value, self.max_depth) } else { Ok(()) }
    }

    /// Keys, values, lengths and offsets of a session that keeps within the limits.
    pub(super) fn max_section_bytes(&self) -> usize {
        self.max_bytes + 4 + 5 * self.max_keys
    }
}

fn too_large(unit: &str, limit: usize, field: &str) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!("the session would have more than {limit} {unit}; store less, or raise `{field}`"),
    )
}

/// Whether an application may use this key.
pub(crate) fn check_key(key: &str, limits: &Limits) -> Result<()> {
    if key.is_empty() || key.chars().any(char::is_control) {
        return Err(Error::new(ErrorKind::InvalidKey, "a key is empty or has control characters"));
    }
    if key.starts_with(RESERVED_PREFIX) {
        return Err(Error::new(
            ErrorKind::ReservedKey,
            format!("keys that begin with `{RESERVED_PREFIX}` are reserved; use another name"),
        ));
    }
    if key.len() > limits.max_key_bytes {
        return Err(too_large("bytes in a key", limits.max_key_bytes, "max_key_bytes"));
    }
    Ok(())
}

/// Whether this can name who is signed in: 1 to 512 bytes without control characters.
pub(crate) fn check_subject(subject: &str) -> Result<()> {
    check_text("a subject", subject, 512)
}

/// The largest number of labels of a session: with the longest names and values they fill a sixth of the room that a
/// record has for them.
const MAX_LABELS: usize = 32;

/// Whether a session can have so many labels.
pub(crate) fn check_label_count(labels: usize) -> Result<()> {
    if labels > MAX_LABELS {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "a session has more than {MAX_LABELS} labels; keep what is not shown in a list as data"
            ),
        ));
    }
    Ok(())
}

/// Whether this can be a label: name and value of 1 to 64 and 1 to 256 bytes without control characters.
pub(crate) fn check_label(name: &str, value: &str) -> Result<()> {
    check_text("the name of a label", name, 64)?;
    check_text("the value of a label", value, 256)
}

fn check_text(what: &str, text: &str, max: usize) -> Result<()> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(Error::new(
            ErrorKind::InvalidKey,
            format!("{what} is empty or has control characters"),
        ));
    }
    if text.len() > max {
        return Err(Error::new(ErrorKind::TooLarge, format!("{what} has more than {max} bytes")));
    }
    Ok(())
}
