//! `/proc/PID/setgroups`: taking the right to setgroups(2) from a namespace before its `gid_map` is written.
//!
//! The owner of a namespace may do that without any privilege, so it is done with none.

use std::fs::File;
use std::io::{Read, Seek, Write};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::error::Error;
use crate::target::Target;

const DENY: &[u8] = b"deny";

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The namespace cannot call setgroups(2) now.
    Yes,
    /// The kernel is older than Linux 3.19 and has no such file.
    Unsupported,
}

/// Writes `deny`, unless it stands there already: the file takes no second one once a map is written.
///
/// # Errors
///
/// [`Error::SetgroupsOpen`], [`Error::SetgroupsRead`], [`Error::SetgroupsSeek`], [`Error::SetgroupsWrite`].
pub fn deny(target: &Target) -> Result<Denied, Error> {
    let mut file = match target.open_file("setgroups", OFlag::O_RDWR) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::ENOENT) => return Ok(Denied::Unsupported),
        Err(errno) => return Err(Error::SetgroupsOpen(errno.into())),
    };
    let mut policy = Vec::new();
    file.read_to_end(&mut policy).map_err(|error| Error::SetgroupsRead(error.into()))?;
    if policy.starts_with(DENY) {
        return Ok(Denied::Yes);
    }
    // The kernel takes the word at the file's beginning only, and knows no pwrite(2) there.
    file.rewind().map_err(|error| Error::SetgroupsSeek(error.into()))?;
    file.write_all(DENY).map_err(|error| Error::SetgroupsWrite(error.into()))?;
    Ok(Denied::Yes)
}
