//! Evidence for a caller without an entry in `/etc/passwd`: why the file cannot be read, or the line that can be added.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use libc::uid_t;
use nix::errno::Errno;

use super::lines::MAX_BYTES;
use super::path::Denial;
use crate::files;
use crate::id_type::IdType;
use crate::reason::Reason;

const PASSWD: &str = "/etc/passwd";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PasswdFile {
    pub(crate) denial: Option<Denial>,
    /// A name for the uid that no line of `/etc/passwd` and of the subid files begins with. The line of an existing name would give the
    /// caller the ids that are delegated to that name.
    pub(crate) free_name: Option<String>,
    /// The last line has no newline, so an appended text would continue that line.
    pub(crate) ends_within_a_line: bool,
}

impl PasswdFile {
    pub(crate) fn examine(uid: uid_t) -> Self {
        let mut names = vec![format!("user{uid}"), format!("uid{uid}"), format!("id{uid}")];
        let mut ends_within_a_line = false;
        let subid_files = [IdType::Uid, IdType::Gid].map(IdType::subid_file);
        let are_read = [PASSWD].into_iter().chain(subid_files).all(|path| {
            let Ok(file) = open(path) else { return false };
            let Some(file) = file else { return true };
            let is_within = remove_used(file, &mut names);
            if path == PASSWD {
                ends_within_a_line = is_within == Some(true);
            }
            is_within.is_some()
        });
        let free_name = names.into_iter().next().filter(|_| are_read);
        Self { denial: Denial::of(PASSWD), free_name, ends_within_a_line }
    }
}

/// The file; `None` if it does not exist.
fn open(path: &str) -> Result<Option<File>, Reason> {
    match files::open(path, 0).map_err(Reason::from) {
        Ok(file) => Ok(Some(file)),
        Err(reason) if reason.errno() == Errno::ENOENT => Ok(None),
        Err(reason) => Err(reason),
    }
}

/// Removes the names that lines begin with. Returns whether the last line has no newline; `None` if the file cannot be read to its end.
fn remove_used(file: impl Read, names: &mut Vec<String>) -> Option<bool> {
    let mut reader = BufReader::new(file.take(MAX_BYTES));
    let mut line = Vec::new();
    let mut ends_within_a_line = false;
    while reader.read_until(b'\n', &mut line).ok()? > 0 {
        let owner = line.split(|byte| b":\n".contains(byte)).next().unwrap_or_default();
        names.retain(|name| name.as_bytes() != owner);
        ends_within_a_line = !line.ends_with(b"\n");
        line.clear();
    }
    (reader.get_ref().limit() > 0).then_some(ends_within_a_line)
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, remove_used};
    use std::io::{Read, repeat};

    #[test]
    fn names_that_begin_a_line_are_used() {
        for (text, free, ends_within_a_line) in [
            ("", &["user7", "uid7"][..], false),
            ("root:x:0:0\nuser7:x:5:5::/:\n", &["uid7"], false),
            ("uid7:1:1\nuser77:1:1\nauser7:1:1", &["user7"], true),
            ("uid7\nuser7:", &[], true),
        ] {
            let mut names = ["user7", "uid7"].map(str::to_owned).to_vec();
            assert_eq!(remove_used(text.as_bytes(), &mut names), Some(ends_within_a_line), "{text}");
            assert_eq!(names, free, "{text}");
        }
    }

    #[test]
    fn beyond_the_limit_no_name_is_known_to_be_free() {
        assert_eq!(remove_used(repeat(b'\n').take(MAX_BYTES + 1), &mut Vec::new()), None);
    }
}
