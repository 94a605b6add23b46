//! Which sessions have expired, without looking at the others: a hierarchical timing wheel.
//!
//! Level 0 has a list for each of the next ticks, level 1 for each 64 ticks, and so on; when the time comes
//! to a list of a higher level, its sessions move down. A session moves at most once a level, so that expiry
//! is O(1) amortised, and it moves one at a time, so that no call pays for all.
//!
//! A renewal only writes the deadline. The session stays where it is until its old time comes, and is put
//! where it belongs then. So **a session is never in a list later than its deadline**, but may be in an
//! earlier one; who makes a deadline earlier links the session anew.

use super::slab::{NONE, Slab};
use crate::time::UnixMillis;

/// A tick is 2^10 ms: a finer one would make more lists, not earlier expiry, which each access decides itself.
const TICK_BITS: u32 = 10;
const LEVEL_BITS: u32 = 6;
const SLOTS: usize = 1 << LEVEL_BITS;
/// The list of sessions whose tick has come. Below it: level × 64 + slot, for the 7 levels of 38 bits.
const DUE: u16 = 7 << LEVEL_BITS;

fn tick(moment: UnixMillis) -> u64 {
    moment.as_millis() >> TICK_BITS
}

struct Level {
    /// Bit by bit, which lists are not empty.
    occupied: u64,
    heads: [u32; SLOTS],
}

/// The lists' heads; the links are in the slots.
#[derive(Default)]
pub(super) struct Wheel {
    /// The tick that the wheel has come to; never goes back, even if the clock does.
    elapsed: u64,
    /// As many as were needed so far.
    levels: Vec<Level>,
    /// One more than the first slot of the due list; 0 if it is empty.
    due: u32,
    due_len: u32,
    /// The list that is being emptied. It comes before all others and before time goes on.
    draining: Option<u16>,
}

impl Wheel {
    /// The number of sessions in the due list.
    pub(super) fn due_len(&self) -> u32 {
        self.due_len
    }

    /// The first session of the due list.
    pub(super) fn first_due(&self) -> Option<u32> {
        self.due.checked_sub(1)
    }

    /// Puts the first of the due list last.
    pub(super) fn rotate_due(&mut self, slots: &Slab) {
        if let Some(first) = self.first_due() {
            self.due = slots[first].next + 1;
        }
    }

    /// Whether the due list is no longer the place for a session.
    pub(super) fn is_early(&self, slots: &Slab, index: u32) -> bool {
        tick(slots[index].expires_at()) > self.elapsed
    }

    /// Puts a session into the list of its deadline.
    pub(super) fn link(&mut self, slots: &mut Slab, index: u32) {
        self.link_after(slots, index, self.elapsed);
    }

    /// Takes a session out of its list.
    pub(super) fn unlink(&mut self, slots: &mut Slab, index: u32) {
        let slot = &slots[index];
        let (prev, next, list) = (slot.prev, slot.next, slot.list());
        let left = if next == index { NONE } else { next };
        if left != NONE {
            slots[prev].next = next;
            slots[next].prev = prev;
        }
        if self.head(list) == index {
            self.set_head(list, left);
        }
        if list == DUE {
            self.due_len -= 1;
        } else if left == NONE && self.draining == Some(list) {
            self.draining = None;
        }
    }

    /// Moves one session towards the due list; `false` if all whose tick has come are in it.
    pub(super) fn step(&mut self, slots: &mut Slab, now: UnixMillis) -> bool {
        let now = tick(now);
        let list = match self.draining {
            Some(list) => list,
            None => match self.next_list() {
                Some((list, start)) if start <= now => {
                    self.elapsed = self.elapsed.max(start);
                    self.draining = Some(list);
                    list
                }
                // No list begins before `now`, so that each stays in the place that `link` would choose.
                _ => {
                    self.elapsed = self.elapsed.max(now);
                    return false;
                }
            },
        };
        let index = self.head(list);
        self.unlink(slots, index);
        self.link_after(slots, index, now.max(self.elapsed));
        true
    }

    /// Links a session; what is due at the tick `horizon` takes the short way.
    fn link_after(&mut self, slots: &mut Slab, index: u32, horizon: u64) {
        let at = tick(slots[index].expires_at());
        if at <= horizon {
            self.due_len += 1;
            return self.push(slots, index, DUE);
        }
        // The highest digit in which it differs from the present: the level whose lists tell it apart.
        let level = (at ^ self.elapsed).ilog2() / LEVEL_BITS;
        while self.levels.len() <= level as usize {
            self.levels.push(Level { occupied: 0, heads: [NONE; SLOTS] });
        }
        let digit = (at >> (level * LEVEL_BITS)) as usize % SLOTS;
        self.push(slots, index, (level as usize * SLOTS + digit) as u16);
    }

    /// Adds at the end of a list, which is a ring.
    fn push(&mut self, slots: &mut Slab, index: u32, list: u16) {
        let head = self.head(list);
        slots[index].set_list(list);
        if head == NONE {
            slots[index].prev = index;
            slots[index].next = index;
            self.set_head(list, index);
        } else {
            let tail = slots[head].prev;
            slots[index].prev = tail;
            slots[index].next = head;
            slots[tail].next = index;
            slots[head].prev = index;
        }
    }

    /// The first list that is not empty, and the tick it begins at.
    ///
    /// Lists of a lower level come before all of a higher one, and lists before the present are empty.
    fn next_list(&self) -> Option<(u16, u64)> {
        let (level, lists) = (0..).zip(&self.levels).find(|(_, level)| level.occupied != 0)?;
        let digit = u64::from(lists.occupied.trailing_zeros());
        let shift = level * LEVEL_BITS;
        let above = self.elapsed >> (shift + LEVEL_BITS) << LEVEL_BITS;
        Some(((level as usize * SLOTS + digit as usize) as u16, (above | digit) << shift))
    }

    fn head(&self, list: u16) -> u32 {
        if list == DUE {
            return self.due.checked_sub(1).unwrap_or(NONE);
        }
        self.levels[usize::from(list) / SLOTS].heads[usize::from(list) % SLOTS]
    }

    fn set_head(&mut self, list: u16, index: u32) {
        if list == DUE {
            self.due = if index == NONE { 0 } else { index + 1 };
            return;
        }
        let level = &mut self.levels[usize::from(list) / SLOTS];
        let digit = usize::from(list) % SLOTS;
        level.heads[digit] = index;
        level.occupied &= !(1 << digit);
        level.occupied |= u64::from(index != NONE) << digit;
    }
}
