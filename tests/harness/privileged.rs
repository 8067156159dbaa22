//! Counts the privileged system calls in a log of strace(1). A call is privileged if the real, effective or saved uid is 0, or if
//! a capability is effective.

use super::InstallMode;
use super::tracing::usual_name;

/// Counts for a whole run, including the loader.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Privileged {
    /// Privileged system calls, including those that drop privilege.
    pub calls: usize,
    /// Privileged calls from the first getresuid(2) on, which neither the loader nor the runtime before main calls.
    pub calls_of_main: usize,
    /// Bytes that privileged calls read from files other than libraries.
    pub bytes_read: usize,
}

/// pread64(2) is not in the list: the loader alone uses it, for the headers of libraries.
const READING: [&str; 6] = ["read", "readv", "recvfrom", "recvmsg", "recvmmsg", "getdents64"];

impl Privileged {
    /// Reads a log of `strace -f`; its last exec is the program, started by an unprivileged user.
    pub fn of(log: &str, mode: InstallMode) -> Self {
        let (_, run) = log.rsplit_once(" execve(").unwrap();
        let mut privileged = Self::default();
        let root = mode == InstallMode::Setuid;
        // True for each of real, effective and saved uid that is 0.
        let mut is_root = [false, root, root];
        let (mut has_effective, mut is_main) = (true, false);
        for line in run.lines().skip(1) {
            let (_, call) = line.trim_start().split_once(' ').unwrap();
            let (name, rest) = call.trim_start().split_once('(').unwrap_or_default();
            let name = usual_name(name);
            is_main |= name == "getresuid";
            if has_effective || is_root.contains(&true) {
                privileged.calls += 1;
                privileged.calls_of_main += usize::from(is_main);
                if READING.contains(&name) && !call.contains("\"\\177ELF") {
                    let (_, bytes) = call.rsplit_once("= ").unwrap();
                    privileged.bytes_read += bytes.parse::<usize>().unwrap_or(0);
                }
            }
            match name {
                "setresuid" if call.ends_with("= 0") => {
                    let (uids, _) = rest.split_once(')').unwrap();
                    for (is_root, uid) in is_root.iter_mut().zip(uids.split(", ")) {
                        *is_root = if uid == "-1" { *is_root } else { uid == "0" };
                    }
                    // The kernel clears the effective capabilities when the effective uid changes from 0.
                    has_effective &= is_root[1];
                }
                "setuid" | "setreuid" => panic!("unexpected call: {call}"),
                "capset" if call.ends_with("= 0") => has_effective = !call.contains("effective=0,"),
                _ => {}
            }
        }
        privileged
    }
}
