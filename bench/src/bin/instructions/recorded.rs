//! The counts that the repository keeps.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::counts::Counts;

const HEAD: &str = "\
# Instructions of one request, written by `cargo xtask instructions --record`; CONTRIBUTING.md says how to use it.
#
# They are those of a machine without SHA instructions, whatever this one has: valgrind 3.19 does not know them, so
# the `sha2` crate takes its portable code. `sha256` is the part of `cloakroom` that they would mostly save.
#
# From run to run of one build, `bare` and `cloakroom` do not vary, but for `create`, whose tables grow elsewhere with
# other handles: by about 15. `tower-sessions` varies by up to 2 %, with the seed of its hashes. Another compiler or
# C library counts differently.
";

/// The file of counts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Recorded {
    compiler: String,
    pub(crate) rows: BTreeMap<String, Counts>,
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.toml")
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Recorded {
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(path()).unwrap_or_default();
        if text.is_empty() { Self::default() } else { toml::from_str(&text).unwrap() }
    }

    /// Counts of two compilers tell nothing about a change.
    pub(crate) fn warn_of_another_compiler(&self) {
        let compiler = compiler();
        if compiler != self.compiler && !self.rows.is_empty() {
            println!("recorded with {}, this is {compiler}\n", self.compiler);
        }
    }

    pub(crate) fn write(mut self) {
        self.compiler = compiler();
        fs::write(path(), format!("{HEAD}\n{}", toml::to_string(&self).unwrap())).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_bench::rows::ROWS;

    use super::*;

    #[test]
    fn every_row_is_recorded() {
        let mut rows = ROWS.map(|row| row.id);
        rows.sort_unstable();
        assert!(Recorded::read().rows.keys().eq(rows.iter()));
    }
}
