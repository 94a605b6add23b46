use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::id::SecretHash;

fn parts(data: Data) -> RecordParts {
    RecordParts {
        data,
        secret_hash: SecretHash::from_bytes([7; 32]),
        revision: Revision::from_u64(u64::MAX - 1),
        created_at: UnixMillis::from_millis(1_000),
        idle_deadline: UnixMillis::from_millis(61_000),
        max_age: Duration::from_secs(60),
        absolute_deadline: None,
        authenticated_at: None,
        secret_since: UnixMillis::from_millis(1_000),
        previous_secret: None,
        subject: None,
        labels: BTreeMap::new(),
        browser_session: false,
    }
}

fn data(entries: &[(&str, &str)]) -> Data {
    let mut builder = DataBuilder::new(Encoding::Json);
    for (key, value) in entries {
        builder.insert(key, value).unwrap();
    }
    builder.build()
}

/// One record for each combination of optional fields.
fn every_shape() -> Vec<Record> {
    let moment = UnixMillis::from_millis(5_000);
    (0..128u32)
        .map(|bits| {
            let on = |bit: u32| bits & (1 << bit) != 0;
            let mut parts = parts(data(if on(6) { &[("a", "x"), ("b", "y")] } else { &[] }));
            parts.absolute_deadline = on(0).then_some(moment);
            parts.authenticated_at = on(1).then_some(moment);
            parts.secret_since = if on(2) { moment } else { parts.created_at };
            parts.previous_secret = on(3).then_some(PreviousSecret {
                secret_hash: SecretHash::from_bytes([9; 32]),
                nonce: [3; 16],
                until: moment,
            });
            parts.subject = on(4).then(|| "ada".into());
            if on(5) {
                parts.labels.insert("device".into(), "Firefox".into());
                parts.labels.insert("place".into(), "Kyiv".into());
            }
            parts.browser_session = bits % 3 == 0;
            parts.into()
        })
        .collect()
}

#[test]
fn parts_survive_the_round_trip() {
    for record in every_shape() {
        let again = Record::from(record.parts());
        assert_eq!(again.bytes(), record.bytes());
        assert_eq!(again.subject(), record.subject());
        assert_eq!(again.labels().collect::<Vec<_>>(), record.labels().collect::<Vec<_>>());
        assert_eq!(again.data(), record.data());
        assert_eq!(again.expires_at(), record.expires_at());
    }
}

#[test]
fn bytes_survive_the_round_trip() {
    for record in every_shape() {
        let again = Record::from_bytes(&record.to_bytes(), &Limits::default()).unwrap();
        assert_eq!(again.bytes(), record.bytes());
        assert_eq!(again.idle_deadline(), record.idle_deadline());
    }
}

#[test]
fn s_087_truncated_or_flipped_bytes_are_no_record() {
    let bytes = every_shape().last().unwrap().to_bytes();
    for len in 0..bytes.len() {
        let error = Record::from_bytes(&bytes[..len], &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Corrupt);
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Record::from_bytes(&flipped, &Limits::default()).is_err(), "bit {bit}");
    }
}

/// The checksum alone must not be what keeps the parser within bounds: an attacker can write a right one.
#[test]
fn s_087_bytes_with_a_right_checksum_never_panic() {
    use sha2::{Digest, Sha256};
    for record in every_shape() {
        let bytes = record.to_bytes();
        for bit in 64..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let check = Sha256::digest(&flipped[8..]);
            flipped[..8].copy_from_slice(&check[..8]);
            if let Ok(record) = Record::from_bytes(&flipped, &Limits::default()) {
                let _ = record.parts();
            }
        }
    }
}

#[test]
fn data_finds_every_key_and_no_other() {
    let entries: Vec<_> = (0..200).map(|n| (format!("key{n}"), "v".repeat(n))).collect();
    let borrowed: Vec<_> = entries.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let data = data(&borrowed);
    for (key, value) in &entries {
        assert_eq!(data.get::<String>(key).unwrap().as_ref(), Some(value));
    }
    assert!(!data.contains_key("key"));
    assert!(!data.contains_key("key200"));
    assert_eq!(data.len(), 200);
}

#[test]
fn data_beyond_64_kib_uses_wide_offsets() {
    let value = "x".repeat(10_000);
    let data = data(&[
        ("a", &value),
        ("b", &value),
        ("c", &value),
        ("d", &value),
        ("e", &value),
        ("f", &value),
        ("g", "end"),
    ]);
    assert_eq!(data.get::<String>("g").unwrap().unwrap(), "end");
    assert_eq!(data.get::<String>("c").unwrap().unwrap(), value);
}

#[test]
fn s_111_documents_with_duplicates_or_trailing_bytes_are_refused() {
    let limits = Limits::default();
    for bad in [
        &br#"{"admin":false,"admin":true}"#[..],
        br#"{"a":1} {"b":2}"#,
        br#"{"a":1}x"#,
        br"[1,2]",
        br"null",
        br"",
        b"\xef\xbb\xbf{}",
        br#"{"a":01}"#,
        b"{\"a\":\"\xff\"}",
    ] {
        let error = Data::from_document(Encoding::Json, bad, &limits).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "{bad:?}");
    }
    #[cfg(feature = "msgpack")]
    for bad in [
        &[0x82, 0xa1, b'a', 1, 0xa1, b'a', 2][..],
        &[0x81, 0xa1, b'a', 1, 0xc0],
        &[0x90],
        &[0x81],
        &[],
    ] {
        assert!(Data::from_document(Encoding::MessagePack, bad, &limits).is_err(), "{bad:?}");
    }
}

#[test]
fn documents_survive_the_round_trip() {
    let mut encodings = vec![Encoding::Json];
    #[cfg(feature = "msgpack")]
    encodings.push(Encoding::MessagePack);
    encodings.dedup();
    for encoding in encodings {
        let mut builder = DataBuilder::new(encoding);
        builder.insert("list", &[1, 2, 3]).unwrap();
        builder.insert("quo\"te", &BTreeMap::from([("a", Some(1.5)), ("b", None)])).unwrap();
        let data = builder.build();
        let again = Data::from_document(encoding, &data.to_document(), &Limits::default()).unwrap();
        assert_eq!(again, data);
    }
}

/// On the stack that a worker thread has by default.
#[test]
fn s_110_hostile_documents_are_refused_without_recursion_or_memory() {
    let hostile = || {
        let limits = Limits::default();
        let deep_list = [b"{\"a\":".as_slice(), &[b'['; 60_000]].concat();
        let deep_map = [b"{\"a\":".as_slice(), &br#"{"b":"#.repeat(10_000)].concat();
        for document in
            [&deep_list[..], &deep_map, &[b'['; 100_000], &br#"{"a":null,"#.repeat(100_000)]
        {
            assert!(Data::from_document(Encoding::Json, document, &limits).is_err());
        }
        #[cfg(feature = "msgpack")]
        for document in [
            vec![0x91; 100_000],
            vec![0x81; 100_000],
            [&[0x81, 0xa1, b'a'][..], &[0x91; 50_000]].concat(),
            vec![0xdf, 0xff, 0xff, 0xff, 0xff],
            vec![0x81, 0xa1, b'a', 0xdd, 0xff, 0xff, 0xff, 0xff],
            vec![0x81, 0xa1, b'a', 0xc6, 0xff, 0xff, 0xff, 0xff],
            vec![0xc0; 1 << 20],
        ] {
            assert!(Data::from_document(Encoding::MessagePack, &document, &limits).is_err());
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(hostile).unwrap().join().unwrap();
}

#[test]
fn s_113_a_value_of_another_type_is_an_error_not_an_absence() {
    let data = data(&[("name", "Ada")]);
    assert_eq!(data.get::<u32>("name").unwrap_err().kind(), crate::ErrorKind::Type);
    assert_eq!(data.get::<u32>("other").unwrap(), None);
    let text = format!("{:?}", data.get::<u32>("name").unwrap_err());
    assert!(!text.contains("Ada"), "{text}");
}

#[test]
fn s_113_a_newer_version_is_corrupt_not_a_panic() {
    use sha2::{Digest, Sha256};
    let mut bytes = every_shape()[0].to_bytes();
    bytes[14] = 2;
    let check = Sha256::digest(&bytes[8..]);
    bytes[..8].copy_from_slice(&check[..8]);
    assert!(Record::from_bytes(&bytes, &Limits::default()).is_err());
}
