//! Load over HTTP, by wrk: a generator that costs little beside what it measures.

use std::path::Path;
use std::process::Command;

use cloakroom_bench_load::Action;
use serde::Deserialize;

/// What the script prints.
#[derive(Debug, Deserialize)]
struct Outcome {
    requests: u64,
    micros: u64,
    failed: u64,
}

/// Requests a second over so many connections, with the cookies of a file in turn.
pub(crate) fn rate(
    port: u16,
    action: Action,
    cookies: &Path,
    connections: usize,
    millis: u64,
) -> f64 {
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", &connections.to_string()])
        // It takes whole seconds.
        .args(["--duration", &format!("{}s", millis.div_ceil(1000))])
        .args(["--script", concat!(env!("CARGO_MANIFEST_DIR"), "/wrk.lua")])
        .arg(format!("http://127.0.0.1:{port}{}", action.path()))
        .arg("--")
        .arg(cookies)
        .output()
        .expect("wrk is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| {
        panic!("wrk printed no outcome: {text}{}", String::from_utf8_lossy(&output.stderr))
    });
    let outcome: Outcome = serde_json::from_str(line).unwrap();
    assert_eq!(outcome.failed, 0, "{action:?}: {outcome:?}");
    outcome.requests as f64 * 1e6 / outcome.micros as f64
}
