//! The cargo commands behind each task, printed before they run.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::failure::Failure;

type Outcome = Result<(), Failure>;

/// The library alone comes last: its summary counts tests, while the whole suite's ends on a crate without
/// examples.
pub(crate) fn test() -> Outcome {
    // The packages are installed by now, Litestar with them, so a server that is missing is a failure and no reason to skip.
    cargo(&["test", "--workspace", "--all-features"], &[("CLOAKROOM_TEST_REQUIRE", "1")])?;
    cargo(&["test", "--package", "cloakroom", "--no-default-features"], &[])
}

/// The Litestar that the tests share sessions with, of the pinned version, in `target/litestar`.
pub(crate) fn litestar() -> Outcome {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let home = format!("{root}/target/litestar");
    let wanted = format!("{root}/examples/litestar-migration/requirements.txt");
    let installed = format!("{home}/requirements.txt");
    let read = |path: &str| std::fs::read(path).ok();
    if read(&installed).is_some() && read(&installed) == read(&wanted) {
        return Ok(());
    }
    run("python3", &["-m", "venv", "--clear", &home], &[])?;
    run(&format!("{home}/bin/pip"), &["install", "--quiet", "--requirement", &wanted], &[])?;
    std::fs::copy(&wanted, &installed)
        .map(drop)
        .map_err(|error| Failure::new(format!("{installed}: {error}")))
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

fn run(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
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
