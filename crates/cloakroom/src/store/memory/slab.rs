//! The slots of a shard: one for each session, in pages, addressed by a small number.
//!
//! Pages and not one vector: a vector that doubles would hold up to half of its slots empty, and would stop
//! the shard while it moves them all.

use std::ops::{Index, IndexMut};

use crate::id::SessionHandle;
use crate::record::{Body, Record, absolute_deadline};
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

/// One session: its key, the immutable half of its record, its deadline, its place in the wheel.
///
/// 40 bytes. The absolute deadline stays in the record: a sweep reads those alone that have one.
pub(super) struct Slot {
    key: SessionHandle,
    body: Option<Body>,
    idle: Packed,
    /// Neighbours in the list of the wheel; in a free slot `next` is the next free one.
    pub(super) prev: u32,
    pub(super) next: u32,
    /// Which list of the wheel it is in, and the two flags.
    list: u16,
}

/// Nobody has signed in to it.
const ANONYMOUS: u16 = 1 << 15;
const HAS_ABSOLUTE_DEADLINE: u16 = 1 << 14;
const FLAGS: u16 = ANONYMOUS | HAS_ABSOLUTE_DEADLINE;

impl Slot {
    fn new(key: SessionHandle, record: Record) -> Self {
        let anonymous = if record.subject().is_none() { ANONYMOUS } else { 0 };
        let absolute = record.absolute_deadline().map_or(0, |_| HAS_ABSOLUTE_DEADLINE);
        Self {
            key,
            idle: Packed::new(record.idle_deadline()),
            prev: NONE,
            next: NONE,
            list: anonymous | absolute,
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
        self.list & ANONYMOUS != 0 && !self.is_free()
    }

    /// The record, unless the slot is free. Costs a reference count.
    pub(super) fn record(&self) -> Option<Record> {
        Some(Record::from_body(self.body.clone()?, self.idle.get()))
    }

    pub(super) fn size(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.slice.len())
    }

    pub(super) fn expires_at(&self) -> UnixMillis {
        let idle = self.idle.get();
        if self.list & HAS_ABSOLUTE_DEADLINE == 0 {
            return idle;
        }
        let absolute = self.body.as_ref().and_then(absolute_deadline);
        absolute.map_or(idle, |absolute| absolute.min(idle))
    }

    pub(super) fn is_live(&self, now: UnixMillis) -> bool {
        !self.is_free() && now < self.expires_at()
    }

    /// Puts another record under the same key; the place in the wheel stays.
    pub(super) fn replace(&mut self, record: Record) {
        let (prev, next, list) = (self.prev, self.next, self.list());
        *self = Self { prev, next, ..Self::new(self.key, record) };
        self.set_list(list);
    }

    /// Moves the idle deadline alone.
    pub(super) fn set_idle_deadline(&mut self, deadline: UnixMillis) {
        self.idle = Packed::new(deadline);
    }

    pub(super) fn list(&self) -> u16 {
        self.list & !FLAGS
    }

    pub(super) fn set_list(&mut self, list: u16) {
        self.list = self.list & FLAGS | list;
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

    /// Frees a slot that is in no list of the wheel any more, and hands out what it held.
    pub(super) fn remove(&mut self, index: u32) -> Option<Body> {
        let free = self.free;
        let slot = &mut self[index];
        let body = slot.body.take();
        slot.next = free;
        self.free = index + 1;
        body
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
/// on top of what a slot has beyond its key: 24 + 11.4 + 16 is within the 64 bytes a session may cost.
const _: () = assert!(size_of::<Slot>() == 40);
