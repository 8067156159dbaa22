//! What can go wrong, in shadow's words where shadow has any: people and programs search for them.
//!
//! An error's `Display` is the first line without the program's name; [`Error::shows_usage`] says whether the
//! usage line follows. The source of an error, where it has one, is our addition and comes after both.

use std::fmt;
use std::io;

use libc::{gid_t, pid_t, uid_t};
use nix::errno::Errno;
use thiserror::Error;

use crate::extent::{BadNumber, Extent};
use crate::kind::Kind;
use crate::subid::nss::Unusable;
use crate::target::BadTarget;

/// Why no map was written.
#[derive(Debug, Error)]
pub enum Error {
    /// The command line is not one of ours.
    #[error("")]
    Usage,
    /// The target's word names none.
    #[error("")]
    Target(#[source] BadTarget),
    /// The caller's working directory cannot be left.
    #[error("cannot leave the working directory: {0}")]
    WorkingDirectory(Reason),
    /// There is no directory of the target in `/proc`.
    #[error("Could not open proc directory for target {pid}: {reason}")]
    NoTarget {
        /// The target.
        pid: pid_t,
        /// From open(2).
        reason: Reason,
    },
    /// The owner of the target's directory cannot be learnt.
    #[error("Could not stat directory for target: {0}")]
    TargetStatus(Reason),
    /// The real uid has no entry in passwd(5).
    #[error("Cannot determine your user name.")]
    NoUserName,
    /// The target is not the caller's.
    #[error(
        "Target process is owned by a different user: \
         uid:{uid} pw_uid:{uid} st_uid:{target_uid}, gid:{gid} pw_gid:{login_gid} st_gid:{target_gid}"
    )]
    ForeignTarget {
        /// The caller's real uid.
        uid: uid_t,
        /// The caller's real gid.
        gid: gid_t,
        /// The gid in the caller's passwd entry.
        login_gid: gid_t,
        /// The owner of the target's `/proc` directory.
        target_uid: uid_t,
        /// The group of the target's `/proc` directory.
        target_gid: gid_t,
    },
    /// The subid file cannot be opened or read.
    #[error("cannot open {path}: {reason}")]
    SubidFile {
        /// subuid(5) or subgid(5).
        path: &'static str,
        /// From open(2) or read(2).
        reason: Reason,
    },
    /// The last range is not whole.
    #[error("ranges: {ranges} is wrong for argc: {argc}")]
    RangeCount {
        /// The ranges that were begun.
        ranges: usize,
        /// The arguments after the target.
        argc: usize,
    },
    /// An argument is not a number.
    #[error("")]
    Malformed(#[source] BadNumber),
    /// An argument is a number that is not possible in its place.
    #[error("subuid overflow detected.")]
    Overflow(#[source] BadNumber),
    /// A range is not delegated to the caller.
    #[error("{} range {} not allowed", .kind.word(), .extent.as_ranges())]
    NotAllowed {
        /// Which ids.
        kind: Kind,
        /// The first such range of the request.
        extent: Extent,
    },
    /// The target's `setgroups` file cannot be opened.
    #[error("couldn't open process setgroups: {0}")]
    SetgroupsOpen(Reason),
    /// The target's `setgroups` file cannot be read.
    #[error("failed to read setgroups: {0}")]
    SetgroupsRead(Reason),
    /// The target's `setgroups` file cannot be taken back to its beginning.
    #[error("failed to seek setgroups: {0}")]
    SetgroupsSeek(Reason),
    /// `deny` cannot be written to the target's `setgroups` file.
    #[error("failed to setgroups deny policy: {0}")]
    SetgroupsWrite(Reason),
    /// Privilege cannot be changed as it must be.
    #[error("Could not {step}")]
    Privilege {
        /// What failed.
        step: &'static str,
        /// How.
        source: PrivilegeError,
    },
    /// Privilege cannot be given up, when it was used or was to be.
    #[error("Could not give up caps")]
    PrivilegeKept(#[source] PrivilegeError),
    /// The plugin that nsswitch.conf(5) names cannot be used.
    #[error("{0}")]
    Plugin(Unusable),
    /// The map's file cannot be opened.
    #[error("open of {file} failed: {reason}")]
    MapOpen {
        /// `uid_map` or `gid_map`.
        file: &'static str,
        /// From open(2).
        reason: Reason,
    },
    /// The kernel does not take the map.
    #[error("write to {file} failed: {reason}")]
    MapWrite {
        /// `uid_map` or `gid_map`.
        file: &'static str,
        /// From write(2); see user_namespaces(7).
        reason: Reason,
    },
}

impl Error {
    /// Whether the usage line follows the message.
    #[must_use]
    pub const fn shows_usage(&self) -> bool {
        matches!(
            self,
            Self::Usage
                | Self::Target(_)
                | Self::NoTarget { .. }
                | Self::RangeCount { .. }
                | Self::Malformed(_)
                | Self::Overflow(_)
        )
    }
}

/// Why capabilities or uids could not be changed.
#[derive(Debug, Error)]
pub enum PrivilegeError {
    /// A system call on uids or gids.
    #[error("{0}")]
    Ids(Reason),
    /// A system call on capabilities.
    #[error("{0}")]
    Capabilities(#[from] caps::errors::CapsError),
}

impl From<Errno> for PrivilegeError {
    fn from(errno: Errno) -> Self {
        Self::Ids(errno.into())
    }
}

/// The reason that a system call gave, worded as the C library words it, as shadow prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(Errno);

impl Reason {
    /// The error's number.
    #[must_use]
    pub const fn errno(self) -> Errno {
        self.0
    }
}

impl From<Errno> for Reason {
    fn from(errno: Errno) -> Self {
        Self(errno)
    }
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        Self(error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The standard library asks strerror_r(3) and appends the number.
        let text = io::Error::from(self.0).to_string();
        f.write_str(text.split_once(" (os error").map_or(text.as_str(), |(reason, _)| reason))
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, Reason};

    #[test]
    fn reasons_are_in_the_c_librarys_words() {
        for (errno, text) in [
            (Errno::EPERM, "Operation not permitted"),
            (Errno::ELOOP, "Too many levels of symbolic links"),
            (Errno::ENOENT, "No such file or directory"),
        ] {
            assert_eq!(Reason::from(errno).to_string(), text);
        }
    }
}
