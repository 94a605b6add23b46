//! The bytes that records and data share, written once and in place.

use triomphe::ThinArc;

/// Immutable bytes behind one pointer.
pub(crate) type Body = ThinArc<(), u8>;

/// Up to this length a body is written on the stack, which saves an allocation for most sessions.
const SMALL: usize = 512;

/// A body of exactly `len` bytes that `write` fills.
pub(super) fn build(len: usize, write: impl FnOnce(&mut Out<'_>)) -> Body {
    let (mut small, mut large) = ([0; SMALL], Vec::new());
    let bytes = match small.get_mut(..len) {
        Some(bytes) => bytes,
        None => {
            large.resize(len, 0);
            &mut large[..]
        }
    };
    let mut out = Out(bytes);
    write(&mut out);
    debug_assert!(out.0.is_empty(), "the length was counted wrongly");
    ThinArc::from_header_and_slice((), bytes)
}

/// What is left to be written of a body.
pub(super) struct Out<'b>(&'b mut [u8]);

impl Out<'_> {
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let (head, rest) = std::mem::take(&mut self.0).split_at_mut(bytes.len());
        head.copy_from_slice(bytes);
        self.0 = rest;
    }
}
