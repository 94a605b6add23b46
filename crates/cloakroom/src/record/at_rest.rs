//! A record as one blob, for stores that keep bytes.
//!
//! ```text
//! check 8 | idle deadline u48 | record (see `layout`)
//! check: the first 8 bytes of SHA-256 over all that follows
//! ```
//!
//! The check is against accidents (a torn write, a flipped bit), not against forgery.

use sha2::{Digest, Sha256};
use triomphe::ThinArc;

use crate::error::{Error, ErrorKind, Result};
use crate::record::{Limits, Record, data, layout};
use crate::time::UnixMillis;

const CHECK: usize = 8;
const HEAD: usize = CHECK + 6;

/// Where fields lie in the bytes of a record, for a store whose server compares them itself.
#[cfg(feature = "redis")]
pub(crate) mod at {
    use super::{HEAD, layout};

    pub(crate) const FLAGS: usize = HEAD + layout::FLAGS_AT;
    pub(crate) const REVISION: usize = HEAD + layout::REVISION_AT;
    pub(crate) const MAX_AGE: usize = HEAD + layout::MAX_AGE_AT;
    pub(crate) const SECRET_HASH: usize = HEAD + layout::SECRET_AT;
    /// The absolute deadline, if [`HAS_ABSOLUTE`] is among the flags.
    pub(crate) const ABSOLUTE: usize = HEAD + layout::OPTIONAL_AT;
    pub(crate) const HAS_ABSOLUTE: u8 = layout::ABSOLUTE;
}

impl Record {
    /// The record as bytes that [`from_bytes`](Self::from_bytes) reads back.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD + self.size());
        out.extend([0; CHECK]);
        out.extend(&self.idle_deadline.as_millis().to_le_bytes()[..6]);
        out.extend(self.bytes());
        let check = check(&out[CHECK..]);
        out[..CHECK].copy_from_slice(&check);
        out
    }

    /// Reads the bytes of a record. They are not trusted: sizes, bounds, order, characters and nesting are
    /// checked before anything of them is used, in memory proportional to their length.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if they are truncated, changed, of another version, or beyond `limits`.
    pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Self> {
        Self::parse(bytes, limits).ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, "stored bytes are not a session record of this version")
        })
    }

    fn parse(bytes: &[u8], limits: &Limits) -> Option<Self> {
        let body = bytes.get(HEAD..)?;
        if bytes[..CHECK] != check(&bytes[CHECK..]) || !layout::is_valid(body) {
            return None;
        }
        let section = &body[layout::data_start(body)..];
        if section.len() > limits.max_section_bytes() || !data::is_valid(section, limits.max_depth)
        {
            return None;
        }
        let mut deadline = [0; 8];
        deadline[..6].copy_from_slice(&bytes[CHECK..HEAD]);
        let deadline = UnixMillis::from_millis(u64::from_le_bytes(deadline));
        Some(Self::from_body(ThinArc::from_header_and_slice((), body), deadline))
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut out = [0; CHECK];
    out.copy_from_slice(&digest[..CHECK]);
    out
}
