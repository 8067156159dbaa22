//! What can be learnt of the target, once more by its word: the run that failed has let go of it.

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

/// The target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetEvidence {
    /// Whether the process is there no more.
    pub(crate) ended: bool,
    /// Its user namespace.
    pub(crate) namespace: Relation,
    /// Whether that has a map of our id_type already.
    pub(crate) mapped: Option<bool>,
    /// The process's real uid; its directory is the effective one's.
    pub(crate) real_uid: Option<uid_t>,
    /// Who owns its map: root, if the process is not dumpable; see proc(5).
    pub(crate) map_owner: Option<uid_t>,
}

/// What a user namespace is to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It is ours.
    Same,
    /// It was made in ours.
    Child,
    /// Not made in the own namespace: a grandchild, or a namespace above.
    Other,
    /// The kernel does not let the namespace be opened: a namespace above, unless a security module refuses.
    Closed,
    Unknown,
}

impl TargetEvidence {
    /// Looks at the target; `None` if it is gone.
    pub(crate) fn examine(id_type: IdType, word: &OsStr) -> Option<Self> {
        let target = Target::open(word).ok()?;
        let status = read(&target, "status").unwrap_or_default();
        let gone = |reason: Reason| matches!(reason.errno(), Errno::ENOENT | Errno::ESRCH);
        Some(Self {
            ended: target.owner_of("status").is_err_and(gone),
            namespace: relation(&target),
            mapped: read(&target, id_type.map_file()).map(|map| !map.is_empty()),
            real_uid: field(&status, "Uid").and_then(|uid| uid.parse().ok()),
            map_owner: target.owner_of(id_type.map_file()).ok(),
        })
    }
}

/// Compares the target's user namespace, and its parent (`NS_GET_PARENT`, see ioctl_ns(2)), with the own one.
fn relation(target: &Target) -> Relation {
    let identity = |file: &File| file.metadata().map(|status| (status.dev(), status.ino())).ok();
    let Some(own) = File::open("/proc/self/ns/user").ok().as_ref().and_then(identity) else {
        return Relation::Unknown;
    };
    let namespace = match target.open_namespace() {
        Ok(namespace) => namespace,
        // Opening requires the right to trace the process (PTRACE_MODE_READ, see ptrace(2)), which nobody has over a process in a
        // namespace above, and only root over a process that is not dumpable.
        Err(Errno::EACCES) if target.owner_of("uid_map").is_ok_and(|owner| owner == target.uid) => {
            return Relation::Closed;
        }
        Err(_) => return Relation::Unknown,
    };
    if identity(&namespace) == Some(own) {
        return Relation::Same;
    }
    match namespace::parent(&namespace).map(File::from) {
        Ok(parent) if identity(&parent) == Some(own) => Relation::Child,
        // EPERM: the parent is above the own namespace.
        Ok(_) | Err(Errno::EPERM) => Relation::Other,
        Err(_) => Relation::Unknown,
    }
}

fn read(target: &Target, name: &str) -> Option<String> {
    let file = target.open_for_reading(name).ok()?;
    let mut text = String::new();
    // Of a map, and of what comes first in the status, this is more than all.
    file.take(65_536).read_to_string(&mut text).ok()?;
    Some(text)
}
