//! The table of Litestar's behaviours in `docs/litestar.md`: every row, and for each the tests that are named after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{read, root, sources};

/// Members, by the number of their section.
const MEMBERS: [(u8, &[&str]); 7] = [
    (
        1,
        &[
            "session_id_bytes",
            "renew_on_access",
            "key",
            "max_age",
            "scopes",
            "path",
            "domain",
            "secure",
            "httponly",
            "samesite",
            "exclude",
            "exclude_opt_key",
            "store",
            "middleware",
            "get_store_from_app",
        ],
    ),
    (
        2,
        &[
            "get",
            "set",
            "delete",
            "get_session_id",
            "generate_session_id",
            "load_from_connection",
            "store_in_message",
            "serialize_data",
            "deserialize_data",
        ],
    ),
    (3, &["session", "set_session", "clear_session", "get_session_id", "more"]),
    (
        4,
        &[
            "constructor",
            "namespaces",
            "set",
            "get",
            "exists",
            "expires_in",
            "delete_all",
            "delete_expired",
            "sweep",
            "limits",
            "processes",
            "registry",
        ],
    ),
    (5, &["delete", "clear", "with_sign_in"]),
    (6, &["session_auth"]),
    (7, &["client_side"]),
];
/// Which responses carry the cookie.
const RESPONSES: [&str; 8] = [
    "success",
    "client_error",
    "server_error",
    "not_found",
    "limited",
    "excluded",
    "failed",
    "late",
];
/// Numbered behaviours, both ends included.
const NUMBERED: [(u32, u32); 5] = [(1, 16), (18, 38), (50, 56), (60, 67), (90, 94)];
/// What has no counterpart, and nothing to show.
const WITHOUT_TEST: [&str; 1] = ["A.7 client_side"];

/// Each row, and how the names of its tests begin.
fn rows() -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    for (section, members) in MEMBERS {
        for member in members {
            rows.insert(format!("A.{section} {member}"), format!("a_{section}_{member}_"));
        }
    }
    for response in RESPONSES {
        rows.insert(format!("B.1 {response}"), format!("b_1_{response}_"));
    }
    for number in NUMBERED.into_iter().flat_map(|(first, last)| first..=last) {
        rows.insert(format!("B{number}"), format!("b_{number:03}_"));
    }
    rows.insert("B35a".to_owned(), "b_035a_".to_owned());
    rows
}

/// The rows of a test, by its name: `b_034_b_035_…` is of two.
fn rows_of<'r>(name: &str, rows: &'r BTreeMap<String, String>) -> BTreeSet<&'r str> {
    let (mut found, mut rest) = (BTreeSet::new(), name);
    // Of `a_1_exclude_` and `a_1_exclude_opt_key_` the longer.
    let longest = |rest: &str| {
        let fitting = rows.iter().filter(|(_, prefix)| rest.starts_with(prefix.as_str()));
        fitting.max_by_key(|(_, prefix)| prefix.len())
    };
    while let Some((row, prefix)) = longest(rest) {
        found.insert(row.as_str());
        rest = &rest[prefix.len()..];
    }
    found
}

/// The names of functions that are named after a row.
fn tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["crates", "testbed"] {
        sources(&root().join(folder), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        for line in fs::read_to_string(file).unwrap().lines() {
            let Some((_, after)) = line.split_once("fn ") else { continue };
            let end = after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            let name = &after[..end.unwrap_or(after.len())];
            let bytes = name.as_bytes();
            if name.len() > 4 && matches!(&bytes[..2], b"a_" | b"b_") && bytes[2].is_ascii_digit() {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

#[test]
fn the_table_of_litestar_has_every_behaviour_and_every_test() {
    let (rows, tests) = (rows(), tests());
    let mut missing: BTreeSet<&str> = rows.keys().map(String::as_str).collect();
    let document = read("docs/litestar.md");
    let table = document.split("## Behaviour by behaviour").nth(1).unwrap();
    let mut shown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in table.lines().filter(|line| line.starts_with("| A.") || line.starts_with("| B")) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [row, theirs, ours, named] = cells[..] else { panic!("four cells in {line}") };
        assert!(missing.remove(row), "{row} is no row of the list, or is there twice");
        assert!(!theirs.is_empty() && !ours.is_empty(), "{row} says nothing");
        let named: BTreeSet<_> = named.split('`').filter(|name| name.len() > 1).collect();
        assert_eq!(named.is_empty() || named.contains("—"), WITHOUT_TEST.contains(&row), "{row}");
        shown.insert(row, named);
    }
    assert!(missing.is_empty(), "the table lacks {missing:?}");
    let mut expected: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for test in &tests {
        let of = rows_of(test, &rows);
        assert!(!of.is_empty(), "{test} is of no row of the list");
        for row in of {
            expected.entry(row).or_default().insert(test);
        }
    }
    for (row, named) in shown.into_iter().filter(|(row, _)| !WITHOUT_TEST.contains(row)) {
        assert_eq!(named, expected.remove(row).unwrap_or_default(), "the tests of {row}");
    }
    assert!(expected.is_empty(), "rows without a test are said to be so, but have {expected:?}");
}
