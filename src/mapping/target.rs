//! The target: the process in the new user namespace.
//!
//! Its `/proc` directory is opened once, and every file of the process is opened relative to that descriptor. A later process with
//! the same PID cannot take its place: the directory of an ended process has no files.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, read_link};
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use libc::{c_int, gid_t, pid_t, uid_t};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::Mode;
use nix::sys::statfs::{FsType, NSFS_MAGIC, PROC_SUPER_MAGIC, fstatfs};
use nix::unistd::{AccessFlags, faccessat};
use thiserror::Error;

use crate::number::{self, Base};
use crate::privileges::RaisedCaps;
use crate::reason::Reason;

/// The file systems of pidfds: anonymous inodes, and pidfs since Linux 6.9. The numbers are from the kernel's
/// include/uapi/linux/magic.h.
const PIDFD_FILE_SYSTEMS: [FsType; 2] = [FsType(0x0904_1934), FsType(0x5049_4446)];

const NAMESPACE: &str = "ns/user";

/// The `/proc` directory of a process.
#[derive(Debug)]
pub(crate) struct Target {
    directory: File,
    /// The owner of the directory: the effective uid of the process, dumpable or not (`task_dump_owner` in fs/proc/base.c).
    uid: uid_t,
    /// The group of the directory.
    gid: gid_t,
}

/// Why there is no target.
#[derive(Debug, Error)]
pub(crate) enum TargetError {
    /// The first argument names no target.
    #[error("")]
    Bad(#[source] BadTarget),
    /// `/proc` has no directory of this process.
    #[error("Could not open proc directory for target {pid}: {reason}")]
    NotFound { pid: pid_t, reason: Reason },
    /// The target cannot be examined: its owner, or the descriptor that names it, is not known.
    #[error("Could not stat directory for target: {0}")]
    Status(Reason),
}

/// Why an argument names no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BadTarget {
    #[error("neither a PID from 1 to 2147483647 nor fd: and the number of a descriptor")]
    NotAPid,
    #[error("fd: without the number of a descriptor")]
    NotADescriptor,
    #[error("a descriptor that is not open")]
    NotOpen,
    #[error("neither a /proc/PID directory nor a pidfd")]
    AnotherFile,
    /// Before Linux 5.14 the kernel hides fdinfo, and with it the PID, from a program that gained privilege by its exec.
    #[error("not a /proc/PID directory; pidfds need Linux 5.14 or later")]
    HiddenPid,
    #[error("a pidfd whose process has ended")]
    Ended,
    #[error("a pidfd of a process in another PID namespace")]
    OtherPidNamespace,
}

impl From<BadTarget> for TargetError {
    fn from(bad: BadTarget) -> Self {
        Self::Bad(bad)
    }
}

impl Target {
    /// Opens the target that an argument names: a PID, or `fd:N` for an inherited descriptor of a process's `/proc` directory or of a
    /// pidfd.
    ///
    /// # Errors
    ///
    /// [`TargetError`]
    pub(crate) fn open(argument: &OsStr) -> Result<Self, TargetError> {
        let argument = argument.as_bytes();
        match argument.strip_prefix(b"fd:") {
            None => Self::of_process(positive_int(argument).ok_or(BadTarget::NotAPid)?),
            Some(number) => Self::of_descriptor(&int(number).ok_or(BadTarget::NotADescriptor)?.to_string()),
        }
    }

    fn of_process(pid: pid_t) -> Result<Self, TargetError> {
        let not_found = |reason: Reason| TargetError::NotFound { pid, reason };
        let directory =
            open_path(&format!("/proc/{pid}"), libc::O_DIRECTORY | libc::O_NOFOLLOW).map_err(not_found)?;
        if file_system(&directory)? != PROC_SUPER_MAGIC {
            return Err(not_found(Errno::ENOENT.into()));
        }
        // O_PATH opens the directory of a process that hidepid hides; its status fails.
        Self::with_owner(directory).map_err(|error| match error {
            TargetError::Status(reason) => not_found(reason),
            other => other,
        })
    }

    /// The descriptor is opened a second time through `/proc`, with `O_PATH`: this opens no device or FIFO, and needs no unsafe code
    /// for a raw descriptor.
    fn of_descriptor(number: &str) -> Result<Self, TargetError> {
        let link = format!("/proc/self/fd/{number}");
        let descriptor = open_path(&link, 0).map_err(|reason| match reason.errno() {
            Errno::ENOENT => BadTarget::NotOpen.into(),
            _ => TargetError::Status(reason),
        })?;
        match file_system(&descriptor)? {
            PROC_SUPER_MAGIC if is_of_a_process(&descriptor, &link) => Self::with_owner(descriptor),
            other if PIDFD_FILE_SYSTEMS.contains(&other) => Self::of_pidfd(number),
            _ => Err(BadTarget::AnotherFile.into()),
        }
    }

    /// The PID of a pidfd is read before and after the directory is opened. If both are the same, the process lived until then, and
    /// the directory is not that of a later process with the same PID.
    fn of_pidfd(number: &str) -> Result<Self, TargetError> {
        let pid = pid_of_pidfd(number)?;
        let target = Self::of_process(pid)?;
        match pid_of_pidfd(number) {
            Ok(later) if later == pid => Ok(target),
            _ => Err(TargetError::NotFound { pid, reason: Errno::ESRCH.into() }),
        }
    }

    fn with_owner(directory: File) -> Result<Self, TargetError> {
        let status = directory.metadata().map_err(|error| TargetError::Status(error.into()))?;
        if !status.is_dir() {
            return Err(BadTarget::AnotherFile.into());
        }
        Ok(Self { uid: status.uid(), gid: status.gid(), directory })
    }

    /// The owner of the directory.
    pub(crate) const fn uid(&self) -> uid_t {
        self.uid
    }

    /// The group of the directory.
    pub(crate) const fn gid(&self) -> gid_t {
        self.gid
    }

    /// A target with this owner and without files, for tests of the policy. Miri cannot open the directory of a process.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn owned_by(uid: uid_t, gid: gid_t) -> std::io::Result<Self> {
        Ok(Self { uid, gid, directory: File::open("/dev/null")? })
    }

    /// Opens a file of the process for reading.
    ///
    /// # Errors
    ///
    /// Those of openat2(2), see [`Target::open_file`].
    pub(crate) fn open_for_reading(&self, name: &str) -> nix::Result<File> {
        self.open_file(name, OFlag::O_RDONLY)
    }

    /// Opens the `setgroups` file, to which the owner of the namespace may write without privilege.
    ///
    /// # Errors
    ///
    /// Those of openat2(2), see [`Target::open_file`].
    pub(super) fn open_setgroups(&self) -> nix::Result<File> {
        self.open_file("setgroups", OFlag::O_RDWR)
    }

    /// Opens a map for writing. The kernel checks the capabilities at open(2), too.
    ///
    /// # Errors
    ///
    /// Those of openat2(2), see [`Target::open_file`].
    pub(super) fn open_map(&self, map_file: &str, _raised: &RaisedCaps) -> nix::Result<File> {
        self.open_file(map_file, OFlag::O_WRONLY)
    }

    /// Opens a file of the process, and refuses a mount over it. `fd:N` may come from a mount namespace in which the caller has
    /// mounted a FIFO, or the map of another process, over the map.
    ///
    /// # Errors
    ///
    /// Those of openat2(2): `EXDEV` for a covered file, `ENOSYS` before Linux 5.6.
    fn open_file(&self, name: &str, flags: OFlag) -> nix::Result<File> {
        let resolve = ResolveFlag::RESOLVE_NO_XDEV | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve);
        openat2(&self.directory, name, how).map(File::from)
    }

    /// The owner of a file of the process.
    ///
    /// # Errors
    ///
    /// Those of openat2(2) and fstat(2).
    pub(crate) fn owner_of(&self, name: &str) -> Result<uid_t, Reason> {
        Ok(self.open_file(name, OFlag::O_PATH)?.metadata()?.uid())
    }

    /// Opens the user namespace of the process, see namespaces(7). `ns/user` is a link that leaves procfs, so openat2(2) cannot both
    /// follow the link and refuse a mount. The link is checked first. Then `O_PATH` follows it without opening a FIFO or a device.
    ///
    /// # Errors
    ///
    /// Those of openat2(2), see [`Target::open_file`]; `EACCES` without the right to trace the process.
    pub(crate) fn open_namespace(&self) -> Result<File, Reason> {
        self.open_file(NAMESPACE, OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
        let found = openat(&self.directory, NAMESPACE, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
        if fstatfs(&found)?.filesystem_type() != NSFS_MAGIC {
            return Err(Errno::EXDEV.into());
        }
        Ok(File::open(format!("/proc/self/fd/{}", found.as_raw_fd()))?)
    }
}

fn open_path(path: &str, flags: c_int) -> Result<File, Reason> {
    Ok(OpenOptions::new().read(true).custom_flags(libc::O_PATH | flags).open(path)?)
}

fn file_system(descriptor: impl AsFd) -> Result<FsType, TargetError> {
    let status = fstatfs(descriptor).map_err(|errno| TargetError::Status(errno.into()))?;
    Ok(status.filesystem_type())
}

/// Whether a file of procfs is the directory of a process, or was one until the process ended. The kernel removes the directory of an
/// ended process (`proc_flush_pid` in fs/proc/base.c), and then appends ` (deleted)` to the descriptor's link (`d_path` in fs/d_path.c).
fn is_of_a_process(descriptor: &File, link: &str) -> bool {
    let has_map = faccessat(descriptor, "uid_map", AccessFlags::F_OK, AtFlags::empty()).is_ok();
    has_map || read_link(link).is_ok_and(|path| path.as_os_str().as_bytes().ends_with(b" (deleted)"))
}

/// Reads the PID of a pidfd from the `Pid:` line of its fdinfo (`pidfd_show_fdinfo` in kernel/fork.c, later fs/pidfs.c), which the
/// kernel shows for pidfds alone: -1 for an ended process, 0 for a process that has no PID in this `/proc`.
fn pid_of_pidfd(number: &str) -> Result<pid_t, TargetError> {
    let fdinfo =
        std::fs::read(format!("/proc/self/fdinfo/{number}")).map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => BadTarget::HiddenPid.into(),
            _ => TargetError::Status(error.into()),
        })?;
    let pid = fdinfo.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Pid:"));
    match pid.map(<[u8]>::trim_ascii) {
        None => Err(BadTarget::AnotherFile.into()),
        Some(b"-1") => Err(BadTarget::Ended.into()),
        Some(pid) => Ok(positive_int(pid).ok_or(BadTarget::OtherPidNamespace)?),
    }
}

fn positive_int(text: &[u8]) -> Option<c_int> {
    int(text).filter(|number| *number > 0)
}

/// A PID or the number of a descriptor. Both have C's type `int`, and neither is negative.
fn int(text: &[u8]) -> Option<c_int> {
    c_int::try_from(number::parse(text, Base::Decimal, 0..=u64::MAX).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{Target, TargetError};

    #[test]
    fn a_target_is_a_decimal_pid_or_a_descriptor() {
        for word in [
            "",
            "0",
            "-1",
            "self",
            "1x",
            "0x1",
            "2147483648",
            "fd:",
            "fd:-1",
            "fd:x",
            "FD:0",
            "fd:2147483647",
        ] {
            assert!(matches!(Target::open(word.as_ref()), Err(TargetError::Bad(_))), "{word:?}");
        }
        let own = std::process::id();
        for word in [own.to_string(), format!(" +{own}"), format!("00{own}")] {
            assert!(Target::open(word.as_ref()).is_ok(), "{word:?}");
        }
    }

    #[test]
    fn a_missing_process_is_named_in_the_error() {
        let error = Target::open("2147483647".as_ref()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Could not open proc directory for target 2147483647: No such file or directory"
        );
    }
}
