//! The data verbs of a session, as in `HashMap`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{KeyOf, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Data, Encoding, check_key};
use crate::session::draft::UpdateFn;

/// How often an update is computed again because another thread changed the session meanwhile.
const MAX_LOCAL_RACES: usize = 1000;

impl Session {
    /// The value of `key`, decoded.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if it is there but is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: impl KeyOf<T>) -> Result<Option<T>> {
        let key = key.key_name();
        let (encoding, found) = {
            let state = self.shared().state();
            (self.encoding_of(&state), state.draft.share(key))
        };
        // Decoding runs code of `T`, so the lock is released by now.
        let value = found.as_ref().and_then(|found| found.bytes(key));
        value.map(|value| encoding.decode(value)).transpose()
    }

    /// Sets the value of `key`.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`], [`ErrorKind::InvalidKey`] and [`ErrorKind::ReservedKey`] by the configured
    /// limits, [`ErrorKind::Encode`] if the value cannot be encoded, [`ErrorKind::Closed`] after the response.
    /// The session is then as before.
    #[doc(alias = "set")]
    pub fn insert<T: Serialize + ?Sized>(&self, key: impl KeyOf<T>, value: &T) -> Result<()> {
        let key = key.key_name();
        check_key(key, self.limits())?;
        let encoding = self.encoding_of(&self.shared().state());
        let value = encoding.encode(value)?;
        self.limits().check_value(encoding, &value)?;
        self.change(|state| {
            let (keys, bytes) = state.draft.totals_with(key, &value);
            self.limits().check_totals(keys, bytes)?;
            state.draft.set(key, Some(value));
            Ok(())
        })
    }

    /// Removes `key`; whether it was there.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after the response.
    pub fn remove(&self, key: &str) -> Result<bool> {
        self.change(|state| {
            let there = state.draft.value(key).is_some();
            if there {
                state.draft.set(key, None);
            }
            Ok(there)
        })
    }

    /// Changes the value of `key` in place, starting from the default where there is none.
    ///
    /// If another request commits first, the closure runs again on the fresh value: fifty concurrent
    /// increments are fifty. So it may run more than once, and its last run is the one that is stored; what
    /// is returned comes from the first. It runs while no lock is held.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if the value is no `T`; otherwise as [`insert`](Self::insert).
    ///
    /// # Examples
    /// ```
    /// # fn f(session: cloakroom::Session) -> Result<(), cloakroom::Error> {
    /// let visits = session.update("visits", |n: &mut u64| { *n += 1; *n })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update<T, R>(
        &self,
        key: impl KeyOf<T>,
        mut change: impl FnMut(&mut T) -> R + Send + 'static,
    ) -> Result<R>
    where
        T: Default + Serialize + DeserializeOwned + 'static,
    {
        let key = key.key_name();
        check_key(key, self.limits())?;
        for _ in 0..MAX_LOCAL_RACES {
            let (encoding, seen, generation) = {
                let state = self.shared().state();
                let seen = state.draft.value(key).map(<[u8]>::to_vec);
                (self.encoding_of(&state), seen, state.draft.generation())
            };
            let (value, result) = apply(encoding, seen.as_deref(), &mut change)?;
            self.limits().check_value(encoding, &value)?;
            let mut logged = Some((value, change));
            let done = self.change(|state| {
                if state.draft.generation() != generation {
                    return Ok(false);
                }
                let Some((value, mut change)) = logged.take() else { return Ok(false) };
                let (keys, bytes) = state.draft.totals_with(key, &value);
                self.limits().check_totals(keys, bytes)?;
                let again: UpdateFn =
                    Box::new(move |encoding, seen| Ok(apply(encoding, seen, &mut change)?.0));
                state.draft.update(key, value, again);
                Ok(true)
            })?;
            match logged {
                Some((_, unused)) if !done => change = unused,
                _ => return Ok(result),
            }
        }
        Err(Error::new(
            ErrorKind::Contended,
            "other threads of this request kept changing the session; update it from one",
        ))
    }

    /// Whether `key` is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.shared().state().draft.value(key).is_some()
    }

    /// The keys, sorted.
    pub fn keys(&self) -> Vec<String> {
        self.shared().state().draft.keys()
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.shared().state().draft.len()
    }

    /// Whether there is no data.
    pub fn is_empty(&self) -> bool {
        self.shared().state().draft.is_empty()
    }

    /// Removes all data. The session itself ends if nobody is signed in.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] after the response.
    pub fn clear(&self) -> Result<()> {
        self.change(|state| {
            if !state.draft.is_empty() || state.draft.is_changed() {
                state.draft.clear();
            }
            Ok(())
        })
    }

    /// All data as it is now, to iterate; [`decode`](Self::decode) makes one value of it.
    ///
    /// A copy if this request changed something, otherwise a reference count.
    ///
    /// # Examples
    /// ```
    /// # fn f(session: cloakroom::Session) -> Result<(), cloakroom::Error> {
    /// let data = session.data();
    /// for (key, value) in data.iter() {
    ///     let value: serde_json::Value = data.encoding().decode(value)?;
    ///     println!("{key}: {value}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn data(&self) -> Data {
        let state = self.shared().state();
        state.draft.whole(self.encoding_of(&state))
    }

    /// Decodes all data into one type, whose fields are the keys; this request's changes included.
    ///
    /// Keys that the type does not know are passed over. It is a look, not a link: what is changed in the value
    /// is not changed in the session.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if the data is no `T`: a field is missing that is neither an `Option` nor has a
    /// default, or a value is of another type.
    ///
    /// # Examples
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Shopper {
    ///     name: Option<String>,
    ///     #[serde(default)]
    ///     cart: Vec<u32>,
    /// }
    ///
    /// # fn f(session: cloakroom::Session) -> Result<(), cloakroom::Error> {
    /// let shopper: Shopper = session.decode()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        // Decoding runs code of `T`, so the lock is released by now.
        self.data().decode()
    }

    fn limits(&self) -> &crate::record::Limits {
        self.shared().backend.limits()
    }

    fn encoding_of(&self, state: &super::State) -> Encoding {
        self.shared().backend.encoding_for(state.record.as_ref())
    }
}

fn apply<T, R>(
    encoding: Encoding,
    seen: Option<&[u8]>,
    change: &mut impl FnMut(&mut T) -> R,
) -> Result<(Vec<u8>, R)>
where
    T: Default + Serialize + DeserializeOwned,
{
    let mut value = match seen {
        Some(bytes) => encoding.decode(bytes)?,
        None => T::default(),
    };
    let result = change(&mut value);
    Ok((encoding.encode(&value)?, result))
}
