//! Evidence about this process: the restrictions on its privilege, and the ids that its user namespace maps.
//!
//! Dropping privilege does not change these restrictions, so the program started with them.

use std::fs;

use caps::Capability;
use nix::unistd::{SysconfVar, sysconf};

use super::id_map::{self, MapLine};
use crate::id_range::IdRange;
use crate::id_type::IdType;

/// The restrictions; `None` where the kernel's file cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Process {
    /// An exec gives no privilege; see prctl(2), `PR_SET_NO_NEW_PRIVS`.
    pub(crate) no_new_privs: Option<bool>,
    pub(crate) has_seccomp_filter: Option<bool>,
    /// A debugger traces this process, and an exec gives no privilege; see ptrace(2).
    pub(crate) is_traced: Option<bool>,
    /// The bounding set contains the capability for a map of this id type.
    pub(crate) bounding_set_has_capability: Option<bool>,
    pub(crate) bounding_set_has_setfcap: Option<bool>,
    /// The ids of each line of this user namespace's map, in the map's order. Adjacent lines stay two: the kernel accepts no range
    /// that crosses from one to the next.
    pub(crate) mapped_lines: Option<Vec<IdRange>>,
    /// The uid that the kernel shows for unmapped uids; `None` if this uid is mapped itself. See user_namespaces(7).
    pub(crate) overflow_uid: Option<u32>,
    /// The label of the security module; `None` if the process is unconfined.
    pub(crate) security_label: Option<String>,
    /// AppArmor restricts the user namespaces of programs without a profile, as on Ubuntu.
    pub(crate) apparmor_restricts_userns: bool,
    /// Debian's kernel.unprivileged_userns_clone denies user namespaces to processes without `CAP_SYS_ADMIN`.
    pub(crate) userns_clone_is_off: bool,
    /// The limits of this user namespace; see namespaces(7).
    pub(crate) max_user_namespaces: Option<u64>,
    pub(crate) max_mnt_namespaces: Option<u64>,
    /// Major and minor version.
    pub(crate) kernel: Option<(u32, u32)>,
    /// In bytes. The kernel accepts a map that is shorter (`map_write` in kernel/user_namespace.c).
    pub(crate) page_size: Option<usize>,
}

impl Process {
    pub(crate) fn examine(id_type: IdType) -> Self {
        let status = read("/proc/self/status").unwrap_or_default();
        let number = |name| field(&status, name)?.parse::<u32>().ok();
        let bounding_set = field(&status, "CapBnd").and_then(|set| u64::from_str_radix(set, 16).ok());
        let in_bounding_set = |capability: Capability| Some(bounding_set? & capability.bitmask() != 0);
        Self {
            no_new_privs: number("NoNewPrivs").map(|flag| flag == 1),
            // SECCOMP_MODE_FILTER
            has_seccomp_filter: number("Seccomp").map(|mode| mode == 2),
            is_traced: number("TracerPid").map(|pid| pid != 0),
            bounding_set_has_capability: in_bounding_set(id_type.capability()),
            bounding_set_has_setfcap: in_bounding_set(Capability::CAP_SETFCAP),
            mapped_lines: mapped_lines(id_type),
            overflow_uid: unmapped_overflow_uid(),
            security_label: read("/proc/self/attr/current").as_deref().and_then(confining_label),
            apparmor_restricts_userns: sysctl("apparmor_restrict_unprivileged_userns").as_deref()
                == Some("1"),
            userns_clone_is_off: sysctl("unprivileged_userns_clone").as_deref() == Some("0"),
            max_user_namespaces: limit("max_user_namespaces"),
            max_mnt_namespaces: limit("max_mnt_namespaces"),
            kernel: sysctl("osrelease").as_deref().and_then(version),
            page_size: page_size(),
        }
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn sysctl(name: &str) -> Option<String> {
    Some(read(&format!("/proc/sys/kernel/{name}"))?.trim().to_owned())
}

fn limit(name: &str) -> Option<u64> {
    read(&format!("/proc/sys/user/{name}"))?.trim().parse().ok()
}

fn page_size() -> Option<usize> {
    sysconf(SysconfVar::PAGE_SIZE).ok()??.try_into().ok()
}

/// The first word after a name in /proc/PID/status; see proc(5).
pub(super) fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':');
    status.lines().find_map(value)?.split_whitespace().next()
}

/// An empty map is not the map of this namespace, because this process has an id.
fn mapped_lines(id_type: IdType) -> Option<Vec<IdRange>> {
    let lines = id_map::read("self", id_type).filter(|lines| !lines.is_empty())?;
    Some(lines.into_iter().map(MapLine::inside).collect())
}

fn unmapped_overflow_uid() -> Option<u32> {
    let uid = sysctl("overflowuid")?.parse().ok()?;
    let own = IdRange::new(uid, 1);
    let is_mapped = mapped_lines(IdType::Uid)?.iter().any(|line| line.common(own).is_some());
    (!is_mapped).then_some(uid)
}

/// A profile of AppArmor in the mode unconfined or complain denies nothing, and neither does the type `unconfined_t` of SELinux.
fn confining_label(label: &str) -> Option<String> {
    let label = label.trim_end_matches(['\n', '\0']);
    let denies_nothing = label == "unconfined"
        || label.ends_with(" (unconfined)")
        || label.ends_with(" (complain)")
        || label.split(':').nth(2) == Some("unconfined_t");
    (!label.is_empty() && !denies_nothing).then(|| label.to_owned())
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::{confining_label, field, version};

    #[test]
    fn a_field_of_the_status_is_found_by_its_name() {
        let status = "Name:\tCapBnd\nTracerPid:\t0\nNoNewPrivs:\t1\nUid:\t1000\t0\t0\t0\n";
        for (name, value) in [("NoNewPrivs", Some("1")), ("Uid", Some("1000")), ("CapBnd", None)] {
            assert_eq!(field(status, name), value, "{name}");
        }
    }

    #[test]
    fn a_label_confines_unless_it_is_empty_or_denies_nothing() {
        for (label, confines) in [
            ("unconfined\n", false),
            ("", false),
            ("\0", false),
            ("podman (unconfined)\n", false),
            ("x (complain)\n", false),
            ("unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023\0", false),
            ("lxc-container-default (enforce)\n", true),
            ("docker-default (enforce)\n", true),
            ("system_u:system_r:container_t:s0:c1,c2\0", true),
        ] {
            assert_eq!(confining_label(label).is_some(), confines, "{label:?}");
        }
    }

    #[test]
    fn a_kernel_version_is_the_first_two_numbers_of_its_release() {
        for (release, expected) in
            [("6.1.0-18-amd64", Some((6, 1))), ("5.12-rc3", Some((5, 12))), ("x", None), ("6", None)]
        {
            assert_eq!(version(release), expected, "{release}");
        }
    }
}
