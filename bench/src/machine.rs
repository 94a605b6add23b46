//! What the figures were measured on.

use std::fs;
use std::thread::available_parallelism;

/// Processor, cores, load and version, for the first line of the output.
#[must_use]
pub fn line() -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown");
    let build =
        if cfg!(debug_assertions) { "debug build: times mean nothing" } else { "release build" };
    format!("machine: {model}, {cores} cores, load {load} at the start, {build}")
}
