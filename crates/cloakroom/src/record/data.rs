//! Session data: an immutable, shared, sorted map from key to encoded value.
//!
//! ```text
//! kind u8 (bit 0: wide offsets, bit 1: MessagePack) | count LEB128 | offset × count | entries
//! entry: key length u8 | key | encoded value, to the next entry
//! ```
//!
//! Offsets are u16, or u32 if wide, from the start of the section. One run of bytes: a key is found by
//! binary search without decoding or allocating anything, and a session costs one allocation, not one a value.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::body::Body;
use super::section::{Entries, Section};
use crate::error::{Error, ErrorKind, Result};
use crate::record::Encoding;

pub(super) const WIDE: u8 = 1;
pub(super) const MESSAGE_PACK: u8 = 2;

/// The data of a session, as loaded: cloning it is a reference count.
///
/// # Examples
/// ```
/// use cloakroom::{Data, DataBuilder, Encoding};
///
/// let mut builder = DataBuilder::new(Encoding::Json);
/// builder.insert("visits", &3_u32)?;
/// let data = builder.build();
/// assert_eq!(data.get::<u32>("visits")?, Some(3));
/// assert_eq!(data.to_document(), br#"{"visits":3}"#);
/// # Ok::<(), cloakroom::Error>(())
/// ```
#[derive(Clone)]
pub struct Data {
    body: Body,
    start: u32,
}

impl Data {
    /// No data, in an encoding.
    pub fn empty(encoding: Encoding) -> Self {
        DataBuilder::new(encoding).build()
    }

    pub(super) fn in_body(body: Body, start: u32) -> Self {
        Self { body, start }
    }

    /// How the values are encoded.
    pub fn encoding(&self) -> Encoding {
        encoding(self.section())
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        header(self.section()).0
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `key` is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// The encoded value of `key`.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        find(self.section(), key)
    }

    /// Decodes the value of `key`.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if it is there but is no `T`; never "absent" for a value of another type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.value(key).map(|value| self.encoding().decode(value)).transpose()
    }

    /// Keys and encoded values, sorted by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.raw().map(|(key, value)| (std::str::from_utf8(key).unwrap_or_default(), value))
    }

    /// As [`iter`](Self::iter), for what only compares and copies keys: a look at their characters costs more.
    pub(crate) fn raw(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        let section = self.section();
        let (count, table) = header(section);
        (0..count).map(move |index| entry(section, count, table, index))
    }

    /// Bytes of the keys and the encoded values: what `Limits::max_bytes` counts.
    pub fn size(&self) -> usize {
        let section = self.section();
        let (count, table) = header(section);
        // All but the head: the table of offsets, and a byte for the length of each key.
        section.len() - table - count * (offset_width(section) + 1)
    }

    pub(super) fn section(&self) -> &[u8] {
        &self.body.slice[self.start as usize..]
    }
}

/// Prints the number of keys, never a key or a value.
impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Data").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Same keys with the same encoded bytes.
impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.section() == other.section()
    }
}

/// Collects keys and values into [`Data`]; a later value of a key replaces the earlier.
#[derive(Clone)]
pub struct DataBuilder {
    encoding: Encoding,
    entries: Vec<(Box<str>, Vec<u8>)>,
}

impl DataBuilder {
    /// Nothing yet.
    pub fn new(encoding: Encoding) -> Self {
        Self { encoding, entries: Vec::new() }
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// [`ErrorKind::Encode`] if the encoding cannot hold it; [`ErrorKind::InvalidKey`] for a key of more
    /// than 255 bytes.
    pub fn insert<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        self.insert_encoded(key, self.encoding.encode(value)?)
    }

    /// Adds a value that is encoded already.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`] for a key of more than 255 bytes.
    pub fn insert_encoded(&mut self, key: &str, value: Vec<u8>) -> Result<()> {
        if key.len() > usize::from(u8::MAX) {
            return Err(Error::new(ErrorKind::InvalidKey, "a key has more than 255 bytes"));
        }
        match self.entries.binary_search_by(|(have, _)| (**have).cmp(key)) {
            Ok(at) => self.entries[at].1 = value,
            Err(at) => self.entries.insert(at, (key.into(), value)),
        }
        Ok(())
    }

    pub(super) fn contains_key(&self, key: &str) -> bool {
        self.entries.binary_search_by(|(have, _)| (**have).cmp(key)).is_ok()
    }

    /// The data.
    pub fn build(self) -> Data {
        Section::new(self.encoding, &self).build()
    }
}

impl Entries for DataBuilder {
    fn totals(&self) -> (usize, usize) {
        let bytes = self.entries.iter().map(|(key, value)| key.len() + value.len()).sum();
        (self.entries.len(), bytes)
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e [u8], &'e [u8])) {
        self.entries.iter().for_each(|(key, value)| visit(key.as_bytes(), value));
    }
}

impl fmt::Debug for DataBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataBuilder").field("len", &self.entries.len()).finish_non_exhaustive()
    }
}

fn encoding(section: &[u8]) -> Encoding {
    Encoding::of_data(section[0] & MESSAGE_PACK != 0)
}

/// The number of entries and where the table of offsets begins.
fn header(section: &[u8]) -> (usize, usize) {
    let (mut count, mut at) = (0, 1);
    loop {
        let byte = section[at];
        count |= usize::from(byte & 0x7f) << (7 * (at - 1));
        at += 1;
        if byte & 0x80 == 0 {
            return (count, at);
        }
    }
}

fn offset_width(section: &[u8]) -> usize {
    if section[0] & WIDE == 0 { 2 } else { 4 }
}

fn offset(section: &[u8], table: usize, index: usize) -> usize {
    if section[0] & WIDE == 0 {
        let at = table + 2 * index;
        usize::from(u16::from_le_bytes([section[at], section[at + 1]]))
    } else {
        let at = table + 4 * index;
        u32::from_le_bytes([section[at], section[at + 1], section[at + 2], section[at + 3]])
            as usize
    }
}

fn entry(section: &[u8], count: usize, table: usize, index: usize) -> (&[u8], &[u8]) {
    let start = offset(section, table, index);
    let end = if index + 1 < count { offset(section, table, index + 1) } else { section.len() };
    section[start + 1..end].split_at(usize::from(section[start]))
}

/// The encoded value of `key` in a data section.
pub(super) fn find<'a>(section: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let (count, table) = header(section);
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        let (have, value) = entry(section, count, table, middle);
        match have.cmp(key.as_bytes()) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(value),
        }
    }
    None
}

/// Whether foreign bytes are a data section: bounds, order, characters, and that each value decodes.
pub(super) fn is_valid(section: &[u8], max_depth: usize) -> bool {
    parse(section, max_depth).is_some()
}

fn parse(section: &[u8], max_depth: usize) -> Option<()> {
    let kind = *section.first()?;
    if kind & !(WIDE | MESSAGE_PACK) != 0
        || (kind & MESSAGE_PACK != 0 && !cfg!(feature = "msgpack"))
    {
        return None;
    }
    // At most three bytes of count: two million entries, far above any limit.
    let count_len = section.get(1..)?.iter().take(3).position(|byte| byte & 0x80 == 0)? + 1;
    let (count, table) = header(&section[..1 + count_len]);
    let width = offset_width(section);
    let mut expected = table.checked_add(count.checked_mul(width)?)?;
    if expected > section.len() || (count == 0 && section.len() != expected) {
        return None;
    }
    let mut last: Option<&[u8]> = None;
    for index in 0..count {
        let start = offset(section, table, index);
        let end = if index + 1 < count { offset(section, table, index + 1) } else { section.len() };
        let key_end = start.checked_add(1)?.checked_add(usize::from(*section.get(start)?))?;
        if start != expected || key_end > end || end > section.len() {
            return None;
        }
        let (key, value) = (&section[start + 1..key_end], &section[key_end..end]);
        std::str::from_utf8(key).ok()?;
        if last.is_some_and(|last| last >= key) {
            return None;
        }
        encoding(section).check(value, max_depth).ok()?;
        last = Some(key);
        expected = end;
    }
    Some(())
}
