//! One of the parts the sessions are spread over: everything that happens under one lock.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use tokio::sync::Notify;

use super::slab::Slab;
use super::tombstones::Tombstones;
use super::usage::{Full, Usage, cost};
use super::watch::Watchers;
use super::wheel::Wheel;
use crate::id::SessionHandle;
use crate::record::{Body, Record, Revision};
use crate::store::{Created, Ended, Lookup, Renewal, Updated};
use crate::time::UnixMillis;

/// How far each call advances the wheel, and how many due sessions it looks at. A session is moved about four
/// times and looked at twice in its life, so that even calls that only create keep up.
const UPKEEP: usize = 8;
/// How many sessions a sweep looks at before it lets others at the shard: no more are removed under one lock.
const BATCH: usize = 16;
/// Other calls remove what they clean up, and the session that they are about.
const _: () = assert!(UPKEEP < BATCH);
/// Of how many anonymous sessions the one that would end first is evicted.
const SAMPLE: usize = 5;

/// Handles are random already: their bytes are the hash. The first byte chose the shard and is left out.
pub(super) fn hash(key: SessionHandle) -> u64 {
    let [_, .., a, b, c, d, e, f, g, h] = *key.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// How far a search for expired sessions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sweep {
    /// Those whose tick has come are being put into the due list.
    Collecting,
    /// So many of the due list have not been looked at.
    Removing {
        looks: usize,
    },
    Done,
}

pub(super) struct Shard {
    slots: Slab,
    by_key: HashTable<u32>,
    /// By the hash of the subject; a subject with several sessions is here as often.
    by_subject: HashTable<u32>,
    subject_hasher: RandomState,
    wheel: Wheel,
    tombstones: Tombstones,
    anonymous: u32,
    /// Where the search for a session to evict goes on.
    hand: u32,
    usage: Arc<Usage>,
    pub(super) watchers: Watchers,
    /// Who waits for sessions that ended under this lock; told after it, since waking runs foreign code.
    pub(super) ended: Vec<Arc<Notify>>,
    /// What removed sessions held; dropped after it, since an allocator may take its time to free. In place, since it may
    /// take as long to allocate when much has been freed.
    pub(super) freed: [Option<Body>; BATCH],
}

impl Shard {
    pub(super) fn new(usage: Arc<Usage>, subject_hasher: RandomState) -> Self {
        Self {
            slots: Slab::default(),
            by_key: HashTable::new(),
            by_subject: HashTable::new(),
            subject_hasher,
            wheel: Wheel::default(),
            tombstones: Tombstones::default(),
            anonymous: 0,
            hand: 0,
            usage,
            watchers: Watchers::default(),
            ended: Vec::new(),
            freed: Default::default(),
        }
    }

    pub(super) fn load(
        &mut self,
        key: SessionHandle,
        renewal: Option<&Renewal>,
        now: UnixMillis,
    ) -> Lookup {
        let live = self.find_live(key, now);
        let Some((index, mut record)) = live.and_then(|at| Some((at, self.slots[at].record()?)))
        else {
            return Lookup::Absent(self.tombstones.why(key));
        };
        if let Some(deadline) = renewal.and_then(|renewal| renewal.due(&record, now)) {
            record = record.with_idle_deadline(deadline);
            self.set_idle_deadline(index, deadline);
        }
        Lookup::Live(record)
    }

    pub(super) fn create(
        &mut self,
        key: SessionHandle,
        record: Record,
        now: UnixMillis,
    ) -> Result<Created, Full> {
        if self.find_live(key, now).is_some() {
            return Ok(Created::Occupied);
        }
        if record.is_expired(now) {
            // It would be gone at the next look; it takes no room meanwhile.
            self.tombstones.insert(key, Ended::Expired);
            return Ok(Created::Created);
        }
        self.usage.reserve(1, cost(record.size()))?;
        self.tombstones.remove(key);
        self.tombstones.grow();
        let index = self.slots.insert(key, record);
        let slots = &self.slots;
        self.by_key.insert_unique(hash(key), index, |&at| hash(slots[at].key()));
        self.wheel.link(&mut self.slots, index);
        self.index(index);
        Ok(Created::Created)
    }

    pub(super) fn update(
        &mut self,
        key: SessionHandle,
        record: Record,
        expected: Revision,
        now: UnixMillis,
    ) -> Result<Updated, Full> {
        let live = self.find_live(key, now);
        let Some((index, old)) = live.and_then(|at| Some((at, self.slots[at].record()?))) else {
            return Ok(Updated::Gone);
        };
        if old.revision() != expected {
            return Ok(Updated::Conflict);
        }
        if record.is_expired(now) {
            self.remove(index, Some(Ended::Destroyed));
            return Ok(Updated::Updated);
        }
        let (before, after) = (cost(old.size()), cost(record.size()));
        self.usage.reserve(0, after.saturating_sub(before))?;
        if after < before {
            self.usage.release(0, before - after);
        }
        if old.subject() == record.subject() {
            self.replace(index, record);
        } else {
            self.unindex(index);
            self.replace(index, record);
            self.index(index);
        }
        Ok(Updated::Updated)
    }

    pub(super) fn touch(
        &mut self,
        key: SessionHandle,
        deadline: UnixMillis,
        now: UnixMillis,
    ) -> bool {
        let live = self.find_live(key, now);
        if let Some(index) = live {
            self.set_idle_deadline(index, deadline);
        }
        live.is_some()
    }

    pub(super) fn delete(&mut self, key: SessionHandle, why: Ended, now: UnixMillis) -> bool {
        let live = self.find_live(key, now);
        if let Some(index) = live {
            self.remove(index, Some(why));
        }
        live.is_some()
    }

    /// Does a part of removing up to `limit` expired sessions, so that the lock is not held for all of it.
    pub(super) fn sweep(&mut self, sweep: &mut Sweep, limit: usize, now: UnixMillis) -> usize {
        let looks = match *sweep {
            Sweep::Collecting => {
                if (0..BATCH).all(|_| self.wheel.step(&mut self.slots, now)) {
                    return 0;
                }
                self.wheel.due_len() as usize
            }
            Sweep::Removing { looks } => looks,
            Sweep::Done => return 0,
        };
        let batch = looks.min(BATCH);
        let removed = self.delete_due(batch, limit, now);
        *sweep = match looks - batch {
            0 => Sweep::Done,
            looks => Sweep::Removing { looks },
        };
        removed
    }

    /// The bit of cleaning up that every call does.
    pub(super) fn upkeep(&mut self, now: UnixMillis) {
        for _ in 0..UPKEEP {
            if !self.wheel.step(&mut self.slots, now) {
                break;
            }
        }
        self.delete_due(UPKEEP, UPKEEP, now);
    }

    /// Ends an anonymous session other than `except`: of a few that follow the hand, the one that would end
    /// first.
    pub(super) fn evict_anonymous(&mut self, except: SessionHandle) -> bool {
        if self.anonymous == 0 {
            return false;
        }
        let mut sample = Vec::with_capacity(SAMPLE);
        for _ in 0..self.slots.len() {
            self.hand = (self.hand + 1) % self.slots.len();
            let slot = &self.slots[self.hand];
            if slot.is_anonymous() && slot.key() != except {
                sample.push((slot.expires_at(), self.hand));
            }
            if sample.len() == SAMPLE {
                break;
            }
        }
        let victim = sample.into_iter().min();
        if let Some((_, index)) = victim {
            self.remove(index, None);
        }
        victim.is_some()
    }

    /// Whether there is a record, live or not.
    pub(super) fn holds(&self, key: SessionHandle) -> bool {
        self.find(key).is_some()
    }

    pub(super) fn by_subject(
        &self,
        subject: &str,
        now: UnixMillis,
    ) -> impl Iterator<Item = (SessionHandle, Record)> {
        let same_hash = self.by_subject.iter_hash(self.subject_hasher.hash_one(subject));
        same_hash
            .map(|&index| &self.slots[index])
            .filter(move |slot| slot.is_live(now))
            .filter_map(|slot| Some((slot.key(), slot.record()?)))
            .filter(move |(_, record)| record.subject() == Some(subject))
    }

    /// The first `limit` live sessions after a handle, sorted.
    pub(super) fn page(
        &self,
        after: Option<SessionHandle>,
        limit: usize,
        now: UnixMillis,
    ) -> Vec<(SessionHandle, Record)> {
        let mut found: Vec<_> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.is_live(now) && after.is_none_or(|after| slot.key() > after))
            .map(|(index, slot)| (slot.key(), index))
            .collect();
        found.sort_unstable();
        found.truncate(limit);
        let record = |(key, index): (_, u32)| Some((key, self.slots[index].record()?));
        found.into_iter().filter_map(record).collect()
    }

    pub(super) fn count(&self, now: UnixMillis) -> u64 {
        self.slots.iter().filter(|(_, slot)| slot.is_live(now)).count() as u64
    }

    fn find(&self, key: SessionHandle) -> Option<u32> {
        self.by_key.find(hash(key), |&index| self.slots[index].key() == key).copied()
    }

    /// Finds a live session; one that has expired is removed on the way.
    fn find_live(&mut self, key: SessionHandle, now: UnixMillis) -> Option<u32> {
        let index = self.find(key)?;
        if self.slots[index].is_live(now) {
            return Some(index);
        }
        self.remove(index, Some(Ended::Expired));
        None
    }

    /// Puts a record in the place of another.
    fn replace(&mut self, index: u32, record: Record) {
        let before = self.slots[index].expires_at();
        self.slots[index].replace(record);
        self.relink_if_earlier(index, before);
    }

    fn set_idle_deadline(&mut self, index: u32, deadline: UnixMillis) {
        let before = self.slots[index].expires_at();
        self.slots[index].set_idle_deadline(deadline);
        self.relink_if_earlier(index, before);
    }

    /// A later deadline leaves the wheel alone.
    fn relink_if_earlier(&mut self, index: u32, before: UnixMillis) {
        if self.slots[index].expires_at() < before {
            self.wheel.unlink(&mut self.slots, index);
            self.wheel.link(&mut self.slots, index);
        }
    }

    fn remove(&mut self, index: u32, why: Option<Ended>) {
        let key = self.slots[index].key();
        if let Ok(entry) = self.by_key.find_entry(hash(key), |&at| at == index) {
            entry.remove();
        }
        self.unindex(index);
        self.wheel.unlink(&mut self.slots, index);
        self.usage.release(1, cost(self.slots[index].size()));
        let body = self.slots.remove(index);
        let place = self.freed.iter_mut().find(|place| place.is_none());
        debug_assert!(place.is_some(), "more than a batch was removed under one lock");
        if let Some(place) = place {
            *place = body;
        }
        match why {
            Some(Ended::Expired) => self.tombstones.insert_in_room(key, Ended::Expired),
            Some(why) => self.tombstones.insert(key, why),
            None => {}
        }
        self.ended.extend(self.watchers.take(key));
    }

    /// Looks at up to `looks` due sessions, at each once, and removes up to `limit` of them.
    fn delete_due(&mut self, looks: usize, limit: usize, now: UnixMillis) -> usize {
        let mut removed = 0;
        for _ in 0..looks.min(self.wheel.due_len() as usize) {
            let Some(index) = self.wheel.first_due().filter(|_| removed < limit) else {
                break;
            };
            if !self.slots[index].is_live(now) {
                self.remove(index, Some(Ended::Expired));
                removed += 1;
            } else if self.wheel.is_early(&self.slots, index) {
                // Renewed since it was linked.
                self.wheel.unlink(&mut self.slots, index);
                self.wheel.link(&mut self.slots, index);
            } else {
                // It ends within this tick, or the clock was set back.
                self.wheel.rotate_due(&self.slots);
            }
        }
        removed
    }

    /// Enters a session among those of its subject, or counts it as anonymous.
    fn index(&mut self, index: u32) {
        let Some(hash) = subject_hash(&self.slots, &self.subject_hasher, index) else {
            self.anonymous += 1;
            self.usage.note_change();
            return;
        };
        let (slots, hasher) = (&self.slots, &self.subject_hasher);
        self.by_subject
            .insert_unique(hash, index, |&at| subject_hash(slots, hasher, at).unwrap_or_default());
    }

    fn unindex(&mut self, index: u32) {
        let Some(hash) = subject_hash(&self.slots, &self.subject_hasher, index) else {
            self.anonymous -= 1;
            return;
        };
        if let Ok(entry) = self.by_subject.find_entry(hash, |&at| at == index) {
            entry.remove();
        }
    }
}

fn subject_hash(slots: &Slab, hasher: &RandomState, index: u32) -> Option<u64> {
    slots[index].record()?.subject().map(|subject| hasher.hash_one(subject))
}
