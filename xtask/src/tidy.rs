//! What the repository promises of its own files.

mod litestar;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn manifest(path: &str) -> toml::Table {
    toml::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn workspace_dependencies_are_sorted() {
    let text = read("Cargo.toml");
    let section = text.split("[workspace.dependencies]\n").nth(1).unwrap();
    let names: Vec<_> = section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
        .collect();
    assert!(names.len() > 10);
    assert!(names.is_sorted(), "sort [workspace.dependencies]");
}

#[test]
fn every_member_takes_the_shared_lints() {
    let members = manifest("Cargo.toml")["workspace"]["members"].clone();
    for member in members.as_array().unwrap() {
        let path = format!("{}/Cargo.toml", member.as_str().unwrap());
        let lints = manifest(&path).get("lints").cloned();
        assert_eq!(lints, toml::from_str("workspace = true").ok(), "{path}");
    }
}

#[test]
fn documents_are_there() {
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
    ] {
        assert!(read(document).len() > 500, "{document} says too little");
    }
}

#[test]
fn readme_names_the_minimum_rust_version() {
    let minimum = manifest("Cargo.toml")["workspace"]["package"]["rust-version"].clone();
    let line = format!("Minimum Rust version: {}.", minimum.as_str().unwrap());
    assert!(read("README.md").contains(&line), "README.md lacks `{line}`");
}

/// Clippy says so as well, but an `allow` silences it.
#[test]
fn the_system_clock_is_read_in_one_file() {
    let needle = concat!("SystemTime", "::now");
    let members = manifest("Cargo.toml")["workspace"]["members"].clone();
    let mut files = Vec::new();
    for member in members.as_array().unwrap() {
        sources(&root().join(member.as_str().unwrap()), &mut files);
    }
    let mut readers: Vec<_> = files
        .iter()
        .filter(|file| fs::read_to_string(file).unwrap().contains(needle))
        .map(|file| file.strip_prefix(root()).unwrap())
        .collect();
    readers.sort();
    assert_eq!(readers, [Path::new("crates/cloakroom/src/time.rs")]);
}

/// Expiry in place of an update, and no other way to write: a store never creates where it should replace.
#[test]
fn s_083_no_upsert_in_the_library() {
    let mut files = Vec::new();
    sources(&root().join("crates/cloakroom/src/store"), &mut files);
    assert!(files.len() > 3);
    for file in files {
        let text = fs::read_to_string(&file).unwrap().to_uppercase();
        for upsert in ["DO UPDATE SET", "ON DUPLICATE KEY UPDATE", "REPLACE INTO"] {
            assert!(!text.contains(upsert), "{} has `{upsert}`", file.display());
        }
    }
}

/// What is stored is plain data. A format that names types or carries code would let whoever writes to the store
/// choose what runs here.
#[test]
fn s_109_no_format_that_carries_types_or_code() {
    let lock = read("Cargo.lock");
    let locked: Vec<_> = lock.lines().filter_map(|line| line.strip_prefix("name = ")).collect();
    assert!(locked.len() > 50);
    for unfit in ["typetag", "erased-serde", "bincode", "serde_pickle", "serde_yaml", "libloading"]
    {
        assert!(!locked.contains(&&*format!("\"{unfit}\"")), "Cargo.lock has {unfit}");
    }
    let mut files = Vec::new();
    sources(&root().join("crates/cloakroom/src"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for unfit in ["dyn Any", "std::any::Any", "TypeId"] {
            assert!(!text.contains(unfit), "{} has `{unfit}`", file.display());
        }
    }
}

/// That each member takes it is the test above.
#[test]
fn s_169_unsafe_code_is_forbidden() {
    let lints = manifest("Cargo.toml")["workspace"]["lints"].clone();
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("forbid"));
}

/// What is built is what the registry has, and what was looked at.
#[test]
fn s_170_the_lock_file_is_there_and_names_no_other_source() {
    let lock = read("Cargo.lock");
    let sources: Vec<_> = lock.lines().filter(|line| line.starts_with("source = ")).collect();
    assert!(sources.len() > 50);
    assert!(sources[0].starts_with("source = \"registry+"), "{}", sources[0]);
    for source in &sources {
        assert_eq!(source, &sources[0], "a package comes from elsewhere");
    }
}

/// Each numbered requirement has a test of its number, or SECURITY.md says in its second table why there is none.
#[test]
fn s_173_every_requirement_has_a_test_or_a_reason() {
    let mut files = Vec::new();
    for folder in ["crates", "testbed", "demo", "servers", "xtask"] {
        sources(&root().join(folder), &mut files);
    }
    let mut tested = std::collections::BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for line in text.lines().filter_map(|line| line.split_once("fn ")) {
            let name = line.1.split('(').next().unwrap_or_default();
            // A name may carry several: `s_064_s_066_…`.
            let words: Vec<_> = name.split('_').collect();
            let rows = words.windows(2).filter(|pair| pair[0] == "s" && pair[1].len() == 3);
            tested.extend(rows.filter_map(|pair| pair[1].parse::<u32>().ok()));
        }
    }
    let security = read("SECURITY.md");
    let untested = security.split("And some not at all yet:").nth(1).unwrap();
    let mut excused = std::collections::BTreeSet::new();
    for line in untested.lines().filter_map(|line| line.strip_prefix("| ")) {
        for range in line.split('|').next().unwrap_or_default().split(',') {
            let (first, last) =
                range.trim().split_once('–').unwrap_or((range.trim(), range.trim()));
            if let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) {
                excused.extend(first..=last);
            }
        }
    }
    assert!(tested.len() > 100 && !excused.is_empty());
    let neither: Vec<_> =
        (1..=176).filter(|row| !tested.contains(row) && !excused.contains(row)).collect();
    assert!(neither.is_empty(), "neither tested nor excused: {neither:?}");
    let both: Vec<_> = tested.intersection(&excused).collect();
    assert!(both.is_empty(), "tested, yet SECURITY.md says that they are not: {both:?}");
}
