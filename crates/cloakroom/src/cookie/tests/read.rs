use std::collections::BTreeSet;

use memchr::memmem::Finder;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::cookie::{Candidates, candidates};
use crate::id::{IdFormat, SessionId};

const NAME: &str = "__Host-session";

/// What was found, in a form that can be compared: IDs are sorted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    None,
    Malformed,
    TooMany,
    Ids(Vec<String>),
}

fn find_in(headers: &[&[u8]], name: &str, format: IdFormat) -> Found {
    match candidates(headers.iter().copied(), &Finder::new(name), 32, format) {
        Candidates::None => Found::None,
        Candidates::Malformed => Found::Malformed,
        Candidates::TooMany => Found::TooMany,
        Candidates::One(id) => Found::Ids(vec![id.expose(format).to_string()]),
        Candidates::Several(ids) => {
            let mut ids: Vec<_> = ids.iter().map(|id| id.expose(format).to_string()).collect();
            ids.sort();
            Found::Ids(ids)
        }
    }
}

fn find(header: impl AsRef<[u8]>) -> Found {
    find_in(&[header.as_ref()], NAME, IdFormat::Base64Url)
}

/// The texts of `n` different IDs, sorted.
fn values(n: usize) -> Vec<String> {
    let mut values: Vec<_> = (0..n)
        .map(|_| SessionId::generate(32).unwrap().expose(IdFormat::Base64Url).to_string())
        .collect();
    values.sort();
    values
}

fn value() -> String {
    values(1).remove(0)
}

#[track_caller]
fn check_alone(header: impl AsRef<[u8]>, value: &str) {
    assert_eq!(find(header), Found::Ids(vec![value.to_owned()]));
}

#[test]
fn s_010_percent_encoded_names_are_other_names() {
    let [ours, evil] = values(2).try_into().unwrap();
    for name in ["__%48ost-session", "%5f%5fHost-session", "__Host%2Dsession", "__Host-session%20"]
    {
        assert_eq!(find(format!("{name}={evil}")), Found::None, "{name}");
        check_alone(format!("{NAME}={ours}; {name}={evil}"), &ours);
        check_alone(format!("{name}={evil}; {NAME}={ours}"), &ours);
    }
}

#[test]
fn s_011_only_blanks_and_tabs_are_trimmed() {
    let value = value();
    let strange: [&[u8]; 10] = [
        b"\xe2\x80\x80",
        b"\xc2\x85",
        b"\xc2\xa0",
        b"\xef\xbb\xbf",
        b"\xa0",
        b"\x0b",
        b"\x0c",
        b"\0",
        b"\r",
        b"\n",
    ];
    for bytes in strange {
        let before = [bytes, NAME.as_bytes(), b"=", value.as_bytes()].concat();
        assert_eq!(find(&before), Found::None, "{bytes:?}");
        assert_eq!(find([b"a=b; ", &before[..]].concat()), Found::None, "{bytes:?}");
        let after = [NAME.as_bytes(), b"=", value.as_bytes(), bytes].concat();
        assert_eq!(find(after), Found::Malformed, "{bytes:?}");
    }
    check_alone(format!(" \t {NAME}={value}\t \t"), &value);
    check_alone(format!("a=b;\t{NAME}={value} ;c=d"), &value);
}

#[test]
fn s_012_names_match_byte_for_byte() {
    let value = value();
    for name in ["__host-session", "__HOST-SESSION", "__Host-Session", "session", "x__Host-session"]
    {
        assert_eq!(find(format!("{name}={value}")), Found::None, "{name}");
    }
    // Nor is a name found that ours begins, or that begins ours.
    assert_eq!(find(format!("{NAME}2={value}")), Found::None);
    assert_eq!(find(format!("{}={value}", &NAME[..13])), Found::None);
}

#[test]
fn s_013_pairs_that_are_not_quite_ours_do_not_match() {
    let value = value();
    for pair in [
        format!("={NAME}={value}"),
        NAME.to_owned(),
        format!("{NAME} = {value}"),
        format!("{NAME} ={value}"),
        format!("..Host-session={value}"),
        format!("{NAME}\t={value}"),
        format!("{NAME}:{value}"),
    ] {
        assert_eq!(find(&pair), Found::None, "{pair}");
    }
    // A blank after the `=` belongs to the value, which then is no ID.
    assert_eq!(find(format!("{NAME}= {value}")), Found::Malformed);
    assert_eq!(find(format!("{NAME}=={value}")), Found::Malformed);
}

#[test]
fn s_014_foreign_bytes_hide_nothing() {
    let value = value();
    let ours = format!("{NAME}={value}");
    let high: Vec<u8> = (0x80..=0xff).cycle().take(4096).collect();
    let strange: [&[u8]; 7] =
        [b"x=\xff", &[b"x=", &high[..]].concat(), b";;;; ; =; ,", b"\xff", b"\"", b"=", b"a=\"b"];
    for bytes in strange {
        check_alone([bytes, b"; ", ours.as_bytes()].concat(), &value);
        check_alone([ours.as_bytes(), b"; ", bytes].concat(), &value);
        check_alone([ours.as_bytes(), b";", bytes].concat(), &value);
    }
}

#[test]
fn s_015_several_header_lines_are_as_one() {
    let value = value();
    let pairs = ["a=b", &format!("{NAME}={value}"), "c=d", "e"];
    let expected = Found::Ids(vec![value.clone()]);
    assert_eq!(find(pairs.join("; ")), expected);
    let crumbs = pairs.map(str::as_bytes);
    assert_eq!(find_in(&crumbs, NAME, IdFormat::Base64Url), expected);
    let lines = [pairs[..2].join("; "), pairs[2..].join("; ")];
    let lines = [lines[0].as_bytes(), b"", lines[1].as_bytes()];
    assert_eq!(find_in(&lines, NAME, IdFormat::Base64Url), expected);
    // A pair does not go on in the next line.
    let torn = [&b"__Host-"[..], b"session=", value.as_bytes()];
    assert_eq!(find_in(&torn, NAME, IdFormat::Base64Url), Found::None);
}

#[test]
fn s_016_quotes_and_versions_are_plain_bytes() {
    let [ours, evil] = values(2).try_into().unwrap();
    check_alone(format!("$Version=1; {NAME}={ours}; $Path=/"), &ours);
    assert_eq!(find(format!("{NAME}=\"{ours}\"")), Found::Malformed);
    // The quotes do not hold the pair together; what they split off is not ours, for its closing quote.
    assert_eq!(find(format!("a=\"x; {NAME}={evil}\"; y")), Found::Malformed);
    assert_eq!(find(format!("a=\"x; {NAME}={evil}; y\"")), Found::Ids(vec![evil]));
}

#[test]
fn s_017_equal_values_are_one_and_more_than_four_are_none() {
    let five = values(5);
    let pairs = |values: &[String]| {
        values.iter().map(|value| format!("{NAME}={value}")).collect::<Vec<_>>().join("; ")
    };
    check_alone(pairs(&vec![five[0].clone(); 100]), &five[0]);
    for n in 1..=4 {
        assert_eq!(find(pairs(&five[..n])), Found::Ids(five[..n].to_vec()));
    }
    assert_eq!(find(pairs(&five)), Found::TooMany);
    // Values that are no IDs count too: they were put there by the same hand.
    let junk: Vec<_> = (0..4).map(|n| format!("junk{n}")).collect();
    assert_eq!(find(format!("{}; {NAME}={}", pairs(&junk), five[0])), Found::TooMany);
    assert_eq!(find(format!("{NAME}={}; {}", five[0], pairs(&junk))), Found::TooMany);
    check_alone(format!("{}; {NAME}={}", pairs(&junk[..3]), five[0]), &five[0]);
    check_alone(format!("{NAME}={}; {}", five[0], pairs(&vec![junk[0].clone(); 9])), &five[0]);
    assert_eq!(find(pairs(&junk)), Found::Malformed);
}

proptest! {
    #[test]
    fn s_018_the_order_of_pairs_does_not_matter(
        pairs in vec(0..9_usize, 0..12)
            .prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle())),
    ) {
        let ids = values(5);
        let render = |pairs: &[usize]| {
            let pair = |&n: &usize| match n {
                0..5 => format!("{NAME}={}", ids[n]),
                5 => format!("{NAME}=junk"),
                6 => NAME.to_owned(),
                _ => format!("other={}", ids[0]),
            };
            pairs.iter().map(pair).collect::<Vec<_>>().join("; ")
        };
        prop_assert_eq!(find(render(&pairs.0)), find(render(&pairs.1)));
    }

    #[test]
    fn s_022_arbitrary_bytes_do_what_the_naive_reader_does(
        headers in vec(vec(any::<u8>(), 0..200), 0..4),
    ) {
        let headers: Vec<_> = headers.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(find_in(&headers, NAME, IdFormat::Base64Url), naive(&headers));
    }

    #[test]
    fn s_023_the_candidates_are_those_of_a_naive_reader(
        headers in vec(vec((0..13_usize, 0..4_usize), 0..24), 0..4),
    ) {
        let ids = values(4);
        let mut headers: Vec<Vec<u8>> = headers.iter().map(|tokens| {
            tokens.iter().flat_map(|&(kind, n)| match kind {
                0..3 => [NAME.as_bytes(), b"=", ids[n].as_bytes(), b";"].concat(),
                3 => NAME.into(),
                4 => "=".into(),
                5 => ids[n].clone().into_bytes(),
                6..8 => ";".into(),
                8 => " ".into(),
                9 => "\t".into(),
                10 => "\"".into(),
                11 => vec![0x80 + n as u8],
                _ => format!("{NAME}=short{n};").into_bytes(),
            }).collect()
        }).collect();
        let borrowed: Vec<_> = headers.iter().map(Vec::as_slice).collect();
        let found = find_in(&borrowed, NAME, IdFormat::Base64Url);
        prop_assert_eq!(&found, &naive(&borrowed));
        headers.reverse();
        let reversed: Vec<_> = headers.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(&find_in(&reversed, NAME, IdFormat::Base64Url), &found);
    }
}

/// The algorithm of RFC 6265bis in its own words, slow and plain, with every value on the heap.
fn naive(headers: &[&[u8]]) -> Found {
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let mut values = BTreeSet::new();
    for header in headers {
        for pair in header.split(|byte| *byte == b';') {
            let pair: Vec<u8> = pair.iter().copied().skip_while(blank).collect();
            let mut pair: Vec<u8> = pair.into_iter().rev().skip_while(blank).collect();
            pair.reverse();
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            if let (Some(name), Some(value)) = (halves.next(), halves.next())
                && name == NAME.as_bytes()
            {
                values.insert(value.to_vec());
            }
        }
    }
    let ids: Vec<_> = values
        .iter()
        .filter(|value| SessionId::parse(value, 32, IdFormat::Base64Url).is_some())
        .map(|value| String::from_utf8(value.clone()).unwrap())
        .collect();
    match (values.len(), ids.len()) {
        (0, _) => Found::None,
        (5.., _) => Found::TooMany,
        (_, 0) => Found::Malformed,
        _ => Found::Ids(ids),
    }
}

#[test]
fn s_019_large_headers_are_read_in_one_pass() {
    let value = value();
    let ours = format!("{NAME}={value}");
    // Quadratic work on any of these would not end within a test.
    for filler in ["a=b; ".repeat(50_000), ";".repeat(1 << 20), format!("{NAME};").repeat(50_000)] {
        assert_eq!(find(&filler), Found::None);
        check_alone(format!("{filler};{ours}"), &value);
        check_alone(format!("{ours};{filler}"), &value);
    }
    assert_eq!(find(format!("{NAME}={}", "A".repeat(64 << 10))), Found::Malformed);
    let blanks = " ".repeat(1 << 20);
    check_alone(format!("{blanks}{ours}{blanks};{blanks}"), &value);
    check_alone(vec![ours; 10_000].join("; "), &value);
}

#[test]
fn s_020_hostile_values_are_no_ids() {
    let long = "A".repeat(10_000);
    let value = value();
    let hostile: [&[u8]; 15] = [
        b"",
        b"\0",
        b"%00",
        b"\r",
        b"\n",
        b"../../etc/passwd",
        b"CON",
        b"' OR 1=1--",
        long.as_bytes(),
        b"\xff\xfe",
        "\u{1f36a}".as_bytes(),
        b"\r\nset x 0 0 1",
        &value.as_bytes()[1..],
        format!("{value}=").into_bytes().leak(),
        format!("{value}A").into_bytes().leak(),
    ];
    for bytes in hostile {
        let header = [NAME.as_bytes(), b"=", bytes].concat();
        assert_eq!(find(header), Found::Malformed, "{bytes:?}");
    }
    let found = candidates(
        [format!("{NAME}={value}").as_bytes()].into_iter(),
        &Finder::new(NAME),
        32,
        IdFormat::Base64Url,
    );
    assert!(!format!("{found:?}").contains(&value), "an ID is never printed");
}

#[test]
fn hexadecimal_ids_are_read_in_lower_case_alone() {
    let id = SessionId::generate(32).unwrap();
    let hex = id.expose(IdFormat::Hex).to_string();
    let find =
        |value: &str| find_in(&[format!("session={value}").as_bytes()], "session", IdFormat::Hex);
    assert_eq!(find(&hex), Found::Ids(vec![hex.clone()]));
    assert_eq!(find(&format!("A{}", &hex[1..])), Found::Malformed);
    assert_eq!(find("null"), Found::Malformed);
    assert_eq!(find(&id.expose(IdFormat::Base64Url)), Found::Malformed);
}
