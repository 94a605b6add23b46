//! Why the latest sessions of a shard have ended.

use hashbrown::HashTable;

use super::shard::hash;
use crate::id::SessionHandle;
use crate::store::Ended;

/// How many ends a shard remembers; the oldest is forgotten first.
pub(super) const TOMBSTONES: usize = 1024;

/// A ring of ends, and where in it each key is.
#[derive(Default)]
pub(super) struct Tombstones {
    ring: Vec<(SessionHandle, Ended)>,
    oldest: usize,
    by_key: HashTable<u16>,
}

impl Tombstones {
    pub(super) fn why(&self, key: SessionHandle) -> Option<Ended> {
        self.by_key
            .find(hash(key), |&at| self.ring[usize::from(at)].0 == key)
            .map(|&at| self.ring[usize::from(at)].1)
    }

    pub(super) fn insert(&mut self, key: SessionHandle, why: Ended) {
        self.remove(key);
        let at = if self.ring.len() < TOMBSTONES {
            self.ring.push((key, why));
            self.ring.len() - 1
        } else {
            let at = self.oldest;
            self.oldest = (at + 1) % TOMBSTONES;
            // Only this place: the key may have a newer one, or none since it was created again.
            let gone = self.ring[at].0;
            if let Ok(entry) = self.by_key.find_entry(hash(gone), |&other| usize::from(other) == at)
            {
                entry.remove();
            }
            self.ring[at] = (key, why);
            at
        };
        let ring = &self.ring;
        self.by_key.insert_unique(hash(key), at as u16, |&at| hash(ring[usize::from(at)].0));
    }

    /// Forgets a key; its place in the ring is reused in its turn.
    pub(super) fn remove(&mut self, key: SessionHandle) {
        let ring = &self.ring;
        if let Ok(entry) = self.by_key.find_entry(hash(key), |&at| ring[usize::from(at)].0 == key) {
            entry.remove();
        }
    }
}
