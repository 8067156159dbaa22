//! What the kernel says of our own process: what it may become, and which ids there are for it.
//!
//! Nothing here has changed since the start: dropping capabilities leaves the bounding set and no_new_privs alone.

use std::fs;

use caps::Capability;
use nix::unistd::{SysconfVar, sysconf};

use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;

/// What was found; `None` where it cannot be known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Process {
    /// Whether an exec can give privilege no more; see prctl(2), `PR_SET_NO_NEW_PRIVS`.
    pub(crate) no_new_privs: Option<bool>,
    /// Whether a seccomp filter is in force.
    pub(crate) seccomp_filter: Option<bool>,
    /// Whether somebody traces us; an exec gives little then, see ptrace(2).
    pub(crate) traced: Option<bool>,
    /// Whether the capability for a map of our id_type is in the bounding set.
    pub(crate) bounded: Option<bool>,
    /// Whether `CAP_SETFCAP` is.
    pub(crate) setfcap_bounded: Option<bool>,
    /// The ids that are mapped in our user namespace.
    pub(crate) mapped_ids: Option<IdSet>,
    /// The uid that stands for all those that are not mapped, unless it is one that is; see user_namespaces(7).
    pub(crate) overflow_uid: Option<u32>,
    /// The security module's label, unless it confines nothing.
    pub(crate) label: Option<String>,
    /// Whether AppArmor restricts user namespaces of programs without a profile, as Ubuntu's does.
    pub(crate) restricted_namespaces: bool,
    /// Whether Debian's switch forbids user namespaces to all without `CAP_SYS_ADMIN`.
    pub(crate) forbidden_namespaces: bool,
    /// The kernel's version: the first two numbers.
    pub(crate) kernel: Option<(u32, u32)>,
    /// The size of a page, in bytes: a map has to be smaller.
    pub(crate) page_size: Option<usize>,
}

impl Process {
    /// Asks the kernel.
    pub(crate) fn examine(id_type: IdType) -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        let status = read("/proc/self/status").unwrap_or_default();
        let flag = |name| field(&status, name)?.parse::<u32>().ok();
        let bounding = field(&status, "CapBnd").and_then(|set| u64::from_str_radix(set, 16).ok());
        Self {
            no_new_privs: flag("NoNewPrivs").map(|flag| flag == 1),
            // SECCOMP_MODE_FILTER
            seccomp_filter: flag("Seccomp").map(|mode| mode == 2),
            traced: flag("TracerPid").map(|pid| pid != 0),
            bounded: bounding.map(|set| set & id_type.capability().bitmask() != 0),
            setfcap_bounded: bounding.map(|set| set & Capability::CAP_SETFCAP.bitmask() != 0),
            mapped_ids: read(&format!("/proc/self/{}", id_type.map_file())).as_deref().and_then(inside_ids),
            overflow_uid: read("/proc/self/uid_map").as_deref().and_then(inside_ids).and_then(|ids| {
                let uid = read("/proc/sys/kernel/overflowuid")?.trim().parse().ok()?;
                (!ids.intersects(IdRange::new(uid, 1))).then_some(uid)
            }),
            label: read("/proc/self/attr/current").as_deref().and_then(confining),
            restricted_namespaces: read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
                .is_some_and(|flag| flag.trim() == "1"),
            forbidden_namespaces: read("/proc/sys/kernel/unprivileged_userns_clone")
                .is_some_and(|flag| flag.trim() == "0"),
            kernel: read("/proc/sys/kernel/osrelease").as_deref().and_then(version),
            page_size: page_size(),
        }
    }
}

/// From the C library. Before Linux 6.4, rustix would have to read /proc/self/auxv, which a program that gained privilege by its
/// exec may not, and panics.
fn page_size() -> Option<usize> {
    sysconf(SysconfVar::PAGE_SIZE).ok()??.try_into().ok()
}

/// The first word after a name in /proc/PID/status; see proc(5).
pub(super) fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':');
    status.lines().find_map(value)?.split_whitespace().next()
}

/// The ids inside, which are in the first column of a map and counted in the third. A map without any is not to be relied on:
/// whoever runs has an id.
fn inside_ids(map: &str) -> Option<IdSet> {
    let range = |line: &str| {
        let mut columns = line.split_whitespace().map(str::parse);
        let (start, count) = (columns.next()?.ok()?, columns.nth(1)?.ok()?);
        Some(IdRange::new(start, count))
    };
    map.lines().map(range).collect::<Option<IdSet>>().filter(|ids| !ids.is_empty())
}

fn confining(label: &str) -> Option<String> {
    let label = label.trim_end_matches(['\n', '\0']);
    (!label.is_empty() && label != "unconfined").then(|| label.to_owned())
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::{confining, field, inside_ids, version};

    #[test]
    fn the_kernels_texts_are_read() {
        let status = "Name:\tCapBnd\nTracerPid:\t0\nNoNewPrivs:\t1\nUid:\t1000\t0\t0\t0\n";
        assert_eq!(field(status, "NoNewPrivs"), Some("1"));
        assert_eq!(field(status, "Uid"), Some("1000"));
        assert_eq!(field(status, "CapBnd"), None);
        let ids = inside_ids("         0       1000          1\n         1     100000      65535\n").unwrap();
        assert_eq!(ids.to_string(), "0 to 65535");
        assert_eq!(inside_ids(""), None);
        assert_eq!(inside_ids("0 x 1\n0 1\n"), None);
        for (label, confines) in
            [("unconfined\n", false), ("", false), ("\0", false), ("lxc-container-default (enforce)\n", true)]
        {
            assert_eq!(confining(label).is_some(), confines, "{label:?}");
        }
        for (release, expected) in
            [("6.1.0-18-amd64\n", Some((6, 1))), ("5.12-rc3", Some((5, 12))), ("x", None), ("6", None)]
        {
            assert_eq!(version(release), expected, "{release}");
        }
    }
}
