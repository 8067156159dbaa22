//! The process whose user namespace is to be mapped.
//!
//! Its `/proc` directory is opened once. Whatever is asked or written later goes through that descriptor, so a
//! PID that is reused in between cannot put another process in its place: the kernel lets a directory of a
//! process that has ended serve nothing any more.

use std::ffi::{OsStr, OsString};
use std::fs::read_link;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use libc::{c_int, gid_t, pid_t, uid_t};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, open, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::sys::statfs::{FsType, PROC_SUPER_MAGIC, fstatfs};

use crate::error::Error;
use crate::number::{self, Base};

/// The file systems on which a pidfd lives: anonymous inodes, and from Linux 6.9 on pidfs.
/// Their numbers are from the kernel's include/uapi/linux/magic.h.
const PIDFD_FILE_SYSTEMS: [FsType; 2] = [FsType(0x0904_1934), FsType(0x5049_4446)];

/// A process's `/proc` directory, opened, with its owner.
#[derive(Debug)]
pub struct Target {
    directory: OwnedFd,
    /// The uid that owns the directory: the process's effective uid, whether it is dumpable or not (`task_dump_owner` in
    /// fs/proc/base.c).
    pub uid: uid_t,
    /// The directory's group.
    pub gid: gid_t,
}

/// Why the word on the command line names no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// Without `fd:`, it has to be a PID.
    #[error("neither a PID from 1 to 2147483647 nor fd: and the number of a descriptor")]
    NotAPid,
    /// What follows `fd:` is no number.
    #[error("fd: without the number of a descriptor")]
    NotADescriptor,
    /// The descriptor was not handed down.
    #[error("a descriptor that is not open")]
    NotOpen,
    /// The descriptor is something else.
    #[error("a descriptor of something else than a process's directory in /proc or a pidfd")]
    AnotherFile,
    /// What it is of can be read in its fdinfo alone, which this kernel keeps from us.
    #[error(
        "a descriptor of no directory in /proc, and of which process it is a pidfd, if any, is not told before Linux 5.14"
    )]
    Untold,
    /// The pidfd's process has ended.
    #[error("a pidfd whose process has ended")]
    Ended,
    /// The pidfd's process has no PID here.
    #[error("a pidfd of a process in another PID namespace")]
    Elsewhere,
}

impl From<BadTarget> for Error {
    fn from(target: BadTarget) -> Self {
        Self::Target(target)
    }
}

impl Target {
    /// Opens what the command line names: a PID, or `fd:N` for a descriptor that the caller handed down, open on
    /// a process's `/proc` directory or a pidfd.
    ///
    /// # Errors
    ///
    /// [`Error::Target`] if `word` is neither, or its descriptor is something else; [`Error::NoTarget`] if there is no
    /// such process.
    pub fn open(word: &OsStr) -> Result<Self, Error> {
        let word = word.as_bytes();
        match word.strip_prefix(b"fd:") {
            None => Self::of_process(positive_int(word).ok_or(BadTarget::NotAPid)?),
            Some(number) => Self::of_descriptor(&int(number).ok_or(BadTarget::NotADescriptor)?.to_string()),
        }
    }

    fn of_process(pid: pid_t) -> Result<Self, Error> {
        let path = format!("/proc/{pid}");
        let no_target = |errno: Errno| Error::NoTarget { pid, reason: errno.into() };
        let directory = open(path.as_str(), directory_flags(), Mode::empty()).map_err(no_target)?;
        if file_system(&directory)? != PROC_SUPER_MAGIC {
            return Err(no_target(Errno::ENOENT));
        }
        // A /proc that hides a process (hidepid) still lets its directory be opened with O_PATH.
        Self::with_owner(directory).map_err(|error| match error {
            Error::TargetStatus(reason) => Error::NoTarget { pid, reason },
            other => other,
        })
    }

    /// The descriptor is looked at through `/proc` with `O_PATH`, which opens no device, FIFO or other file that
    /// has a say in being opened.
    fn of_descriptor(number: &str) -> Result<Self, Error> {
        let path = format!("/proc/self/fd/{number}");
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let descriptor = open(path.as_str(), flags, Mode::empty()).map_err(|_| BadTarget::NotOpen)?;
        match file_system(&descriptor)? {
            PROC_SUPER_MAGIC if is_of_a_process(&descriptor, &path) => Self::with_owner(descriptor),
            other if PIDFD_FILE_SYSTEMS.contains(&other) => Self::of_pidfd(number),
            _ => Err(BadTarget::AnotherFile.into()),
        }
    }

    /// A pidfd gives its process's PID, and never another one: asked again after the directory was opened, it tells
    /// whether the process lived until then, so that the directory is no later process's.
    fn of_pidfd(number: &str) -> Result<Self, Error> {
        let pid = pid_of_pidfd(number)?;
        let target = Self::of_process(pid)?;
        match pid_of_pidfd(number) {
            Ok(later) if later == pid => Ok(target),
            _ => Err(Error::NoTarget { pid, reason: Errno::ESRCH.into() }),
        }
    }

    fn with_owner(directory: OwnedFd) -> Result<Self, Error> {
        let status = fstat(&directory).map_err(|errno| Error::TargetStatus(errno.into()))?;
        if !is_directory(&status) {
            return Err(BadTarget::AnotherFile.into());
        }
        Ok(Self { directory, uid: status.st_uid, gid: status.st_gid })
    }

    /// Opens a file of the process, and nothing that is mounted over it, not even to see what it is: the directory may come
    /// from a mount namespace of the caller's, where a FIFO may be in the place of the map, or another process's file.
    ///
    /// # Errors
    ///
    /// Those of openat2(2), among them `EXDEV` for what is mounted there, and `ENOSYS` before Linux 5.6.
    pub fn open_file(&self, name: &str, flags: OFlag) -> nix::Result<OwnedFd> {
        let resolve = ResolveFlag::RESOLVE_NO_XDEV | ResolveFlag::RESOLVE_NO_SYMLINKS;
        openat2(&self.directory, name, OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve))
    }

    /// Tells the owner of a file of the process.
    ///
    /// # Errors
    ///
    /// Those of fstatat(2).
    pub fn owner_of(&self, name: &str) -> nix::Result<uid_t> {
        Ok(fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)?.st_uid)
    }

    /// Reads a symbolic link of the process.
    ///
    /// # Errors
    ///
    /// Those of readlinkat(2).
    pub fn read_link(&self, name: &str) -> nix::Result<OsString> {
        readlinkat(&self.directory, name)
    }
}

/// Whether a file of procfs is the directory of a process, or was until the process ended. The kernel takes the name of an ended
/// process's directory away (`proc_flush_pid` in fs/proc/base.c), and then says so in the link of a descriptor (`d_path`).
fn is_of_a_process(descriptor: &OwnedFd, link: &str) -> bool {
    let has_map = fstatat(descriptor, "uid_map", AtFlags::AT_SYMLINK_NOFOLLOW).is_ok();
    has_map || read_link(link).is_ok_and(|path| path.as_os_str().as_bytes().ends_with(b" (deleted)"))
}

fn directory_flags() -> OFlag {
    OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

fn file_system(descriptor: &OwnedFd) -> Result<FsType, Error> {
    Ok(fstatfs(descriptor).map_err(|errno| Error::TargetStatus(errno.into()))?.filesystem_type())
}

fn is_directory(status: &FileStat) -> bool {
    SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR
}

/// Reads the `Pid:` line that the kernel shows for a pidfd alone (`pidfd_show_fdinfo` in kernel/fork.c, later
/// fs/pidfs.c): -1 once the process has ended, 0 if it is not in the PID namespace of this `/proc`. Before Linux 5.14 it
/// keeps all of fdinfo from a program that gained privilege by its exec.
fn pid_of_pidfd(number: &str) -> Result<pid_t, BadTarget> {
    let information =
        std::fs::read(format!("/proc/self/fdinfo/{number}")).map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => BadTarget::Untold,
            _ => BadTarget::AnotherFile,
        })?;
    let pid = information.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Pid:"));
    match pid.map(<[u8]>::trim_ascii) {
        None => Err(BadTarget::AnotherFile),
        Some(b"-1") => Err(BadTarget::Ended),
        Some(pid) => positive_int(pid).ok_or(BadTarget::Elsewhere),
    }
}

fn positive_int(text: &[u8]) -> Option<c_int> {
    int(text).filter(|number| *number > 0)
}

/// A PID or a descriptor's number: both are C's `int`, and neither is negative.
fn int(text: &[u8]) -> Option<c_int> {
    c_int::try_from(number::parse(text, Base::Decimal, 0..=u64::MAX).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::Target;
    use crate::error::Error;

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
            assert!(matches!(Target::open(word.as_ref()), Err(Error::Target(_))), "{word:?}");
        }
        let own = std::process::id();
        for word in [own.to_string(), format!(" +{own}"), format!("00{own}")] {
            assert!(Target::open(word.as_ref()).is_ok(), "{word:?}");
        }
    }

    #[test]
    fn a_process_that_is_not_there_is_named() {
        let error = Target::open("2147483647".as_ref()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Could not open proc directory for target 2147483647: No such file or directory"
        );
    }
}
