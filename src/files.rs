//! The small files in /etc that are read for a decision.
//!
//! They are opened and examined by the standard library, which uses 64-bit times and sizes on 32-bit machines, too; nix
//! does not.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;

/// The part of a file that is read. A sparse file can be larger than the memory.
const MAX_BYTES: u64 = 1 << 20;

/// The first read(2) takes a whole file of usual size, and the second one finds its end.
const USUAL_BYTES: usize = 4096;

/// Opens a regular file for reading, with the caller's rights.
///
/// `O_NONBLOCK` and `O_NOCTTY`: a FIFO without a writer would block the run, and a terminal would become the controlling one.
///
/// # Errors
///
/// Those of open(2), `EISDIR` for a directory, and `EINVAL` for any other type of file.
pub(crate) fn open(path: &str, flags: i32) -> io::Result<File> {
    let flags = flags | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let file_type = file.metadata()?.file_type();
    if file_type.is_file() {
        Ok(file)
    } else {
        Err(io::Error::from_raw_os_error(if file_type.is_dir() { libc::EISDIR } else { libc::EINVAL }))
    }
}

/// Reads the first mebibyte of a file.
///
/// # Errors
///
/// Those of [`open`] and read(2).
pub(crate) fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(USUAL_BYTES);
    open(path, 0)?.take(MAX_BYTES).read_to_end(&mut text)?;
    Ok(text)
}
