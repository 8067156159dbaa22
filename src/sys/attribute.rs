//! Extended attributes of files; see xattr(7).

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

/// Reads an attribute of at most 64 bytes.
///
/// # Errors
///
/// Those of getxattr(2); `EINVAL` for a path that contains NUL.
pub(crate) fn get(path: &Path, name: &CStr) -> nix::Result<Vec<u8>> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let mut value = vec![0_u8; 64];
    // SAFETY: both strings end with NUL, the pointer and the size are those of the vector, and all outlive the call.
    let length =
        unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    value.truncate(Errno::result(length)?.unsigned_abs());
    Ok(value)
}
