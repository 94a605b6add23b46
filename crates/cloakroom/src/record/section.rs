//! Writing a data section: what [`data`](super::data) reads.

use super::body::{self, Out};
use super::data::{MESSAGE_PACK, WIDE};
use crate::error::Result;
use crate::record::{Data, Encoding, Limits};

/// Keys and encoded values: sorted by key, no key twice, each of at most 255 bytes.
pub(crate) trait Entries {
    /// The number of keys, and of bytes in keys and values.
    fn totals(&self) -> (usize, usize);

    /// Shows the bytes of each key and value. Called twice, for the offsets and for what they point to.
    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e [u8], &'e [u8]));
}

/// A data section that has been counted but not written.
pub(crate) struct Section<'e> {
    encoding: Encoding,
    entries: &'e dyn Entries,
    count: usize,
    /// Of keys and values.
    bytes: usize,
}

impl<'e> Section<'e> {
    pub(crate) fn new(encoding: Encoding, entries: &'e dyn Entries) -> Self {
        let (count, bytes) = entries.totals();
        Self { encoding, entries, count, bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn check(&self, limits: &Limits) -> Result<()> {
        limits.check_totals(self.count, self.bytes)
    }

    /// The section as data of its own.
    pub(crate) fn build(&self) -> Data {
        Data::in_body(body::build(self.len(), |out| self.write(out)), 0)
    }

    pub(super) fn len(&self) -> usize {
        self.entries_at() + self.count + self.bytes
    }

    pub(super) fn write(&self, out: &mut Out<'_>) {
        let kind = if self.encoding == Encoding::Json { 0 } else { MESSAGE_PACK };
        out.put(&[kind | if self.is_wide() { WIDE } else { 0 }]);
        put_leb128(out, self.count);
        let (mut at, width) = (self.entries_at(), self.offset_width());
        self.entries.visit(&mut |key, value| {
            out.put(&(at as u32).to_le_bytes()[..width]);
            at += 1 + key.len() + value.len();
        });
        self.entries.visit(&mut |key, value| {
            out.put(&[key.len() as u8]);
            out.put(key);
            out.put(value);
        });
    }

    fn entries_at(&self) -> usize {
        1 + leb128_len(self.count) + self.offset_width() * self.count
    }

    fn offset_width(&self) -> usize {
        if self.is_wide() { 4 } else { 2 }
    }

    /// Whether an offset of 16 bits cannot reach every entry.
    fn is_wide(&self) -> bool {
        1 + leb128_len(self.count) + 3 * self.count + self.bytes > usize::from(u16::MAX)
    }
}

fn leb128_len(count: usize) -> usize {
    (usize::BITS - count.leading_zeros()).div_ceil(7).max(1) as usize
}

fn put_leb128(out: &mut Out<'_>, mut count: usize) {
    while count >= 0x80 {
        out.put(&[count as u8 | 0x80]);
        count >>= 7;
    }
    out.put(&[count as u8]);
}
