//! Session data as one document: a JSON object or a MessagePack map, for stores that people look into.

use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::record::{Data, DataBuilder, Encoding, Limits};

impl Data {
    /// The data as one plain document in its encoding, keys in order: `{"cart":[1,2],"name":"Ada"}`.
    pub fn to_document(&self) -> Vec<u8> {
        match self.encoding() {
            Encoding::Json => self.to_json(),
            #[cfg(feature = "msgpack")]
            Encoding::MessagePack => self.to_message_pack(),
        }
    }

    /// Reads a document back. It is not trusted.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] for what is no object, has a key twice, goes on behind its end, or is beyond
    /// `limits`.
    pub fn from_document(encoding: Encoding, document: &[u8], limits: &Limits) -> Result<Self> {
        // Whitespace and escapes can make a document longer than what it holds, but not without bound.
        if document.len() > 4 * limits.max_bytes + 64 * limits.max_keys {
            return Err(corrupt());
        }
        let builder = match encoding {
            Encoding::Json => read_json(document),
            #[cfg(feature = "msgpack")]
            Encoding::MessagePack => read_message_pack(document, limits.max_depth),
        };
        let data = builder.ok_or_else(corrupt)?.build();
        limits.check(&data).map_err(|_| corrupt())?;
        for (key, value) in data.iter() {
            if key.len() > limits.max_key_bytes || encoding.check(value, limits.max_depth).is_err()
            {
                return Err(corrupt());
            }
        }
        Ok(data)
    }

    fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.section().len() + 6 * self.len() + 2);
        for (key, value) in self.iter() {
            out.push(if out.is_empty() { b'{' } else { b',' });
            out.extend(serde_json::to_vec(key).expect("a string is always JSON"));
            out.push(b':');
            out.extend(value);
        }
        if out.is_empty() {
            out.push(b'{');
        }
        out.push(b'}');
        out
    }

    #[cfg(feature = "msgpack")]
    fn to_message_pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.section().len() + 5);
        match self.len() {
            len @ 0..=15 => out.push(0x80 | len as u8),
            len @ 16..=0xffff => {
                out.push(0xde);
                out.extend((len as u16).to_be_bytes());
            }
            len => {
                out.push(0xdf);
                out.extend((len as u32).to_be_bytes());
            }
        }
        for (key, value) in self.iter() {
            out.extend(rmp_serde::to_vec(key).expect("a string is always MessagePack"));
            out.extend(value);
        }
        out
    }
}

fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt, "stored session data is malformed or beyond the limits")
}

fn read_json(document: &[u8]) -> Option<DataBuilder> {
    let mut deserializer = serde_json::Deserializer::from_slice(document);
    let builder = deserializer.deserialize_map(JsonObject).ok()?;
    deserializer.end().ok()?;
    Some(builder)
}

struct JsonObject;

impl<'de> Visitor<'de> for JsonObject {
    type Value = DataBuilder;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DataBuilder, A::Error> {
        let mut builder = DataBuilder::new(Encoding::Json);
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            add_once(&mut builder, &key, value.get().as_bytes()).map_err(A::Error::custom)?;
        }
        Ok(builder)
    }
}

fn add_once(builder: &mut DataBuilder, key: &str, value: &[u8]) -> Result<()> {
    if builder.contains_key(key) {
        return Err(corrupt());
    }
    builder.insert_encoded(key, value.to_vec())
}

#[cfg(feature = "msgpack")]
fn read_message_pack(document: &[u8], max_depth: usize) -> Option<DataBuilder> {
    use serde::Deserialize as _;

    let (&marker, rest) = document.split_first()?;
    let (count, mut at) = match marker {
        0x80..=0x8f => (usize::from(marker & 0x0f), 1),
        0xde => (usize::from(u16::from_be_bytes(rest.first_chunk().copied()?)), 3),
        0xdf => (u32::from_be_bytes(rest.first_chunk().copied()?) as usize, 5),
        _ => return None,
    };
    let mut builder = DataBuilder::new(Encoding::MessagePack);
    for _ in 0..count {
        let mut reader = rmp_serde::Deserializer::new(std::io::Cursor::new(document.get(at..)?));
        let key = String::deserialize(&mut reader).ok()?;
        let value_at = at + reader.position() as usize;
        let mut reader =
            rmp_serde::Deserializer::new(std::io::Cursor::new(document.get(value_at..)?));
        reader.set_max_depth(max_depth + 1);
        serde::de::IgnoredAny::deserialize(&mut reader).ok()?;
        at = value_at + reader.position() as usize;
        add_once(&mut builder, &key, document.get(value_at..at)?).ok()?;
    }
    (at == document.len()).then_some(builder)
}
