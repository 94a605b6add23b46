//! Runs this binary under callgrind and reads the profile that it leaves.

use std::env::current_exe;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use clap::ValueEnum;
use cloakroom_bench::rows::Row;

use crate::calls::Candidate;

/// What one profile says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) total: u64,
    /// Spent in the code of SHA-256 itself.
    pub(crate) sha256: u64,
}

fn name(candidate: Candidate) -> String {
    candidate.to_possible_value().unwrap().get_name().to_owned()
}

/// Where the profile of a row goes: beside the folder of the binary, in cargo's target folder.
pub(crate) fn profile(row: &Row, candidate: Candidate) -> PathBuf {
    let target = current_exe().unwrap().ancestors().nth(2).unwrap().join("instructions");
    target.join(format!("callgrind.{}.{}.out", row.id, name(candidate)))
}

/// One run of a row's calls.
pub(crate) fn run(row: &Row, candidate: Candidate) -> Profile {
    let file = profile(row, candidate);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*counted_call*"])
        // Names in full at each use, which is what `parse` reads.
        .args(["--compress-strings=no"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(current_exe().unwrap())
        .args([row.id, "--calls-of", &name(candidate)])
        .output()
        .expect("valgrind is installed; `cargo xtask instructions` does it");
    assert!(output.status.success(), "valgrind: {}", String::from_utf8_lossy(&output.stderr));
    let profile = parse(&fs::read_to_string(&file).unwrap());
    assert_ne!(profile.total, 0, "callgrind counted nothing: is `counted_call` inlined?");
    profile
}

/// Reads callgrind's format: <https://valgrind.org/docs/manual/cl-format.html>.
fn parse(text: &str) -> Profile {
    let mut profile = Profile { total: 0, sha256: 0 };
    let mut in_sha256 = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(total) = line.strip_prefix("totals: ") {
            profile.total = total.parse().unwrap();
        } else if let Some(function) = line.strip_prefix("fn=") {
            in_sha256 = function.contains("sha256");
        } else if line.starts_with("calls=") {
            // The next line is what the callee cost, which is counted where the callee is.
            lines.next();
        } else if in_sha256
            && line.starts_with(|first: char| "+-*".contains(first) || first.is_ascii_digit())
        {
            let cost = line.rsplit(' ').next().unwrap();
            profile.sha256 += cost.parse::<u64>().unwrap();
        }
    }
    profile
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_cost_of_sha256_is_summed() {
        let text = "events: Ir\n\
            fn=store\n10 5\ncfn=sha2::sha256::compress\ncalls=2 20\n11 900\n+1 6\n\
            fn=sha2::sha256::compress\n20 700\nfi=rotate.rs\n* 200\ncfn=memcpy\ncalls=1 30\n+1 40\n\
            fn=memcpy\n30 40\n\
            totals: 951\n";
        assert_eq!(parse(text), Profile { total: 951, sha256: 900 });
    }
}
