//! The slots of a shard: one for each session, in pages, addressed by a small number.
//!
//! Pages and not one vector: a vector that doubles would hold up to half of its slots empty, and would stop
//! the shard while it moves them all.

use std::ops::{Index, IndexMut};

use triomphe::ThinArc;

use crate::id::SessionHandle;
use crate::record::Record;
use crate::time::UnixMillis;

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

const PAGE: usize = 64;

/// A moment in the 48 bits that [`UnixMillis::MAX`] has.
#[derive(Clone, Copy)]
struct Packed([u8; 6]);

impl Packed {
    fn new(moment: UnixMillis) -> Self {
        let [a, b, c, d, e, f, ..] = moment.as_millis().to_le_bytes();
        Self([a, b, c, d, e, f])
    }

    fn get(self) -> UnixMillis {
        let [a, b, c, d, e, f] = self.0;
        UnixMillis::from_millis(u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }
}

/// One session: its key, the immutable half of its record, its deadlines, its place in the wheel.
///
/// 48 bytes. Both deadlines are here, so that a sweep or a count reads no record.
pub(super) struct Slot {
    key: SessionHandle,
    body: Option<ThinArc<(), u8>>,
    idle: Packed,
    expires: Packed,
    /// Neighbours in the list of the wheel; in a free slot `next` is the next free one.
    pub(super) prev: u32,
    pub(super) next: u32,
    /// Which list of the wheel it is in.
    pub(super) list: u16,
    anonymous: bool,
}

impl Slot {
    fn new(key: SessionHandle, record: Record) -> Self {
        Self {
            key,
            idle: Packed::new(record.idle_deadline()),
            expires: Packed::new(record.expires_at()),
            prev: NONE,
            next: NONE,
            list: u16::MAX,
            anonymous: record.subject().is_none(),
            body: Some(record.into_body()),
        }
    }

    pub(super) fn key(&self) -> SessionHandle {
        self.key
    }

    pub(super) fn is_free(&self) -> bool {
        self.body.is_none()
    }

    /// Whether it is a session that nobody has signed in to.
    pub(super) fn is_anonymous(&self) -> bool {
        self.anonymous && !self.is_free()
    }

    /// The record, unless the slot is free. Costs a reference count.
    pub(super) fn record(&self) -> Option<Record> {
        Some(Record::from_body(self.body.clone()?, self.idle.get()))
    }

    pub(super) fn size(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.slice.len())
    }

    pub(super) fn expires_at(&self) -> UnixMillis {
        self.expires.get()
    }

    pub(super) fn is_live(&self, now: UnixMillis) -> bool {
        !self.is_free() && now < self.expires_at()
    }

    /// Puts another record under the same key; the place in the wheel stays.
    pub(super) fn replace(&mut self, record: Record) {
        let (prev, next, list) = (self.prev, self.next, self.list);
        *self = Self { prev, next, list, ..Self::new(self.key, record) };
    }
}

/// All slots of a shard.
#[derive(Default)]
pub(super) struct Slab {
    pages: Vec<Vec<Slot>>,
    /// Used and free slots.
    len: u32,
    /// One more than the first free slot; 0 if there is none.
    free: u32,
}

impl Slab {
    /// Slots in use and free ones: each index below is valid.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn insert(&mut self, key: SessionHandle, record: Record) -> u32 {
        let slot = Slot::new(key, record);
        if self.free > 0 {
            let index = self.free - 1;
            self.free = self[index].next;
            self[index] = slot;
            return index;
        }
        if self.len as usize == self.pages.len() * PAGE {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        self.pages[self.len as usize / PAGE].push(slot);
        self.len += 1;
        self.len - 1
    }

    /// Frees a slot that is in no list of the wheel any more.
    pub(super) fn remove(&mut self, index: u32) {
        let free = self.free;
        let slot = &mut self[index];
        slot.body = None;
        slot.next = free;
        self.free = index + 1;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Slot)> {
        (0..).zip(self.pages.iter().flatten()).filter(|(_, slot)| !slot.is_free())
    }
}

impl Index<u32> for Slab {
    type Output = Slot;

    fn index(&self, index: u32) -> &Slot {
        &self.pages[index as usize / PAGE][index as usize % PAGE]
    }
}

impl IndexMut<u32> for Slab {
    fn index_mut(&mut self, index: u32) -> &mut Slot {
        &mut self.pages[index as usize / PAGE][index as usize % PAGE]
    }
}

/// The table entry (at most 11.4 bytes at its emptiest) and the header of the record's allocation (16) come
/// on top of what a slot has beyond its key: 32 + 11.4 + 16 is within the 64 bytes a session may cost.
const _: () = assert!(size_of::<Slot>() == 48);
