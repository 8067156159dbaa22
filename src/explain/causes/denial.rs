//! The words and the remedy for a file that the caller may not read, or whose directory the caller may not search.

use std::os::unix::ffi::OsStrExt;

use crate::escape::{escape_path, shell_word};
use crate::explain::evidence::path::Denial;

/// The end of a sentence about the file.
pub(super) fn note(denial: Option<&Denial>) -> String {
    match denial {
        Some(Denial { path, is_directory: true, .. }) => {
            format!("; the directory {} may not be searched", escape_path(path))
        }
        _ => String::new(),
    }
}

/// The fix. A directory gets no right to list its files, which may be private.
pub(super) fn allow(file: &str, denial: Option<&Denial>) -> String {
    let Some(denial) = denial.filter(|denial| !denial.mode_allows) else {
        return format!(
            "look for an access control list, or a security module (SELinux, AppArmor), that denies reading {file}: the modes on the way \
             to it allow reading"
        );
    };
    let path = escape_path(&denial.path);
    let right = if denial.is_directory { "search" } else { "read" };
    match shell_word(denial.path.as_os_str().as_bytes()).filter(|_| !denial.others_can_replace) {
        Some(word) if denial.is_directory => format!("as root, run `chmod a+x {word}`"),
        Some(word) => format!("as root, run `chmod 0644 {word}`"),
        None => format!("as root, let every user {right} {path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Denial, allow, note};

    #[test]
    fn a_command_is_given_only_if_it_helps_and_only_root_can_replace_the_path() {
        const OTHER_REASON: &str = "look for an access control list, or a security module (SELinux, AppArmor), that denies reading /a/b";
        for (path, is_directory, mode_allows, others_can_replace, expected) in [
            ("/a/b", false, false, false, "as root, run `chmod 0644 /a/b`"),
            ("/a", true, false, false, "as root, run `chmod a+x /a`"),
            ("/a c", true, false, false, "as root, run `chmod a+x '/a c'`"),
            ("/a", true, false, true, "as root, let every user search /a"),
            ("/a/b", false, false, true, "as root, let every user read /a/b"),
            ("/a`", true, false, false, "as root, let every user search /a`"),
            ("/a", true, true, false, OTHER_REASON),
            ("/a/b", false, true, false, OTHER_REASON),
        ] {
            let denial = Denial { path: path.into(), is_directory, mode_allows, others_can_replace };
            let found = allow("/a/b", Some(&denial));
            assert!(found.starts_with(expected), "{denial:?}: {found}");
            assert_eq!(note(Some(&denial)).is_empty(), !is_directory);
        }
        assert!(allow("/a/b", None).starts_with(OTHER_REASON));
    }
}
