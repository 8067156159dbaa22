//! What a run does with privilege, as strace(1) shows it: while 0 is among the real, effective and saved uid, or a capability
//! is effective.

use super::InstallMode;

/// Of a whole run, the loader's part included.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Privileged {
    /// System calls, those that give privilege up among them.
    pub calls: usize,
    /// Of these, the ones from the first getresuid(2) on: the loader and a runtime have no use for it.
    pub calls_of_main: usize,
    /// Bytes read, other than of a library.
    pub bytes_read: usize,
}

/// The rest of a library's header is read by pread64(2), and nothing else here is.
const READING: [&str; 6] = ["read", "readv", "recvfrom", "recvmsg", "recvmmsg", "getdents64"];

impl Privileged {
    /// Of the log of `strace -f` of a program that an ordinary user runs: the last one in it.
    pub fn of(log: &str, mode: InstallMode) -> Self {
        let (_, run) = log.rsplit_once(" execve(").unwrap();
        let mut privileged = Self::default();
        let root = mode == InstallMode::Setuid;
        // Whether the real, the effective and the saved uid are 0.
        let mut is_root = [false, root, root];
        let (mut has_effective, mut is_main) = (true, false);
        for line in run.lines().skip(1) {
            let (_, call) = line.trim_start().split_once(' ').unwrap();
            let (name, rest) = call.trim_start().split_once('(').unwrap_or_default();
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
                    // The kernel takes them with the effective uid 0.
                    has_effective &= is_root[1];
                }
                "setuid" | "setreuid" => panic!("not understood: {call}"),
                "capset" if call.ends_with("= 0") => has_effective = !call.contains("effective=0,"),
                _ => {}
            }
        }
        privileged
    }
}
