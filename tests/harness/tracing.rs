//! Runs a program under strace(1), which logs system calls and injects failures.

use std::path::Path;
use std::process::{Command, Stdio};

use super::ROOT;

/// The name of a system call on 64-bit machines. On i386 and arm, a call with wider ids, times or sizes than the first one of its name
/// has a name of its own.
pub fn usual_name(name: &str) -> &str {
    match name {
        "_llseek" => "lseek",
        "fcntl64" => "fcntl",
        "fstatfs64" => "fstatfs",
        "mmap2" => "mmap",
        "getresgid32" => "getresgid",
        "getresuid32" => "getresuid",
        "setresuid32" => "setresuid",
        name => name,
    }
}

/// The command that runs a program as alice under strace.
pub fn traced(program: &Path, target: &str, ranges: &str, log: &str, expression: &str) -> Command {
    // Root starts strace: a program traced by an unprivileged user gains no privilege.
    let mut strace = ROOT.command("strace");
    strace.args(["-f", "-qq", "-o", log, "-e", expression]);
    strace.args(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]);
    strace.arg(program).arg(target).args(ranges.split(' ')).stdin(Stdio::null());
    strace
}
