//! Changes that are not stored yet: for each key what became of it, and how to do it again.
//!
//! A commit stores what the changes make of the loaded data. On a conflict they are replayed on fresh data, so
//! that two requests that change different keys both survive.

use crate::error::Result;
use crate::record::{Data, Encoding, Entries, Section};

/// Computes a new encoded value from the present one; run again on each replay.
pub(crate) type UpdateFn = Box<dyn FnMut(Encoding, Option<&[u8]>) -> Result<Vec<u8>> + Send>;

/// A value that outlives the lock it was found under.
pub(crate) enum SharedValue {
    Loaded(Data),
    Changed(Vec<u8>),
}

impl SharedValue {
    /// The encoded value of the key that it was found by.
    pub(crate) fn bytes(&self, key: &str) -> Option<&[u8]> {
        match self {
            Self::Loaded(data) => data.value(key),
            Self::Changed(value) => Some(value),
        }
    }
}

/// What became of one key.
struct Change {
    key: Box<str>,
    /// The encoded value, or "removed".
    value: Option<Vec<u8>>,
    /// The generation that set, removed or cleared it: whatever was loaded, the value starts from that.
    fixed: Option<u64>,
    /// What was done to it since, in order, each with its generation.
    updates: Vec<(u64, UpdateFn)>,
    /// The generation of the last change of it.
    made: u64,
}

/// Loaded data under changes.
#[derive(Default)]
pub(crate) struct Draft {
    base: Option<Data>,
    /// Whether the base is hidden.
    cleared: bool,
    /// The generation that hid it.
    cleared_at: u64,
    /// One for each changed key, sorted by it.
    changes: Vec<Change>,
    /// Counts changes, so that an update computed outside the lock notices a change in between.
    generation: u64,
}

impl Draft {
    pub(crate) fn over(base: Option<Data>) -> Self {
        Self { base, ..Self::default() }
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.cleared || !self.changes.is_empty()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn value(&self, key: &str) -> Option<&[u8]> {
        match self.position(key) {
            Ok(at) => self.changes[at].value.as_deref(),
            Err(_) => self.loaded()?.value(key),
        }
    }

    /// The value, to be decoded after the lock around this draft is released.
    pub(crate) fn share(&self, key: &str) -> Option<SharedValue> {
        match self.position(key) {
            Ok(at) => self.changes[at].value.clone().map(SharedValue::Changed),
            Err(_) => self.loaded().cloned().map(SharedValue::Loaded),
        }
    }

    pub(crate) fn set(&mut self, key: &str, value: Option<Vec<u8>>) {
        let made = self.generation + 1;
        let updates = Vec::new();
        self.put(Change { key: key.into(), value, fixed: Some(made), updates, made });
    }

    /// Notes an update whose first result is `value`.
    pub(crate) fn update(&mut self, key: &str, value: Vec<u8>, apply: UpdateFn) {
        let made = self.generation + 1;
        self.put(Change {
            key: key.into(),
            value: Some(value),
            fixed: None,
            updates: vec![(made, apply)],
            made,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.cleared = true;
        self.changes.clear();
        self.generation += 1;
        self.cleared_at = self.generation;
    }

    /// The keys as the changes leave them, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys = Vec::with_capacity(self.len());
        self.visit(&mut |key, _| keys.push(String::from_utf8_lossy(key).into_owned()));
        keys
    }

    pub(crate) fn len(&self) -> usize {
        self.totals().0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of keys and bytes that there would be with `value` at `key`.
    pub(crate) fn totals_with(&self, key: &str, value: &[u8]) -> (usize, usize) {
        let (keys, bytes) = self.totals();
        match self.value(key) {
            Some(replaced) => (keys, bytes - replaced.len() + value.len()),
            None => (keys + 1, bytes + key.len() + value.len()),
        }
    }

    /// The data as the changes leave it; without any, no copy.
    pub(crate) fn whole(&self, encoding: Encoding) -> Data {
        match &self.base {
            Some(base) if !self.is_changed() => base.clone(),
            _ => Section::new(encoding, self).build(),
        }
    }

    /// Replays the changes on other data.
    pub(crate) fn rebase(&mut self, base: Option<Data>, encoding: Encoding) -> Result<()> {
        self.base = base;
        for at in 0..self.changes.len() {
            if self.changes[at].fixed.is_some() {
                continue;
            }
            let loaded = self.loaded().and_then(|data| data.value(&self.changes[at].key));
            let mut value = loaded.map(<[u8]>::to_vec);
            for (_, update) in &mut self.changes[at].updates {
                value = Some(update(encoding, value.as_deref())?);
            }
            self.changes[at].value = value;
        }
        Ok(())
    }

    /// Whether the changes up to a generation lead to the same data when they are replayed on what they made.
    pub(crate) fn is_repeatable(&self, generation: u64) -> bool {
        let from_loaded = self.changes.iter().filter(|change| change.fixed.is_none());
        !from_loaded.flat_map(|change| &change.updates).any(|(made, _)| *made <= generation)
    }

    /// Takes the changes up to a generation out: they were stored. What the later ones make is computed at the
    /// next rebase.
    pub(crate) fn forget(&mut self, generation: u64) {
        self.cleared &= self.cleared_at > generation;
        self.changes.retain(|change| change.made > generation);
        for change in &mut self.changes {
            // What it started from lies in the store now, where others may have changed it since.
            change.fixed.take_if(|fixed| *fixed <= generation);
            change.updates.retain(|(made, _)| *made > generation);
        }
    }

    /// Takes the changes away to be stored, which makes `stored` of them; what stays has no changes.
    pub(crate) fn take(&mut self, stored: Data) -> Self {
        let rest = Self { generation: self.generation, ..Self::over(Some(stored)) };
        std::mem::replace(self, rest)
    }

    /// Puts changes that were [taken](Self::take) and not stored back under the ones that came since.
    ///
    /// What came since was made on top of them, so nothing is computed again.
    pub(crate) fn put_back(&mut self, earlier: Self) {
        let later = std::mem::replace(self, earlier);
        if later.cleared {
            self.clear();
            self.cleared_at = later.cleared_at;
        }
        for change in later.changes {
            self.put(change);
        }
        self.generation = later.generation + 1;
    }

    /// Drops the changes that were not [taken](Self::take), as one more change of the view.
    pub(crate) fn discard(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::over(self.base.take()) };
    }

    /// Takes the place of what this draft held, as one more change of the view.
    pub(crate) fn replace_with(&mut self, other: Self) {
        *self = Self { generation: self.generation + 1, ..other };
    }

    /// What was loaded, as far as the changes let it show.
    fn loaded(&self) -> Option<&Data> {
        self.base.as_ref().filter(|_| !self.cleared)
    }

    /// Adds a change on top of those of its key.
    fn put(&mut self, mut change: Change) {
        self.generation += 1;
        match self.position(&change.key) {
            Ok(at) if change.fixed.is_some() => self.changes[at] = change,
            Ok(at) => {
                let earlier = &mut self.changes[at];
                (earlier.value, earlier.made) = (change.value, change.made);
                earlier.updates.append(&mut change.updates);
            }
            Err(at) => {
                if self.cleared && change.fixed.is_none() {
                    change.fixed = Some(self.cleared_at);
                }
                self.changes.insert(at, change);
            }
        }
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.changes.binary_search_by(|change| (*change.key).cmp(key))
    }
}

impl Entries for Draft {
    fn totals(&self) -> (usize, usize) {
        let loaded = self.loaded();
        let (mut keys, mut bytes) = loaded.map_or((0, 0), |data| (data.len(), data.size()));
        for Change { key, value, .. } in &self.changes {
            if let Some(replaced) = loaded.and_then(|data| data.value(key)) {
                keys -= 1;
                bytes -= key.len() + replaced.len();
            }
            if let Some(value) = value {
                keys += 1;
                bytes += key.len() + value.len();
            }
        }
        (keys, bytes)
    }

    fn visit<'e>(&'e self, visit: &mut dyn FnMut(&'e [u8], &'e [u8])) {
        let mut changes = self.changes.iter().peekable();
        let mut one = |key: &'e [u8], value: Option<&'e [u8]>| {
            if let Some(value) = value {
                visit(key, value);
            }
        };
        for (key, value) in self.loaded().into_iter().flat_map(Data::raw) {
            while let Some(new) = changes.next_if(|change| change.key.as_bytes() < key) {
                one(new.key.as_bytes(), new.value.as_deref());
            }
            match changes.next_if(|change| change.key.as_bytes() == key) {
                Some(replaced) => one(key, replaced.value.as_deref()),
                None => one(key, Some(value)),
            }
        }
        for new in changes {
            one(new.key.as_bytes(), new.value.as_deref());
        }
    }
}
