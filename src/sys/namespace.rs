//! Relations between user namespaces; see ioctl_ns(2).

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

/// `_IO(NSIO, 0x2)` of the kernel's include/uapi/linux/nsfs.h.
const NS_GET_PARENT: libc::Ioctl = nix::request_code_none!(0xb7, 0x2);

/// Opens the parent of a user namespace.
///
/// # Errors
///
/// Those of ioctl_ns(2): `EPERM` for a namespace whose parent is outside of the caller's.
pub(crate) fn parent(namespace: impl AsFd) -> nix::Result<OwnedFd> {
    // SAFETY: the request takes no argument, and the descriptor is open as long as it is borrowed.
    let parent = Errno::result(unsafe { libc::ioctl(namespace.as_fd().as_raw_fd(), NS_GET_PARENT) })?;
    // SAFETY: the kernel has just opened the descriptor for this process, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(parent) })
}
