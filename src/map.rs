//! The write: the one thing that is done with privilege.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::error::Error;
use crate::extent::Extent;
use crate::policy::Authorized;
use crate::privilege::{Raised, Reserve};

/// Writes an authorized map.
///
/// # Errors
///
/// [`Error::MapOpen`] or [`Error::MapWrite`] with the kernel's reason, see user_namespaces(7); [`Error::Privilege`].
pub fn write(authorized: &Authorized, reserve: Reserve) -> Result<(), Error> {
    let text = text(authorized.extents());
    let maps_root = authorized.extents().iter().any(|extent| extent.lower() == 0);
    reserve.spend(maps_root, |raised| write_once(authorized, &text, raised))
}

/// The kernel takes a map once, and whole in the first write(2), or not at all.
fn write_once(authorized: &Authorized, text: &str, _raised: &Raised) -> Result<(), Error> {
    let file = authorized.kind().map_file();
    let descriptor = authorized
        .target()
        .open_file(file, OFlag::O_WRONLY)
        .map_err(|errno| Error::MapOpen { file, reason: errno.into() })?;
    match File::from(descriptor).write(text.as_bytes()) {
        Ok(written) if written == text.len() => Ok(()),
        Ok(_) => Err(Error::MapWrite { file, reason: Errno::EIO.into() }),
        Err(error) => Err(Error::MapWrite { file, reason: error.into() }),
    }
}

/// The map as the kernel reads it.
#[must_use]
pub fn text(extents: &[Extent]) -> String {
    let mut text = String::new();
    for extent in extents {
        // A string takes whatever is written to it.
        let _ = writeln!(text, "{extent}");
    }
    text
}
