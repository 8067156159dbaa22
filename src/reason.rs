//! The reason why a system call failed.

use std::fmt;
use std::io;

use nix::errno::Errno;

/// An errno(3) in the C library's words (strerror(3)), as shadow prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason(Errno);

impl Reason {
    pub(crate) const fn errno(self) -> Errno {
        self.0
    }
}

impl From<Errno> for Reason {
    fn from(errno: Errno) -> Self {
        Self(errno)
    }
}

/// An error without a number, such as a write of fewer bytes than asked for, is `EIO`.
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
    fn a_reason_is_in_the_words_of_the_c_library() {
        for (errno, text) in [
            (Errno::EPERM, "Operation not permitted"),
            (Errno::ELOOP, "Too many levels of symbolic links"),
            (Errno::ENOENT, "No such file or directory"),
        ] {
            assert_eq!(Reason::from(errno).to_string(), text);
        }
    }
}
