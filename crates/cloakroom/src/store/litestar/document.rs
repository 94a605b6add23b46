//! Session data as Litestar writes it: one JSON object, in it a mark of ours while somebody is signed in here.
//!
//! Litestar stores whatever ID is presented to it. So a session that was cleared there is made anew by whoever comes
//! with its old ID, and what we know of that ID is not of the new one. Litestar's handlers keep members that they
//! do not know, and drop all of them when they clear or replace the session: the mark tells the two apart.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::record::{Data, DataBuilder, Encoding, MAX_BYTES_CEILING, Record};

/// How deep a value may be nested; what `serde_json` reads.
const MAX_DEPTH: usize = 96;

/// The key of the mark.
const MARK: &str = "_cloakroom";

/// What is stored under an ID.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) data: Data,
    mark: Option<u64>,
}

impl Document {
    /// Whether this is still the session of which a record was noted, and none that was made anew under its ID.
    /// It matters where somebody is signed in.
    pub(super) fn is_of(&self, noted: &Record) -> bool {
        mark(noted).is_none_or(|mark| self.mark == Some(mark))
    }
}

/// The moment of the sign-in: the ID changed then, so that no earlier document is under it.
fn mark(record: &Record) -> Option<u64> {
    record.subject()?;
    Some(record.authenticated_at().unwrap_or(record.created_at()).as_millis())
}

/// Reads what Litestar reads: of a key that is there twice the later value, integers of any size as they are.
pub(super) fn read(document: &[u8]) -> Result<Document> {
    parse(document).ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, "what is stored under the ID is not an object of JSON")
    })
}

/// Writes the data of a record as an object without blanks, as Litestar does.
pub(super) fn write(record: &Record) -> Result<Vec<u8>> {
    let data = record.data();
    if data.encoding() != Encoding::Json {
        return Err(Error::new(
            ErrorKind::Encode,
            "Litestar reads JSON alone; configure the encoding `json` with this store",
        ));
    }
    if data.contains_key(MARK) {
        return Err(Error::new(
            ErrorKind::InvalidKey,
            "`_cloakroom` is the key of a mark in sessions that are shared with Litestar; take another",
        ));
    }
    let mut document = data.to_document();
    if let Some(mark) = mark(record) {
        let more = if data.is_empty() { "" } else { "," };
        document.splice(1..1, format!("\"{MARK}\":{mark}{more}").into_bytes());
    }
    Ok(document)
}

fn parse(document: &[u8]) -> Option<Document> {
    if document.len() > 4 * MAX_BYTES_CEILING {
        return None;
    }
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_slice(document).ok()?;
    let mark = members.remove(MARK).and_then(|mark| mark.get().parse().ok());
    let mut builder = DataBuilder::new(Encoding::Json);
    for (key, value) in members {
        let value = value.get();
        if !is_readable(value) {
            return None;
        }
        builder.insert_encoded(&key, value.as_bytes().to_vec()).ok()?;
    }
    Some(Document { data: builder.build(), mark })
}

/// Whether a well-formed value keeps within the depth, and has neither half a surrogate pair nor a number with
/// a fraction that is beyond all floats: those Litestar refuses, and the parser passes over them.
fn is_readable(value: &str) -> bool {
    let bytes = value.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(&inner) = bytes.get(at) {
                    at += if inner == b'\\' { 2 } else { 1 };
                    if inner == b'"' {
                        break;
                    }
                }
                let text = &value[start..at];
                if text.contains("\\u") && serde_json::from_str::<String>(text).is_err() {
                    return false;
                }
            }
            b'-' | b'0'..=b'9' => {
                let is_part =
                    |byte: &&u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                at += bytes[at..].iter().take_while(is_part).count();
                let text = &value[start..at];
                let whole = !text.contains(['.', 'e', 'E']);
                if !whole && !text.parse::<f64>().is_ok_and(f64::is_finite) {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{IdFormat, SessionId};
    use crate::record::RecordParts;
    use crate::store::litestar::metadata;
    use crate::time::UnixMillis;

    /// A record with this data, of whoever signed in at a moment.
    fn record(data: Data, signed_in: Option<u64>) -> Record {
        let id = SessionId::parse(&[b'a'; 64], 32, IdFormat::Hex).unwrap();
        let now = UnixMillis::from_millis(1);
        Record::from(RecordParts {
            data,
            subject: signed_in.map(|_| "ada".into()),
            authenticated_at: signed_in.map(UnixMillis::from_millis),
            ..metadata::of_litestar(&id, std::time::Duration::from_secs(60), now)
        })
    }

    fn rewritten(document: &[u8], signed_in: Option<u64>) -> String {
        let data = read(document).unwrap().data;
        String::from_utf8(write(&record(data, signed_in)).unwrap()).unwrap()
    }

    #[track_caller]
    fn check_same(document: &str) {
        assert_eq!(rewritten(document.as_bytes(), None), document);
    }

    #[test]
    fn a_sign_in_leaves_a_mark_that_is_no_data() {
        for (document, marked) in
            [("{}", r#"{"_cloakroom":7}"#), (r#"{"a":1}"#, r#"{"_cloakroom":7,"a":1}"#)]
        {
            assert_eq!(rewritten(document.as_bytes(), Some(7)), marked);
            let found = read(marked.as_bytes()).unwrap();
            assert_eq!(found.data, read(document.as_bytes()).unwrap().data);
            assert!(found.is_of(&record(found.data.clone(), Some(7))));
            assert!(!found.is_of(&record(found.data.clone(), Some(8))), "another sign-in");
            assert!(found.is_of(&record(found.data.clone(), None)), "nobody is signed in");
        }
        for unmarked in ["{}", r#"{"_cloakroom":"7"}"#, r#"{"_cloakroom":7.5}"#, r#"{"a":7}"#] {
            let found = read(unmarked.as_bytes()).unwrap();
            assert!(!found.is_of(&record(found.data.clone(), Some(7))), "{unmarked}");
        }
    }

    #[test]
    fn the_key_of_the_mark_is_nobodys() {
        let mut data = DataBuilder::new(Encoding::Json);
        data.insert(MARK, &7).unwrap();
        let refused = write(&record(data.build(), None)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidKey);
    }

    #[test]
    fn what_litestar_writes_is_written_back_as_it_was() {
        check_same("{}");
        check_same(
            r#"{"":null,"a":[1,{"b":"ü/ \u001f"}],"c":-0.0,"d":1e22,"e":1.2345678901234568e17}"#,
        );
        check_same(
            &format!(r#"{{"n":{},"m":-123456789012345678901234567890}}"#, "9".repeat(400)).replace(
                &format!(r#""n":{},"m":-123456789012345678901234567890"#, "9".repeat(400)),
                &format!(r#""m":-123456789012345678901234567890,"n":{}"#, "9".repeat(400)),
            ),
        );
    }

    /// The same: the later of two counts, and blanks are read and not written.
    #[test]
    fn b_035a_of_a_key_that_is_there_twice_the_later_value_counts() {
        assert_eq!(rewritten(b" {\"a\" : 1, \"a\":2}\n", None), r#"{"a":2}"#);
    }

    #[test]
    fn b_034_b_035_what_is_no_object_or_broken_is_refused() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(97), "]".repeat(97));
        for document in [
            "",
            "null",
            "5",
            "[1,2]",
            "\"x\"",
            "{not json",
            "\u{feff}{}",
            "{} x",
            r#"{"a":1e400}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":["\udc00"]}"#,
            &deep,
        ] {
            assert_eq!(
                read(document.as_bytes()).unwrap_err().kind(),
                ErrorKind::Corrupt,
                "{document}"
            );
        }
        assert!(read(b"{\"a\":\"\xff\"}").is_err());
    }
}
