//! Passwords of servers that live as long as a test.

use std::fs;
use std::io;

/// 32 random hexadecimal digits.
pub(crate) fn random_word() -> io::Result<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    Ok(id.trim().replace('-', ""))
}
