//! Evidence about the way to a file: a directory that the caller may not search, and a step that users other than root can change.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, access};

/// The kernel's limit on symbolic links in one path (`MAXSYMLINKS` in include/linux/namei.h).
const MAX_LINKS: usize = 40;

/// The first directory of a path that the caller may not search, or the file itself, which the caller may not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) path: PathBuf,
    pub(crate) is_directory: bool,
    /// The mode allows every user to search or read, so the denial has another reason, such as SELinux.
    pub(crate) mode_allows: bool,
    /// Another user can replace the path, and chmod(1) by root would then change another file.
    pub(crate) others_can_replace: bool,
}

/// The file to which a symbolic link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkTarget {
    Absent,
    /// A directory, a FIFO or another file that is not regular.
    Special,
    /// Users other than root can change the file, or put another one in its place.
    OfOthers,
    OfRoot,
}

impl Denial {
    /// `None` if access(2) refuses no step of the path.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let steps = steps(Path::new(path));
        let last = steps.len().checked_sub(1)?;
        let is_denied = |index: &usize, step: &PathBuf| {
            let right = if *index == last { AccessFlags::R_OK } else { AccessFlags::X_OK };
            !step.is_symlink() && access(step, right) == Err(Errno::EACCES)
        };
        let (index, path) = steps.iter().enumerate().find(|(index, step)| is_denied(index, step))?;
        let needed = if index == last {
            Mode::S_IRUSR | Mode::S_IRGRP | Mode::S_IROTH
        } else {
            Mode::S_IXUSR | Mode::S_IXGRP | Mode::S_IXOTH
        };
        Some(Self {
            path: path.clone(),
            is_directory: index != last,
            mode_allows: path.metadata().is_ok_and(|status| mode(&status).contains(needed)),
            others_can_replace: !steps.iter().take(index).all(|step| only_root_can_change(step)),
        })
    }
}

impl LinkTarget {
    /// `None` if the path is no symbolic link, or if the caller may not examine the target.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let path = Path::new(path);
        if !path.is_symlink() {
            return None;
        }
        Some(match path.metadata() {
            Ok(status) if !status.is_file() => Self::Special,
            Ok(_) if only_root_can_replace(path) => Self::OfRoot,
            Ok(_) => Self::OfOthers,
            Err(error) => match error.raw_os_error() {
                Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP) => Self::Absent,
                _ => return None,
            },
        })
    }
}

/// Whether root owns the file and each directory and symbolic link on the way to it, and no other user may write to them.
pub(super) fn only_root_can_replace(path: &Path) -> bool {
    path.is_absolute() && steps(path).iter().all(|step| only_root_can_change(step))
}

/// Other users may write to a directory with the sticky bit, such as /tmp: they cannot remove root's files from it.
fn only_root_can_change(step: &Path) -> bool {
    step.symlink_metadata().is_ok_and(|status| {
        let others_may_write = mode(&status).intersects(Mode::S_IWGRP | Mode::S_IWOTH);
        let is_sticky = status.is_dir() && mode(&status).contains(Mode::S_ISVTX);
        status.uid() == 0 && (!others_may_write || is_sticky || status.is_symlink())
    })
}

fn mode(status: &Metadata) -> Mode {
    Mode::from_bits_truncate(status.mode())
}

/// The directories, symbolic links and files that the kernel looks up for an absolute path, in this order: see path_resolution(7).
fn steps(path: &Path) -> Vec<PathBuf> {
    let words =
        |path: &Path| path.components().rev().map(|word| word.as_os_str().into()).collect::<Vec<PathBuf>>();
    let (mut rest, mut links) = (words(path), 0_usize);
    let (mut directory, mut steps) = (PathBuf::new(), Vec::new());
    while let Some(word) = rest.pop() {
        if word == Path::new("..") {
            directory.pop();
            continue;
        }
        // The word `/` replaces the directory.
        let step = directory.join(word);
        steps.push(step.clone());
        match step.read_link() {
            Ok(_) if links == MAX_LINKS => break,
            Ok(target) => {
                links = links.saturating_add(1);
                rest.extend(words(&target));
            }
            Err(_) => directory = step,
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::{LinkTarget, steps};

    #[test]
    fn the_steps_of_a_path_contain_links_and_their_targets() {
        let directory = std::env::temp_dir().join(format!("uidmap-steps-{}", std::process::id()));
        let directory = directory.as_path();
        fs::create_dir_all(directory.join("real/below")).unwrap();
        fs::write(directory.join("real/file"), "").unwrap();
        symlink("real/below", directory.join("relative")).unwrap();
        symlink(directory.join("relative"), directory.join("absolute")).unwrap();
        symlink("loop", directory.join("loop")).unwrap();
        let found = |path: &str| {
            let steps = steps(&directory.join(path));
            let inside = steps.iter().filter_map(|step| step.strip_prefix(directory).ok());
            inside.map(|step| step.display().to_string()).filter(|step| !step.is_empty()).collect::<Vec<_>>()
        };
        for (path, expected) in [
            ("real/file", &["real", "real/file"][..]),
            ("real/../real", &["real", "real"]),
            ("relative/../file", &["relative", "real", "real/below", "real/file"]),
            ("absolute", &["absolute", "relative", "real", "real/below"]),
            ("missing/file", &["missing", "missing/file"]),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
        assert!(found("loop").iter().all(|step| step == "loop"));
        assert_eq!(steps(Path::new("/"))[0], Path::new("/"));
        assert_eq!(LinkTarget::of(directory.join("loop").to_str().unwrap()), Some(LinkTarget::Absent));
        fs::remove_dir_all(directory).unwrap();
    }
}
