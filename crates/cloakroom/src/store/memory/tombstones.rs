//! Why the latest sessions of a shard have ended.

use std::collections::VecDeque;

use hashbrown::HashTable;

use super::shard::hash;
use crate::id::SessionHandle;
use crate::store::Ended;

/// How many ends a shard remembers at most; the oldest is forgotten first.
pub(super) const TOMBSTONES: usize = 1024;
/// Room before any has ended.
const ROOM: usize = 8;

/// Ends in their order, and where among them each key is.
#[derive(Default)]
pub(super) struct Tombstones {
    ends: VecDeque<(SessionHandle, Ended)>,
    /// The number of the first of them; the others follow.
    first: u16,
    by_key: HashTable<u16>,
    /// Whether an end was forgotten for want of room.
    is_short: bool,
}

impl Tombstones {
    pub(super) fn why(&self, key: SessionHandle) -> Option<Ended> {
        self.by_key.find(hash(key), |&n| self.end(n).0 == key).map(|&n| self.end(n).1)
    }

    /// Remembers an end, if need be in place of the oldest.
    ///
    /// Sessions expire under calls that are about others, and among many that are freed an allocation can take as long as
    /// ten thousand of those calls: this makes none.
    pub(super) fn insert_in_room(&mut self, key: SessionHandle, why: Ended) {
        let room = self.ends.capacity().min(TOMBSTONES);
        if room == 0 {
            return;
        }
        self.remove(key);
        if self.ends.len() >= room {
            self.is_short = room < TOMBSTONES;
            self.forget_first();
        }
        let n = self.first.wrapping_add(self.ends.len() as u16);
        self.ends.push_back((key, why));
        let (ends, first) = (&self.ends, self.first);
        self.by_key.insert_unique(hash(key), n, |&n| hash(ends[place(n, first)].0));
    }

    /// Remembers an end that somebody asked for.
    pub(super) fn insert(&mut self, key: SessionHandle, why: Ended) {
        self.make_room(self.ends.len() + 1);
        self.insert_in_room(key, why);
    }

    /// Makes room for ends to come, if there was too little; by a call that allocates anyway.
    pub(super) fn grow(&mut self) {
        if self.is_short || self.ends.capacity() == 0 {
            self.is_short = false;
            self.make_room(2 * self.ends.len());
        }
    }

    /// Forgets a key; its place is given up in its turn.
    pub(super) fn remove(&mut self, key: SessionHandle) {
        let (ends, first) = (&self.ends, self.first);
        if let Ok(entry) = self.by_key.find_entry(hash(key), |&n| ends[place(n, first)].0 == key) {
            entry.remove();
        }
    }

    fn make_room(&mut self, ends: usize) {
        let ends = ends.clamp(ROOM, TOMBSTONES);
        if self.ends.capacity() >= ends {
            return;
        }
        self.ends.reserve(ends - self.ends.len());
        // Twice as many, since a table that is more than half full of entries grows when it has too many traces of
        // removed ones.
        let room = 2 * self.ends.capacity().min(TOMBSTONES);
        let (ends, first) = (&self.ends, self.first);
        let missing = room - self.by_key.len();
        self.by_key.reserve(missing, |&n| hash(ends[place(n, first)].0));
    }

    fn forget_first(&mut self) {
        // Only this place: the key may have a newer one, or none since it was created again.
        let Some((key, _)) = self.ends.pop_front() else { return };
        if let Ok(entry) = self.by_key.find_entry(hash(key), |&n| n == self.first) {
            entry.remove();
        }
        self.first = self.first.wrapping_add(1);
    }

    fn end(&self, n: u16) -> (SessionHandle, Ended) {
        self.ends[place(n, self.first)]
    }
}

/// Where the end of a number is, if this is the first.
fn place(n: u16, first: u16) -> usize {
    usize::from(n.wrapping_sub(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> SessionHandle {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
        SessionHandle::from_bytes(bytes)
    }

    #[test]
    fn an_end_in_room_takes_the_place_of_the_oldest_and_allocates_nothing() {
        let mut ends = Tombstones::default();
        ends.insert_in_room(key(0), Ended::Expired);
        assert_eq!(ends.why(key(0)), None, "there is no room yet");
        ends.grow();
        let room = ends.ends.capacity() as u64;
        // Numbers that wrap around are told apart too.
        ends.first = u16::MAX - 50;
        for n in 0..10 * room {
            let insert = || ends.insert_in_room(key(n), Ended::Expired);
            assert_eq!(allocation_counter::measure(insert).count_total, 0);
            assert_eq!(ends.why(key(n)), Some(Ended::Expired));
            assert_eq!(ends.why(key(n.wrapping_sub(room))), None);
            let remembered =
                (n.saturating_sub(room - 1)..=n).filter(|n| ends.why(key(*n)).is_some());
            assert_eq!(remembered.count() as u64, (n + 1).min(room));
        }
    }

    #[test]
    fn room_grows_as_it_was_too_little() {
        let mut ends = Tombstones::default();
        for n in 0..3 * TOMBSTONES as u64 {
            ends.grow();
            ends.insert_in_room(key(n), Ended::Expired);
        }
        let last = 3 * TOMBSTONES as u64 - 1;
        assert_eq!(ends.why(key(last + 1 - TOMBSTONES as u64)), Some(Ended::Expired));
        assert_eq!(ends.why(key(last - TOMBSTONES as u64)), None);
    }

    #[test]
    fn an_end_that_was_asked_for_makes_room_up_to_the_most() {
        let mut ends = Tombstones::default();
        for n in 0..3 * TOMBSTONES as u64 {
            ends.insert(key(n), Ended::Destroyed);
            let oldest = (n + 1).saturating_sub(TOMBSTONES as u64);
            assert_eq!(ends.why(key(oldest)), Some(Ended::Destroyed));
            assert!(oldest == 0 || ends.why(key(oldest - 1)).is_none());
        }
    }
}
