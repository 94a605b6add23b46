//! The cargo commands behind each task, printed before they run.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::python;

const REQUIRE: (&str, &str) = ("CLOAKROOM_TEST_REQUIRE", "1");
/// These name a program to start in the place of Redis, and of MariaDB.
const REDIS: &str = "CLOAKROOM_TEST_REDIS_SERVER";
const MYSQL: &str = "CLOAKROOM_TEST_MYSQL_SERVER";

/// The library alone comes last: its summary counts tests, while the whole suite's ends on a crate without
/// examples.
pub(crate) fn test() -> Outcome {
    // The packages are installed by now, Litestar with them, so a server that is missing is a failure and no reason to skip.
    cargo(&["test", "--workspace", "--all-features"], &[REQUIRE, (REDIS, ""), (MYSQL, "")])?;
    on_valkey()?;
    on_mysql()?;
    cargo(&["test", "--package", "cloakroom", "--no-default-features"], &[])
}

/// The tests of the stores in Redis once more, on Valkey: the program that is named, or else one of a pinned version.
fn on_valkey() -> Outcome {
    let mut tests =
        vec!["test", "--workspace", "--all-features", "--test", "redis", "--test", "litestar"];
    let program = match named(REDIS) {
        Some(program) => program,
        None => {
            // It is built without TLS, which only one test is about.
            tests.extend(["--", "--skip", "tls::"]);
            python::valkey()?
        }
    };
    cargo(&tests, &[REQUIRE, (REDIS, &program)])
}

/// The tests of the store in MariaDB once more, on MySQL, if there is one: no Debian that is released has it.
fn on_mysql() -> Outcome {
    match named(MYSQL) {
        Some(program) => cargo(
            &["test", "--workspace", "--all-features", "--test", "mysql"],
            &[REQUIRE, (MYSQL, &program)],
        ),
        None => {
            eprintln!("xtask: skipped: the tests on MySQL; {MYSQL} names no `mysqld`");
            Ok(())
        }
    }
}

fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|name| !name.is_empty())
}

pub(crate) fn lint() -> Outcome {
    cargo(&["fmt", "--all", "--check"], &[])?;
    let deny = ["--", "-D", "warnings"];
    cargo(
        &[&["clippy", "--workspace", "--all-targets", "--all-features"], &deny[..]].concat(),
        &[],
    )?;
    cargo(
        &[&["clippy", "--package", "cloakroom", "--no-default-features"], &deny[..]].concat(),
        &[],
    )?;
    cargo(
        &["doc", "--workspace", "--all-features", "--no-deps"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )
}

pub(crate) fn bench() -> Outcome {
    cargo(&["run", "--release", "--package", "cloakroom-bench"], &[])
}

/// A `--` before the arguments is accepted, since other tasks of cargo need one.
pub(crate) fn bench_binary(name: &str, arguments: &[String]) -> Outcome {
    let run = ["run", "--release", "--package", "cloakroom-bench", "--bin", name, "--"];
    let arguments = arguments.iter().map(String::as_str).filter(|argument| *argument != "--");
    cargo(&run.into_iter().chain(arguments).collect::<Vec<_>>(), &[])
}

/// The peer is built first, in a workspace of its own.
pub(crate) fn bench_stores(arguments: &[String]) -> Outcome {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let (manifest, target) =
        (format!("{root}/bench/peer/Cargo.toml"), format!("{root}/target/peer"));
    let build = ["build", "--release", "--locked", "--manifest-path", &manifest];
    cargo(&[&build[..], &["--target-dir", &target]].concat(), &[])?;
    cargo(&["build", "--release", "--package", "cloakroom-bench-stores"], &[])?;
    let peer = format!("{target}/release/cloakroom-bench-peer");
    let run = ["run", "--release", "--package", "cloakroom-bench-stores", "--", "--peer", &peer];
    let arguments = arguments.iter().map(String::as_str).filter(|argument| *argument != "--");
    cargo(&run.into_iter().chain(arguments).collect::<Vec<_>>(), &[])
}

pub(crate) fn soak(arguments: &[String]) -> Outcome {
    let run =
        ["run", "--release", "--package", "cloakroom", "--all-features", "--example", "soak", "--"];
    let arguments = arguments.iter().map(String::as_str);
    cargo(&run.into_iter().chain(arguments).collect::<Vec<_>>(), &[])
}

/// In place of this process, so that Ctrl-C is the example's alone and is not over before it has ended.
pub(crate) fn litestar_migration(arguments: &[String]) -> Outcome {
    let run = ["run", "--quiet", "--package", "litestar-migration", "--"];
    let line = format!("cargo {}", run.join(" "));
    eprintln!("xtask: {line}");
    let arguments = arguments.iter().filter(|argument| *argument != "--");
    let error = Command::new(env!("CARGO")).args(run).args(arguments).exec();
    Err(Failure::new(format!("{line}: {error}")))
}

/// The checks are tests of this package, so that no run of all tests can forget them.
pub(crate) fn tidy() -> Outcome {
    cargo(&["test", "--package", "xtask"], &[])
}

fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    run(env!("CARGO"), arguments, environment)
}

pub(crate) fn run(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let name = std::path::Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    let line = format!("{name} {}", arguments.join(" "));
    eprintln!("xtask: {line}");
    let status = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .status()
        .map_err(|error| Failure::new(format!("{line}: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::of_step(&line, status)) }
}
