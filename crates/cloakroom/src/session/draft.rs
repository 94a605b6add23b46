//! Changes that are not stored yet: a log, and what it makes of the loaded data.
//!
//! The log is what a commit stores: on a conflict it is replayed on fresh data, so that two requests that
//! change different keys both survive.

use std::sync::Arc;

use crate::error::Result;
use crate::record::{Data, Encoding, Limits, from_sorted};

/// Computes a new encoded value from the present one; run again on each replay.
pub(crate) type UpdateFn = Box<dyn FnMut(Encoding, Option<&[u8]>) -> Result<Vec<u8>> + Send>;

/// An encoded value, or "removed".
type Setting = Option<Arc<[u8]>>;

/// A value that outlives the lock it was found under, without a copy of its bytes.
pub(crate) enum SharedValue {
    Loaded(Data),
    Changed(Arc<[u8]>),
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

enum Change {
    Set { key: Arc<str>, value: Setting },
    Update { key: Arc<str>, apply: UpdateFn },
    Clear,
}

/// Loaded data under a log of changes.
#[derive(Default)]
pub(crate) struct Draft {
    base: Option<Data>,
    /// Whether the base is hidden.
    cleared: bool,
    /// What the log made of single keys, sorted.
    overlay: Vec<(Arc<str>, Setting)>,
    /// Each with the generation that it made.
    log: Vec<(u64, Change)>,
    /// What the changes make of the base, once it has been built.
    built: Option<Data>,
    /// Counts changes, so that an update computed outside the lock notices a change in between.
    generation: u64,
}

impl Draft {
    pub(crate) fn over(base: Option<Data>) -> Self {
        Self { base, ..Self::default() }
    }

    pub(crate) fn is_changed(&self) -> bool {
        !self.log.is_empty()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn value(&self, key: &str) -> Option<&[u8]> {
        match self.position(key) {
            Ok(at) => self.overlay[at].1.as_deref(),
            Err(_) if self.cleared => None,
            Err(_) => self.base.as_ref()?.value(key),
        }
    }

    /// A share of the value, to be decoded after the lock around this draft is released.
    pub(crate) fn share(&self, key: &str) -> Option<SharedValue> {
        match self.position(key) {
            Ok(at) => self.overlay[at].1.clone().map(SharedValue::Changed),
            Err(_) if self.cleared => None,
            Err(_) => self.base.clone().map(SharedValue::Loaded),
        }
    }

    pub(crate) fn set(&mut self, key: &str, value: Option<Vec<u8>>) {
        let key: Arc<str> = key.into();
        let value: Setting = value.map(Into::into);
        self.put(key.clone(), value.clone());
        self.log.push((self.generation, Change::Set { key, value }));
    }

    /// Logs an update whose first result is `value`.
    pub(crate) fn update(&mut self, key: &str, value: Vec<u8>, apply: UpdateFn) {
        let key: Arc<str> = key.into();
        self.put(key.clone(), Some(value.into()));
        self.log.push((self.generation, Change::Update { key, apply }));
    }

    pub(crate) fn clear(&mut self) {
        self.hide_all();
        self.log.clear();
        self.log.push((self.generation, Change::Clear));
    }

    /// Visits keys and encoded values as the changes leave them, sorted by key.
    fn visit<'d>(&'d self, visit: &mut dyn FnMut(&'d str, &'d [u8])) {
        let mut one = |key: &'d str, value: Option<&'d [u8]>| {
            if let Some(value) = value {
                visit(key, value);
            }
        };
        let mut overlay = self.overlay.iter().peekable();
        let base = self.base.as_ref().filter(|_| !self.cleared);
        for (key, value) in base.into_iter().flat_map(Data::iter) {
            while let Some((new, value)) = overlay.next_if(|(new, _)| **new < *key) {
                one(new, value.as_deref());
            }
            match overlay.next_if(|(new, _)| **new == *key) {
                Some((_, replaced)) => one(key, replaced.as_deref()),
                None => one(key, Some(value)),
            }
        }
        for (new, value) in overlay {
            one(new, value.as_deref());
        }
    }

    /// Keys and encoded values as the changes leave them, sorted by key.
    pub(crate) fn entries(&self) -> Vec<(&str, &[u8])> {
        let most = self.base.as_ref().map_or(0, Data::len) + self.overlay.len();
        let mut entries = Vec::with_capacity(most);
        self.visit(&mut |key, value| entries.push((key, value)));
        entries
    }

    pub(crate) fn len(&self) -> usize {
        let mut len = 0;
        self.visit(&mut |_, _| len += 1);
        len
    }

    pub(crate) fn is_empty(&self) -> bool {
        if self.overlay.is_empty() && !self.cleared {
            return self.base.as_ref().is_none_or(Data::is_empty);
        }
        self.len() == 0
    }

    /// Number of keys and bytes that there would be with `value` at `key`.
    pub(crate) fn totals_with(&self, key: &str, value: &[u8]) -> (usize, usize) {
        let (mut keys, mut bytes) = (1, key.len() + value.len());
        self.visit(&mut |other, value| {
            if other != key {
                keys += 1;
                bytes += other.len() + value.len();
            }
        });
        (keys, bytes)
    }

    /// The data to store.
    pub(crate) fn data(&self, encoding: Encoding, limits: &Limits) -> Result<Data> {
        let data = match (&self.built, &self.base) {
            (Some(built), _) => built.clone(),
            (None, Some(base)) if !self.cleared && self.overlay.is_empty() => {
                return Ok(base.clone());
            }
            (None, _) => from_sorted(encoding, &self.entries()),
        };
        limits.check(&data)?;
        Ok(data)
    }

    /// Replays the log on other data.
    pub(crate) fn rebase(&mut self, base: Option<Data>, encoding: Encoding) -> Result<()> {
        self.base = base;
        self.built = None;
        self.cleared = false;
        self.overlay.clear();
        for (made, mut change) in std::mem::take(&mut self.log) {
            match &mut change {
                Change::Set { key, value } => self.put(key.clone(), value.clone()),
                Change::Update { key, apply } => {
                    let value = apply(encoding, self.value(key))?;
                    self.put(key.clone(), Some(value.into()));
                }
                Change::Clear => self.hide_all(),
            }
            self.log.push((made, change));
        }
        Ok(())
    }

    /// Whether the changes up to a generation lead to the same data when they are replayed on what they made.
    pub(crate) fn is_repeatable(&self, generation: u64) -> bool {
        let mut earlier = self.log.iter().filter(|(made, _)| *made <= generation);
        !earlier.any(|(_, change)| matches!(change, Change::Update { .. }))
    }

    /// Takes the changes up to a generation out of the log: they were stored. The view follows at the next rebase.
    pub(crate) fn forget(&mut self, generation: u64) {
        self.log.retain(|(made, _)| *made > generation);
    }

    /// Takes the changes away to be stored; what stays looks the same and has no changes.
    pub(crate) fn take(&mut self, encoding: Encoding) -> Self {
        let data = from_sorted(encoding, &self.entries());
        let rest = Self { generation: self.generation, ..Self::over(Some(data.clone())) };
        let taken = std::mem::replace(self, rest);
        Self { built: Some(data), ..taken }
    }

    /// Puts changes that were [taken](Self::take) and not stored back under the ones that came since.
    ///
    /// What came since was made on top of them, so nothing is computed again.
    pub(crate) fn put_back(&mut self, mut earlier: Self) {
        let later = std::mem::take(self);
        if later.cleared {
            earlier.hide_all();
        }
        for (key, value) in later.overlay {
            earlier.put(key, value);
        }
        earlier.log.extend(later.log);
        earlier.generation = later.generation + 1;
        *self = earlier;
    }

    /// Takes the place of what this draft held, as one more change of the view.
    pub(crate) fn replace_with(&mut self, other: Self) {
        *self = Self { generation: self.generation + 1, ..other };
    }

    fn hide_all(&mut self) {
        self.cleared = true;
        self.built = None;
        self.overlay.clear();
        self.generation += 1;
    }

    fn put(&mut self, key: Arc<str>, value: Setting) {
        self.generation += 1;
        self.built = None;
        match self.position(&key) {
            Ok(at) => self.overlay[at].1 = value,
            Err(at) => self.overlay.insert(at, (key, value)),
        }
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.overlay.binary_search_by(|(have, _)| (**have).cmp(key))
    }
}
