//! Evidence about `/proc`, where the target and its map are opened.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};
use nix::unistd::Pid;

use super::mounts::Mount;
use super::plain_target;
use crate::error::Error;
use crate::id_type::IdType;
use crate::mapping::target::TargetError;
use crate::mapping::write::WriteError;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcEvidence {
    /// The file system at `/proc` is procfs.
    pub(crate) is_procfs: Option<bool>,
    /// The mount of the target's setgroups file if that file failed, otherwise of the target's map.
    pub(crate) mount: Option<Mount>,
    /// The procfs at `/proc` shows another PID namespace than the caller's.
    pub(crate) shows_other_pid_namespace: bool,
    /// The caller's PID namespace has a process with the target's PID.
    pub(crate) pid_exists: bool,
}

impl ProcEvidence {
    pub(super) fn examine(id_type: IdType, error: &Error, target: &OsStr) -> Self {
        let is_procfs = statfs("/proc").ok().map(|status| status.filesystem_type() == PROC_SUPER_MAGIC);
        let argument = plain_target(target.to_str().unwrap_or_default());
        let pid = match error {
            Error::Target(TargetError::NotFound { pid, .. }) => Some(*pid),
            _ => argument.parse().ok(),
        };
        let file = match error {
            Error::Write(WriteError::SetgroupsOpen(_) | WriteError::SetgroupsWrite(_)) => "setgroups",
            _ => id_type.map_file(),
        };
        let directory = target_directory(pid, argument).unwrap_or_else(|| "/proc".into());
        Self {
            is_procfs,
            mount: Mount::of(&directory.join(file)),
            shows_other_pid_namespace: is_procfs == Some(true) && !lists_this_process(),
            // EPERM: the process exists, but this one may not signal it.
            pid_exists: pid.is_some_and(|pid| pid > 0 && kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH)),
        }
    }
}

/// The path of the target's directory. A descriptor may be of any directory; only one below `/proc` counts.
fn target_directory(pid: Option<libc::pid_t>, argument: &str) -> Option<PathBuf> {
    let directory = match pid {
        Some(pid) => PathBuf::from(format!("/proc/{pid}")),
        None => std::fs::read_link(format!("/proc/self/fd/{}", argument.strip_prefix("fd:")?)).ok()?,
    };
    directory.starts_with("/proc").then_some(directory)
}

/// Whether `/proc/self` has this process's PID. The procfs of an ancestor PID namespace has another PID for this process, and an
/// unrelated PID namespace's procfs does not list this process (`proc_self_get_link` in fs/proc/self.c).
fn lists_this_process() -> bool {
    std::fs::read_link("/proc/self").is_ok_and(|own| own == Path::new(&std::process::id().to_string()))
}
