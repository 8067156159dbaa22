//! The mount of a path, from /proc/self/mountinfo; see proc(5).

use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// The mount point.
    pub(crate) point: String,
    /// The type of the file system.
    pub(crate) file_system: String,
    /// The options of the mount, and those of its file system, separated by commas.
    pub(crate) options: String,
}

impl Mount {
    /// The mount on which an absolute path lies. Another mount point may be no UTF-8.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        find(path, &String::from_utf8_lossy(&std::fs::read("/proc/self/mountinfo").ok()?))
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.options.split(',').any(|option| option == "ro")
    }
}

/// The mount with the longest mount point that is a prefix of the path. Of several mounts at one point, the last is on top.
fn find(path: &Path, mountinfo: &str) -> Option<Mount> {
    let mounts = mountinfo.lines().filter_map(parse).filter(|mount| path.starts_with(&mount.point));
    mounts.max_by_key(|mount| mount.point.len())
}

fn parse(line: &str) -> Option<Mount> {
    let (mount, super_block) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(4);
    let (point, options) = (mount.next()?, mount.next()?);
    let mut super_block = super_block.split(' ');
    let (file_system, super_options) = (super_block.next()?, super_block.nth(1)?);
    let options = format!("{options},{super_options}");
    Some(Mount { point: unescape(point), file_system: file_system.to_owned(), options })
}

/// The kernel writes white space and backslashes as a backslash and three octal digits (`mangle_path` in fs/seq_file.c).
fn unescape(point: &str) -> String {
    let mut pieces = point.split('\\');
    let mut path = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let code = piece
            .split_at_checked(3)
            .and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 8).ok()?, rest)));
        if let Some((byte, rest)) = code {
            path.push(byte.into());
            path.push_str(rest);
        } else {
            path.push('\\');
            path.push_str(piece);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::find;
    use std::path::Path;

    #[test]
    fn a_path_lies_on_the_innermost_and_topmost_mount() {
        let table = "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/a rw\n\
                     2 1 0:5 / /proc rw,nosuid - proc proc rw,hidepid=invisible\n\
                     3 1 0:6 / /procession ro - tmpfs t rw\n\
                     4 2 0:5 / /proc ro,nosuid - proc proc rw\n\
                     5 1 0:6 / /a\\040b\\134c\\012 ro - tmpfs t rw\n";
        for (path, point, file_system, read_only) in [
            ("/proc/1/uid_map", "/proc", "proc", true),
            ("/processor", "/", "ext4", false),
            ("/procession/x", "/procession", "tmpfs", true),
            ("/a b\\c\n/d", "/a b\\c\n", "tmpfs", true),
        ] {
            let mount = find(Path::new(path), table).unwrap();
            assert_eq!((mount.point.as_str(), mount.file_system.as_str()), (point, file_system), "{path}");
            assert_eq!(mount.is_read_only(), read_only, "{path}");
        }
        assert_eq!(find(Path::new("relative"), table), None);
    }
}
