//! Describes the machine and the programs that produced the figures.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use super::setting;

/// A sentence about the machine, without its host name.
pub fn describe(ours: &Path) -> String {
    let os = value("/usr/lib/os-release", "PRETTY_NAME=").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpu = value("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unnamed CPU".into());
    let cpus = available_parallelism().map_or(0, usize::from);
    format!(
        "{cpu}, {cpus} CPUs, Linux {}, {os}. Reference: {}. Ours: {}, built with {}.",
        kernel.trim(),
        setting("UIDMAP_REFERENCE_VERSION").unwrap_or_else(|| "another build".into()),
        output(&ours.join("newuidmap"), "--version"),
        output(Path::new("rustc"), "--version"),
    )
}

/// The value of a line that begins with this key, without quotes and blanks.
fn value(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(value.trim_matches(['\t', ' ', ':', '"']).to_owned())
}

fn output(program: &Path, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    output.map_or_else(
        |error| error.to_string(),
        |output| String::from_utf8_lossy(&output.stdout).trim().into(),
    )
}
