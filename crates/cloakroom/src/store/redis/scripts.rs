//! The scripts that the server runs: one for each conditional step, so that each is one point in time.

use std::fmt::Write as _;
use std::sync::LazyLock;

use redis::Script as Hashed;

use super::keys;
use super::value::{ANONYMOUS, ANONYMOUS_HEAD, ENDED, SIGNED_IN, SIGNED_IN_HEAD};
use crate::record::at;
use crate::time::UnixMillis;

/// A script, and the hash that the server knows it by.
#[derive(Debug)]
pub(in crate::store) struct Script {
    pub(in crate::store) text: String,
    pub(in crate::store) hash: String,
}

/// All scripts.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) load: Script,
    pub(super) create: Script,
    pub(super) update: Script,
    pub(super) touch: Script,
    pub(super) delete: Script,
    pub(super) confirm: Script,
    pub(super) index: Script,
}

pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
    load: script_after(include_str!("lua/load_early.lua"), include_str!("lua/load.lua")),
    create: script(include_str!("lua/create.lua")),
    update: script(include_str!("lua/update.lua")),
    touch: script(include_str!("lua/touch.lua")),
    delete: script(include_str!("lua/delete.lua")),
    confirm: script(include_str!("lua/confirm.lua")),
    index: script(include_str!("lua/index.lua")),
});

fn script(body: &str) -> Script {
    script_after("", body)
}

/// A script of which `early` comes before the functions that all share: to define them takes longer than to
/// find that they are not needed.
fn script_after(early: &str, body: &str) -> Script {
    Script::new(format!("{}{early}\n{}\n{body}", constants(), include_str!("lua/common.lua")))
}

impl Script {
    pub(in crate::store) fn new(text: String) -> Self {
        let hash = Hashed::new(&text).get_hash().to_owned();
        Self { text, hash }
    }
}

/// The layout, from where it is defined, so that the scripts cannot disagree with it.
fn constants() -> String {
    let mut text = String::new();
    for (name, kind) in [("ANONYMOUS", ANONYMOUS), ("SIGNED_IN", SIGNED_IN), ("ENDED", ENDED)] {
        let _ = writeln!(text, "local {name} = '{}'", char::from(kind));
    }
    for (name, part) in [("SESSION_KEY", keys::SESSION), ("INDEX_KEY", keys::INDEX)] {
        let _ = writeln!(text, "local {name} = '{part}'");
    }
    for (name, number) in [
        ("ANONYMOUS_HEAD", ANONYMOUS_HEAD as u64),
        ("SIGNED_IN_HEAD", SIGNED_IN_HEAD as u64),
        ("FLAGS_AT", at::FLAGS as u64),
        ("REVISION_AT", at::REVISION as u64),
        ("MAX_AGE_AT", at::MAX_AGE as u64),
        ("SECRET_AT", at::SECRET_HASH as u64),
        ("ABSOLUTE_AT", at::ABSOLUTE as u64),
        ("HAS_ABSOLUTE", u64::from(at::HAS_ABSOLUTE)),
        ("LAST_MOMENT", UnixMillis::MAX.as_millis()),
    ] {
        let _ = writeln!(text, "local {name} = {number}");
    }
    text
}

#[cfg(test)]
mod tests {
    /// What replaces, renews or ends a session looks first whether there is one; only a create writes where
    /// there is none.
    #[test]
    fn s_083_no_script_writes_what_it_did_not_find() {
        for (body, writes) in [
            (include_str!("lua/update.lua"), &["'SET'", "bury(", "index(", "keep_indexed("][..]),
            (include_str!("lua/load.lua"), &["move,"]),
            (include_str!("lua/touch.lua"), &["move("]),
        ] {
            let looks = body.find("found.state ~= 'live' then\n  return").expect("it looks");
            for write in writes {
                assert!(body.find(write).is_some_and(|at| at > looks), "{write} in {body}");
            }
            assert!(!body.contains("'DEL'") && !body.contains("'SETRANGE'"));
        }
        let early = include_str!("lua/load_early.lua");
        assert_eq!(early.matches("redis.call").count(), 1);
        assert!(early.contains("redis.call('GET'"));
    }
}
