//! Session data as a whole, decoded into one type: the keys are its fields.
//!
//! Each value is decoded from the bytes where it lies; nothing is put together or encoded again first.

use std::fmt;

use serde::Deserializer;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess, Visitor};

use crate::error::Result;
use crate::record::codec::type_error;
use crate::record::{Data, Encoding};

impl Data {
    /// Decodes all of it into one type, whose fields are the keys.
    ///
    /// Keys that the type does not know are passed over, unless it is marked `deny_unknown_fields`; a field that
    /// is no `Option` and has no default must be there. A map of one type takes every key.
    ///
    /// # Errors
    /// [`ErrorKind::Type`](crate::ErrorKind::Type) if it is no `T`. The error names the type, never a key or a
    /// value.
    ///
    /// # Examples
    /// ```
    /// use cloakroom::{DataBuilder, Encoding};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Shopper {
    ///     visits: u32,
    ///     name: Option<String>,
    /// }
    ///
    /// let mut builder = DataBuilder::new(Encoding::Json);
    /// builder.insert("visits", &3)?;
    /// builder.insert("cart", &["coat"])?;
    /// let shopper: Shopper = builder.build().decode()?;
    /// assert_eq!((shopper.visits, shopper.name), (3, None));
    /// # Ok::<(), cloakroom::Error>(())
    /// ```
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        let entries = Entries { encoding: self.encoding(), left: self.iter(), value: None };
        T::deserialize(entries).map_err(|Mismatch| type_error::<T>())
    }
}

/// What is left to decode.
struct Entries<'de, I> {
    encoding: Encoding,
    left: I,
    /// The value of the key that was taken last.
    value: Option<&'de [u8]>,
}

/// Something is not of the type that was asked for. It says nothing more, since serde's messages quote data.
#[derive(Debug)]
struct Mismatch;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the type that was asked for")
    }
}

impl std::error::Error for Mismatch {}

impl serde::de::Error for Mismatch {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de, I: ExactSizeIterator<Item = (&'de str, &'de [u8])>> MapAccess<'de> for Entries<'de, I> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mismatch> {
        let Some((key, value)) = self.left.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        let value = self.value.take().ok_or(Mismatch)?;
        self.encoding.decode_seed(value, seed).ok_or(Mismatch)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// As a document of the same data would be read: a map, and whatever stands for one.
impl<'de, I: ExactSizeIterator<Item = (&'de str, &'de [u8])>> Deserializer<'de>
    for Entries<'de, I>
{
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_map(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        // The one key is the variant; what follows would not be looked at.
        if self.left.len() != 1 {
            return Err(Mismatch);
        }
        MapAccessDeserializer::new(self).deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    use crate::{Data, DataBuilder, Encoding, ErrorKind};

    fn encodings() -> Vec<Encoding> {
        vec![
            Encoding::Json,
            #[cfg(feature = "msgpack")]
            Encoding::MessagePack,
        ]
    }

    fn data(encoding: Encoding, entries: &[(&str, Value)]) -> Data {
        let mut builder = DataBuilder::new(encoding);
        for (key, value) in entries {
            builder.insert(key, value).unwrap();
        }
        builder.build()
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Shopper {
        name: String,
        visits: u32,
        cart: Vec<BTreeMap<String, Option<f64>>>,
        #[serde(rename = "last seen")]
        seen: Option<i64>,
        #[serde(default)]
        theme: String,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Order {
        Paid { at: u64 },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(Shopper);

    fn shopper(encoding: Encoding) -> (Data, Shopper) {
        let entries = [
            ("visits", json!(3)),
            ("name", json!("Ada \"L\" \u{1F9E5}")),
            ("cart", json!([{"price": 1.5}, {"gift": null}])),
            ("unknown", json!({"deep": [[1], {"a": {}}]})),
            ("zzz", json!("behind all that is known")),
        ];
        let expected = Shopper {
            name: "Ada \"L\" \u{1F9E5}".to_owned(),
            visits: 3,
            cart: vec![
                BTreeMap::from([("price".to_owned(), Some(1.5))]),
                BTreeMap::from([("gift".to_owned(), None)]),
            ],
            seen: None,
            theme: String::new(),
        };
        (data(encoding, &entries), expected)
    }

    #[test]
    fn keys_are_fields_and_unknown_ones_are_passed_over() {
        for encoding in encodings() {
            let (data, expected) = shopper(encoding);
            assert_eq!(data.decode::<Shopper>().unwrap(), expected);
            assert_eq!(data.decode::<Wrapped>().unwrap().0, expected);
            assert_eq!(data.decode::<Option<Shopper>>().unwrap(), Some(expected));
        }
    }

    #[test]
    fn what_it_decodes_to_is_what_the_document_says() {
        for encoding in encodings() {
            let (data, _) = shopper(encoding);
            let whole: Value = data.decode().unwrap();
            assert_eq!(whole, encoding.decode::<Value>(&data.to_document()).unwrap());
            let paid = self::data(encoding, &[("Paid", json!({"at": 7}))]);
            assert_eq!(paid.decode::<Order>().unwrap(), Order::Paid { at: 7 });
            let counts = self::data(encoding, &[("a", json!(1)), ("b", json!(2))]);
            let expected = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
            assert_eq!(counts.decode::<BTreeMap<String, u8>>().unwrap(), expected);
            assert_eq!(Data::empty(encoding).decode::<Value>().unwrap(), json!({}));
            counts.decode::<serde::de::IgnoredAny>().unwrap();
        }
    }

    #[test]
    fn s_113_another_type_is_an_error_that_shows_no_data() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Strict {
            #[expect(dead_code, reason = "it is never decoded to its end")]
            name: String,
        }
        #[derive(Debug, Deserialize)]
        struct Pair {
            #[expect(dead_code, reason = "it is never decoded to its end")]
            pair: (u8, u8),
        }
        fn refuses<T: serde::de::DeserializeOwned + std::fmt::Debug>(entries: &[(&str, Value)]) {
            for encoding in encodings() {
                let error = data(encoding, entries).decode::<T>().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Type);
                let text = format!("{error} {error:?}");
                assert!(!text.contains("hunter2") && !text.contains("pass"), "{text}");
                assert!(std::error::Error::source(&error).is_none());
            }
        }
        refuses::<Shopper>(&[("name", json!("hunter2"))]);
        refuses::<Shopper>(&[("name", json!("hunter2")), ("visits", json!("hunter2"))]);
        refuses::<Strict>(&[("name", json!("ada")), ("pass", json!("hunter2"))]);
        refuses::<Pair>(&[("pair", json!([1, 2, 3])), ("pass", json!("hunter2"))]);
        refuses::<BTreeMap<String, u8>>(&[("a", json!(1)), ("pass", json!("hunter2"))]);
        refuses::<Order>(&[("hunter2", json!(1))]);
        refuses::<Order>(&[("Paid", json!({"at": 1})), ("pass", json!("hunter2"))]);
        refuses::<Vec<String>>(&[("0", json!("hunter2"))]);
        refuses::<String>(&[("pass", json!("hunter2"))]);
        refuses::<()>(&[("pass", json!("hunter2"))]);
    }
}
