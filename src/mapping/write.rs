//! The writes to the target's files: `deny` to setgroups, without privilege, and the map, with privilege.

use std::fmt::Write as _;
use std::io::{Read, Seek, Write as _};

use nix::errno::Errno;
use thiserror::Error;

use super::policy::{AuthorizedMap, Setgroups};
use crate::map_range::MapRange;
use crate::privileges::{PermittedCaps, PrivilegeError, RaisedCaps};
use crate::reason::Reason;

const DENY: &[u8] = b"deny";

/// Why the map was not written.
#[derive(Debug, Error)]
pub(crate) enum WriteError {
    #[error("couldn't open process setgroups: {0}")]
    SetgroupsOpen(Reason),
    #[error("failed to read setgroups: {0}")]
    SetgroupsRead(Reason),
    #[error("failed to seek setgroups: {0}")]
    SetgroupsSeek(Reason),
    #[error("failed to setgroups deny policy: {0}")]
    SetgroupsWrite(Reason),
    #[error("open of {file} failed: {reason}")]
    MapOpen { file: &'static str, reason: Reason },
    /// The kernel refused the map; see user_namespaces(7).
    #[error("write to {file} failed: {reason}")]
    MapWrite { file: &'static str, reason: Reason },
    #[error(transparent)]
    Privilege(#[from] PrivilegeError),
}

/// Denies setgroups(2) in the target's namespace, if the policy says so. The owner of a namespace needs no privilege for this.
///
/// Every failure is an error. `ENOENT` does not prove a kernel before Linux 3.19, which has no such file: hidepid=2 hides the
/// files of a process that is not dumpable, and a process can choose that at any moment.
///
/// # Errors
///
/// The `Setgroups` variants of [`WriteError`].
pub(crate) fn prepare_setgroups(map: &AuthorizedMap) -> Result<(), WriteError> {
    if map.setgroups() == Setgroups::Keep {
        return Ok(());
    }
    let mut file = map.target().open_setgroups().map_err(|errno| WriteError::SetgroupsOpen(errno.into()))?;
    let mut policy = Vec::new();
    file.read_to_end(&mut policy).map_err(|error| WriteError::SetgroupsRead(error.into()))?;
    // The kernel refuses a second `deny` once a map is written.
    if policy.starts_with(DENY) {
        return Ok(());
    }
    // The kernel accepts the word at offset 0 alone (`proc_setgroups_write` in kernel/user_namespace.c).
    file.rewind().map_err(|error| WriteError::SetgroupsSeek(error.into()))?;
    file.write_all(DENY).map_err(|error| WriteError::SetgroupsWrite(error.into()))
}

/// Writes the map, and gives up all capabilities.
///
/// # Errors
///
/// [`WriteError::MapOpen`], [`WriteError::MapWrite`], [`WriteError::Privilege`]
pub(crate) fn write_map(map: &AuthorizedMap, caps: PermittedCaps) -> Result<(), WriteError> {
    let text = text(map.ranges());
    caps.with_caps_raised(|raised| write_once(map, &text, raised))
}

/// The kernel accepts a map once, and whole in the first write(2).
fn write_once(map: &AuthorizedMap, text: &str, raised: &RaisedCaps) -> Result<(), WriteError> {
    let file = map.id_type().map_file();
    let failed = |reason| WriteError::MapWrite { file, reason };
    let mut opened = map
        .target()
        .open_map(file, raised)
        .map_err(|errno| WriteError::MapOpen { file, reason: errno.into() })?;
    match opened.write(text.as_bytes()) {
        Ok(written) if written == text.len() => Ok(()),
        Ok(_) => Err(failed(Errno::EIO.into())),
        Err(error) => Err(failed(error.into())),
    }
}

/// The map as the kernel reads it.
pub(crate) fn text(ranges: &[MapRange]) -> String {
    let mut text = String::new();
    for range in ranges {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{range}");
    }
    text
}
