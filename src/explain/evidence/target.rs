//! Evidence about the target. The run that failed has closed the target, so the first argument is opened a second time.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

use libc::uid_t;
use nix::errno::Errno;

use super::process::field;
use crate::id_type::IdType;
use crate::mapping::target::Target;
use crate::reason::Reason;
use crate::sys::namespace;

/// More than the largest map, and more than the fields of the status that are needed.
const MAX_BYTES: u64 = 65_536;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetEvidence {
    /// The process has ended. Its directory is empty, or the parent process has not waited for it.
    pub(crate) has_ended: bool,
    /// The target's user namespace, as a relation to this process's namespace.
    pub(crate) namespace: Relation,
    /// The target's namespace has a map of this id type.
    pub(crate) has_map: Option<bool>,
    /// The real uid. The owner of the directory is the effective uid.
    pub(crate) real_uid: Option<uid_t>,
    /// The owner of the map file: root if the process is not dumpable; see proc(5).
    pub(crate) map_owner: Option<uid_t>,
}

/// The relation of a user namespace to this process's user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Same,
    /// The parent is this process's namespace. The kernel accepts a map of a child alone.
    Child,
    /// The parent is another namespace: the target's is a grandchild or an ancestor.
    Other,
    /// The kernel refuses to open the namespace: an ancestor, unless a security module refused.
    Closed,
    Unknown,
}

impl TargetEvidence {
    /// `None` if the target cannot be opened.
    pub(crate) fn examine(id_type: IdType, word: &OsStr) -> Option<Self> {
        let target = Target::open(word).ok()?;
        let status = read(&target, "status").unwrap_or_default();
        let gone = |reason: Reason| matches!(reason.errno(), Errno::ENOENT | Errno::ESRCH);
        // Zombie, and dead; see proc(5).
        let is_dead = matches!(field(&status, "State"), Some("Z" | "X"));
        Some(Self {
            has_ended: is_dead || target.owner_of("status").is_err_and(gone),
            namespace: relation(&target),
            has_map: read(&target, id_type.map_file()).map(|map| !map.is_empty()),
            real_uid: field(&status, "Uid").and_then(|uid| uid.parse().ok()),
            map_owner: target.owner_of(id_type.map_file()).ok(),
        })
    }
}

/// Compares the target's user namespace, and its parent (`NS_GET_PARENT`, see ioctl_ns(2)), with this process's namespace.
fn relation(target: &Target) -> Relation {
    let identity = |file: &File| file.metadata().map(|status| (status.dev(), status.ino())).ok();
    let Some(own) = File::open("/proc/self/ns/user").ok().as_ref().and_then(identity) else {
        return Relation::Unknown;
    };
    let namespace = match target.open_namespace() {
        Ok(namespace) => namespace,
        // Opening requires PTRACE_MODE_READ (see ptrace(2)). The kernel denies that for a process in an ancestor namespace, and for a
        // process that is not dumpable. The owner of the map file excludes the latter.
        Err(reason)
            if reason.errno() == Errno::EACCES
                && target.owner_of("uid_map").is_ok_and(|owner| owner == target.uid()) =>
        {
            return Relation::Closed;
        }
        Err(_) => return Relation::Unknown,
    };
    if identity(&namespace) == Some(own) {
        return Relation::Same;
    }
    match namespace::parent(&namespace).map(File::from) {
        Ok(parent) if identity(&parent) == Some(own) => Relation::Child,
        // EPERM: the parent is an ancestor of this process's namespace.
        Ok(_) | Err(Errno::EPERM) => Relation::Other,
        Err(_) => Relation::Unknown,
    }
}

fn read(target: &Target, name: &str) -> Option<String> {
    let file = target.open_for_reading(name).ok()?;
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}
