//! Runs under strace(1), which shows system calls and has them fail.

use std::path::Path;
use std::process::{Command, Stdio};

use super::ROOT;

/// A program's whole run for alice under strace, not yet started.
pub fn traced(program: &Path, target: &str, ranges: &str, log: &str, expression: &str) -> Command {
    // Started by root, who may follow a program that gains privilege.
    let mut strace = ROOT.command("strace");
    strace.args(["-f", "-qq", "-o", log, "-e", expression]);
    strace.args(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]);
    strace.arg(program).arg(target).args(ranges.split(' ')).stdin(Stdio::null());
    strace
}
