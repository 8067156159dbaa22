//! What can be learnt of the target, once more by its word: the run that failed has let go of it.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;

use libc::uid_t;
use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::process::field;
use crate::kind::Kind;
use crate::target::Target;

/// More than a page on every machine, and so more than the kernel takes as a map.
static TOO_MUCH: [u8; 65_536] = [0; 65_536];

/// The target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFacts {
    /// Whether the process is there no more.
    pub ended: bool,
    /// Its user namespace.
    pub namespace: Relation,
    /// Whether that has a map of our kind already.
    pub mapped: Option<bool>,
    /// The process's real uid; its directory is the effective one's.
    pub real_uid: Option<uid_t>,
    /// Who owns its map: root, if the process is not dumpable; see proc(5).
    pub map_owner: Option<uid_t>,
}

/// What a user namespace is to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is ours.
    Same,
    /// It was made in ours.
    Child,
    /// It was not made in ours: a child's child, or above ours.
    Other,
    /// That cannot be known.
    Unknown,
}

impl TargetFacts {
    /// Looks at the target; `None` if it is gone.
    #[must_use]
    pub fn examine(kind: Kind, word: &OsStr) -> Option<Self> {
        let target = Target::open(word).ok()?;
        let status = read(&target, "status").unwrap_or_default();
        let gone = |errno| matches!(errno, Errno::ENOENT | Errno::ESRCH);
        Some(Self {
            ended: target.owner_of("status").is_err_and(gone),
            namespace: relation(kind, &target),
            mapped: read(&target, kind.map_file()).map(|map| !map.is_empty()),
            real_uid: field(&status, "Uid").and_then(|uid| uid.parse().ok()),
            map_owner: target.owner_of(kind.map_file()).ok(),
        })
    }
}

/// Of the kernel's checks that of the namespace comes before that of the length (`proc_uid_map_write` and `map_write` in
/// kernel/user_namespace.c). So what is too long by far, and never taken, is answered with EINVAL for a child of ours, and with
/// EPERM for any other. The ioctl that tells a namespace's parent, `NS_GET_PARENT`, cannot be had without unsafe code.
fn relation(kind: Kind, target: &Target) -> Relation {
    let ours = std::fs::read_link("/proc/self/ns/user").ok();
    // To look needs the right to trace it, which nobody has over a process in a namespace above.
    let theirs = target.read_link("ns/user").ok().map(PathBuf::from);
    if theirs.is_some() && theirs == ours {
        return Relation::Same;
    }
    let Ok(map) = target.open_file(kind.map_file(), OFlag::O_WRONLY) else { return Relation::Unknown };
    match write_too_much(map) {
        Err(Some(libc::EINVAL)) if theirs.is_some() => Relation::Child,
        Err(Some(libc::EPERM)) if can_write() => Relation::Other,
        _ => Relation::Unknown,
    }
}

fn write_too_much(file: impl Into<File>) -> Result<usize, Option<i32>> {
    file.into().write(&TOO_MUCH).map_err(|error| error.raw_os_error())
}

/// A seccomp filter may refuse a write(2), but cannot see where to: it would refuse this one, too, which has the same size
/// and, since it comes next, the same descriptor.
fn can_write() -> bool {
    OpenOptions::new().write(true).open("/dev/null").is_ok_and(|null| write_too_much(null).is_ok())
}

fn read(target: &Target, name: &str) -> Option<String> {
    let file = target.open_file(name, OFlag::O_RDONLY).map(File::from).ok()?;
    let mut text = String::new();
    // Of a map, and of what comes first in the status, this is more than all.
    file.take(65_536).read_to_string(&mut text).ok()?;
    Some(text)
}
