//! How one value is encoded.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, ErrorKind, Result};

/// The encoding of a session's values, and of its data as one document.
///
/// A session keeps the encoding it was created with; changing the configuration changes new sessions.
/// Both are plain data: no type names, no code, nothing that is executed when read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Encoding {
    /// JSON (RFC 8259). The default, because people look at their stores.
    #[default]
    Json,
    /// MessagePack with named fields: about a quarter smaller, and faster. Needs the feature `msgpack`.
    #[cfg(feature = "msgpack")]
    MessagePack,
}

impl Encoding {
    pub(super) fn of_data(message_pack: bool) -> Self {
        #[cfg(feature = "msgpack")]
        if message_pack {
            return Self::MessagePack;
        }
        debug_assert!(!message_pack, "refused when the record was read");
        Self::Json
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// [`ErrorKind::Encode`] if the encoding cannot hold it (a map with keys that are no strings, in JSON).
    pub fn encode<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>> {
        match self {
            Self::Json => serde_json::to_vec(value).map_err(|_| encode_error::<T>()),
            #[cfg(feature = "msgpack")]
            Self::MessagePack => rmp_serde::to_vec_named(value).map_err(|_| encode_error::<T>()),
        }
    }

    /// Decodes a value, all of it.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] if the bytes are no `T`, or go on behind it.
    pub fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T> {
        self.decode_seed(bytes, PhantomData).ok_or_else(type_error::<T>)
    }

    /// Decodes a value, all of it, if it is what `seed` takes.
    pub(super) fn decode_seed<'de, S: DeserializeSeed<'de>>(
        self,
        bytes: &'de [u8],
        seed: S,
    ) -> Option<S::Value> {
        match self {
            Self::Json => {
                let mut deserializer = serde_json::Deserializer::from_slice(bytes);
                let value = seed.deserialize(&mut deserializer).ok()?;
                deserializer.end().is_ok().then_some(value)
            }
            #[cfg(feature = "msgpack")]
            Self::MessagePack => {
                let mut deserializer = rmp_serde::Deserializer::new(std::io::Cursor::new(bytes));
                let value = seed.deserialize(&mut deserializer).ok()?;
                (deserializer.position() as usize == bytes.len()).then_some(value)
            }
        }
    }

    /// Whether `bytes` are exactly one value, nested at most `max_depth` deep.
    pub(crate) fn check(self, bytes: &[u8], max_depth: usize) -> Result<()> {
        let probe = Probe { left: max_depth };
        let ok = match self {
            Self::Json => {
                let mut deserializer = serde_json::Deserializer::from_slice(bytes);
                probe.deserialize(&mut deserializer).and_then(|()| deserializer.end()).is_ok()
            }
            #[cfg(feature = "msgpack")]
            Self::MessagePack => {
                let mut deserializer = rmp_serde::Deserializer::new(std::io::Cursor::new(bytes));
                probe.deserialize(&mut deserializer).is_ok()
                    && deserializer.position() as usize == bytes.len()
            }
        };
        if ok { Ok(()) } else { Err(too_deep(max_depth)) }
    }

    /// Whether a value that was just encoded can be nested at all; scalars need no probe.
    pub(crate) fn is_container(self, bytes: &[u8]) -> bool {
        match self {
            Self::Json => matches!(bytes.first(), Some(b'[' | b'{')),
            #[cfg(feature = "msgpack")]
            Self::MessagePack => matches!(bytes.first(), Some(0x80..=0x9f | 0xdc..=0xdf)),
        }
    }
}

// The cause is left out on purpose: serde's messages quote the value.
pub(super) fn type_error<T>() -> Error {
    Error::new(
        ErrorKind::Type,
        format!(
            "a stored value is not a `{}`; read it as the type it was written with",
            std::any::type_name::<T>()
        ),
    )
}

fn encode_error<T: ?Sized>() -> Error {
    Error::new(
        ErrorKind::Encode,
        format!("a `{}` cannot be written in the session's encoding", std::any::type_name::<T>()),
    )
}

fn too_deep(max_depth: usize) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!(
            "a value is malformed or nested more than {max_depth} deep; store less, or raise `max_depth`"
        ),
    )
}

/// Walks any value without keeping it, counting how deep it goes.
#[derive(Clone, Copy)]
struct Probe {
    left: usize,
}

impl Probe {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let left = self.left.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { left })
    }
}

impl<'de> DeserializeSeed<'de> for Probe {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! accept {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(fn $name<E>(self, _: $type) -> Result<(), E> { Ok(()) })*
    };
}

impl<'de> Visitor<'de> for Probe {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    accept! {
        visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64,
        visit_str: &str, visit_bytes: &[u8],
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while seq.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while map.next_key_seed(inner)?.is_some() {
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}
