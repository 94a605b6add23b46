//! Session data as Litestar writes it: one JSON object.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::record::{Data, DataBuilder, Encoding, MAX_BYTES_CEILING};

/// How deep a value may be nested; what `serde_json` reads.
const MAX_DEPTH: usize = 96;

/// Reads what Litestar reads: of a key that is there twice the later value, integers of any size as they are.
pub(super) fn read(document: &[u8]) -> Result<Data> {
    parse(document).ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, "what is stored under the ID is not an object of JSON")
    })
}

/// Writes an object without blanks, as Litestar does.
pub(super) fn write(data: &Data) -> Result<Vec<u8>> {
    if data.encoding() == Encoding::Json {
        return Ok(data.to_document());
    }
    Err(Error::new(
        ErrorKind::Encode,
        "Litestar reads JSON alone; configure the encoding `json` with this store",
    ))
}

fn parse(document: &[u8]) -> Option<Data> {
    if document.len() > 4 * MAX_BYTES_CEILING {
        return None;
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(document).ok()?;
    let mut builder = DataBuilder::new(Encoding::Json);
    for (key, value) in members {
        let value = value.get();
        if !is_readable(value) {
            return None;
        }
        builder.insert_encoded(&key, value.as_bytes().to_vec()).ok()?;
    }
    Some(builder.build())
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

    #[track_caller]
    fn check_same(document: &str) {
        let data = read(document.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(write(&data).unwrap()).unwrap(), document);
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
        assert_eq!(write(&read(b" {\"a\" : 1, \"a\":2}\n").unwrap()).unwrap(), br#"{"a":2}"#);
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
