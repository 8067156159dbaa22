//! What a run does with privilege, as strace(1) shows it: while 0 is among the real, effective and saved uid, or a capability
//! is effective.

use super::Way;

/// Of a whole run, the loader's part included.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Privileged {
    /// System calls, those that give privilege up among them.
    pub calls: usize,
    /// Of these, the ones from the first getresuid(2) on: the loader and a runtime have no use for it.
    pub calls_of_main: usize,
    /// Bytes read(2), other than of a library.
    pub bytes_read: usize,
}

impl Privileged {
    /// Of the log of `strace -f` of a program that an ordinary user runs: the last one in it.
    pub fn of(log: &str, way: Way) -> Self {
        let (_, run) = log.rsplit_once(" execve(").unwrap();
        let mut privileged = Self::default();
        let (mut has_root, mut has_effective, mut is_main) = (way == Way::Setuid, true, false);
        for line in run.lines().skip(1) {
            let (_, call) = line.trim_start().split_once(' ').unwrap();
            let (name, _) = call.trim_start().split_once('(').unwrap_or_default();
            is_main |= name == "getresuid";
            if has_root || has_effective {
                privileged.calls += 1;
                privileged.calls_of_main += usize::from(is_main);
                if name == "read" && !call.contains("\"\\177ELF") {
                    let (_, bytes) = call.rsplit_once("= ").unwrap();
                    privileged.bytes_read += bytes.parse::<usize>().unwrap_or(0);
                }
            }
            match name {
                "setuid" | "setreuid" | "setresuid" if call.ends_with("= 0") => {
                    has_root = call.contains("(0") || call.contains(", 0");
                    // The kernel takes them with the effective uid 0.
                    has_effective &= has_root;
                }
                "capset" if call.ends_with("= 0") => has_effective = !call.contains("effective=0,"),
                _ => {}
            }
        }
        privileged
    }
}
