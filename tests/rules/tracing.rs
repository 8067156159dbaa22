//! Runs under strace(1), which shows system calls and has them fail.

use std::process::{Command, Stdio};

use super::harness::{Kind, ROOT, Way, World};

/// A program's whole run under strace, not yet started.
pub fn traced(world: &World, way: Way, kind: Kind, target: &str, log: &str, expression: &str) -> Command {
    let mut strace = ROOT.command("strace");
    strace.args(["-f", "-qq", "-o", log, "-e", expression]);
    strace.args(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]);
    strace.arg(world.program(way, kind)).args([target, "0", "100000", "10"]).stdin(Stdio::null());
    strace
}
