//! `/proc/PID/setgroups`: taking the right to setgroups(2) from a namespace before its `gid_map` is written.
//!
//! The owner of a namespace may do that without any privilege, so it is done with none.

use std::fs::File;
use std::io::{Read, Seek, Write};

use nix::fcntl::OFlag;

use crate::error::Error;
use crate::target::Target;

const DENY: &[u8] = b"deny";

/// Writes `deny`, unless it stands there already: the file takes no second one once a map is written.
///
/// There is no other way on: that the file cannot be found does not mean a kernel from before Linux 3.19, which has none. With
/// hidepid=2 the kernel says so of a process that made itself not dumpable, for as long as it likes.
///
/// # Errors
///
/// [`Error::SetgroupsOpen`], [`Error::SetgroupsRead`], [`Error::SetgroupsSeek`], [`Error::SetgroupsWrite`].
pub fn deny(target: &Target) -> Result<(), Error> {
    let opened = target.open_file("setgroups", OFlag::O_RDWR);
    let mut file = File::from(opened.map_err(|errno| Error::SetgroupsOpen(errno.into()))?);
    let mut policy = Vec::new();
    file.read_to_end(&mut policy).map_err(|error| Error::SetgroupsRead(error.into()))?;
    if policy.starts_with(DENY) {
        return Ok(());
    }
    // The kernel takes the word at the file's beginning only, and knows no pwrite(2) there.
    file.rewind().map_err(|error| Error::SetgroupsSeek(error.into()))?;
    file.write_all(DENY).map_err(|error| Error::SetgroupsWrite(error.into()))
}
