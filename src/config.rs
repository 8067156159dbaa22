//! Reads the small configuration files.

use std::fs::File;
use std::io::{self, Read};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat};

/// More than any such file has; a device without end is not read to its end.
const MOST_BYTES: u64 = 1 << 20;

/// Most are smaller: one read(2), and one for the end.
const USUAL_BYTES: usize = 4096;

/// Opens a regular file for reading, with the caller's rights, and without waiting for the writer of a FIFO, or
/// acquiring a terminal, which it may be instead.
///
/// # Errors
///
/// Those of open(2); `EINVAL` if it is neither a file nor a directory, which says so itself when it is read.
pub fn open_file(path: &str, flags: OFlag) -> nix::Result<File> {
    let flags = flags | OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = open(path, flags, Mode::empty())?;
    let kind = SFlag::from_bits_truncate(fstat(&file)?.st_mode) & SFlag::S_IFMT;
    if kind == SFlag::S_IFREG || kind == SFlag::S_IFDIR { Ok(file.into()) } else { Err(Errno::EINVAL) }
}

/// Reads a file's first mebibyte.
///
/// # Errors
///
/// Those of [`open_file`] and read(2).
pub fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(USUAL_BYTES);
    open_file(path, OFlag::empty())?.take(MOST_BYTES).read_to_end(&mut text)?;
    Ok(text)
}
