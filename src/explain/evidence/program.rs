//! What the file of the running program offers to whoever starts it.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::{Mode, stat};
use nix::sys::statvfs::{FsFlags, statvfs};

use crate::id_type::IdType;
use crate::sys::attribute;

/// The running program's file, whatever its path means now.
const RUNNING: &str = "/proc/self/exe";

/// The attribute of file capabilities, as `struct vfs_ns_cap_data` in the kernel's include/uapi/linux/capability.h.
const CAPABILITY_ATTRIBUTE: &CStr = c"security.capability";

/// The program's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its permission bits.
    pub(crate) mode: u32,
    /// Its owner.
    pub(crate) owner: u32,
    /// Its file capabilities; `None` where they cannot be known.
    pub(crate) capabilities: Option<FileCapabilities>,
    /// Whether it lies on a file system from which nobody gets privilege.
    pub(crate) nosuid: bool,
    /// Whether root alone can change it or put another file in its place.
    pub(crate) is_roots_alone: bool,
}

/// What the file capabilities are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileCapabilities {
    /// There are none.
    Absent,
    /// They do not include the one for a map of our id_type.
    Others,
    /// They include it.
    Sufficient,
    /// They were set in another user namespace, whose uid 0 is this here, if anything.
    Foreign(Option<u32>),
}

impl Program {
    /// Looks at the running program's file; `None` if it cannot be looked at.
    pub(crate) fn running(id_type: IdType) -> Option<Self> {
        Some(Self { path: std::fs::read_link(RUNNING).ok()?, ..Self::examine(Path::new(RUNNING), id_type)? })
    }

    /// Looks at a file; `None` if it cannot be looked at.
    pub(crate) fn examine(path: &Path, id_type: IdType) -> Option<Self> {
        let status = stat(path).ok()?;
        Some(Self {
            path: path.to_owned(),
            mode: status.st_mode & 0o7777,
            owner: status.st_uid,
            capabilities: file_capabilities(path, id_type),
            nosuid: statvfs(path).ok()?.flags().contains(FsFlags::ST_NOSUID),
            is_roots_alone: is_roots_alone(path),
        })
    }

    /// How it is installed, in words.
    pub(crate) fn how(&self, id_type: IdType) -> String {
        let mut ways = Vec::new();
        if self.is_setuid() {
            ways.push(if self.owner == 0 {
                "setuid root".to_owned()
            } else {
                format!("setuid to uid {}", self.owner)
            });
        }
        ways.extend(match self.capabilities {
            Some(FileCapabilities::Sufficient) => Some(format!("file capability cap_set{}", id_type.word())),
            Some(FileCapabilities::Others) => Some("other file capabilities".to_owned()),
            Some(FileCapabilities::Foreign(_)) => {
                Some("file capabilities of another user namespace".to_owned())
            }
            Some(FileCapabilities::Absent) | None => None,
        });
        if ways.is_empty() {
            ways.push(format!("mode {:04o} and no file capabilities", self.mode));
        }
        if self.nosuid {
            ways.push("on a file system mounted nosuid".to_owned());
        }
        ways.join(", ")
    }

    /// Whether whoever starts it becomes root, as far as it is up to the file.
    pub(crate) const fn is_setuid_root(&self) -> bool {
        self.is_setuid() && self.owner == 0
    }

    /// Whether whoever starts it becomes its owner.
    pub(crate) const fn is_setuid(&self) -> bool {
        self.mode & Mode::S_ISUID.bits() != 0
    }
}

/// Whether the file and each directory on its path are root's and nobody else's to write. In a directory with the sticky bit, such as
/// /tmp, root's file stays.
fn is_roots_alone(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    path.ancestors().all(|part| {
        stat(part).is_ok_and(|status| {
            let mode = Mode::from_bits_truncate(status.st_mode);
            let is_others_to_write = mode.intersects(Mode::S_IWGRP | Mode::S_IWOTH);
            status.st_uid == 0 && (!is_others_to_write || (part != path && mode.contains(Mode::S_ISVTX)))
        })
    })
}

fn file_capabilities(path: &Path, id_type: IdType) -> Option<FileCapabilities> {
    match attribute::get(path, CAPABILITY_ATTRIBUTE) {
        Ok(attribute) => parse(&attribute, id_type),
        Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Some(FileCapabilities::Absent),
        // The root of the namespace of these capabilities has no uid in this user namespace (`cap_inode_getsecurity`).
        Err(Errno::EOVERFLOW) => Some(FileCapabilities::Foreign(None)),
        Err(_) => None,
    }
}

/// Little-endian words: revision and flags, permitted and inheritable, twice, and in the third revision the uid.
fn parse(attribute: &[u8], id_type: IdType) -> Option<FileCapabilities> {
    const REVISION_MASK: u32 = 0xff00_0000;
    const REVISION_3: u32 = 0x0300_0000;
    let word = |index: usize| {
        let bytes = attribute.chunks_exact(4).nth(index)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    // For a reader whose uid 0 it is, the kernel leaves the uid out.
    let root = if word(0)? & REVISION_MASK == REVISION_3 { word(5)? } else { 0 };
    if root != 0 {
        return Some(FileCapabilities::Foreign(Some(root)));
    }
    let permitted = u64::from(word(1)?) | u64::from(word(3).unwrap_or(0)) << 32;
    let sufficient = permitted & id_type.capability().bitmask() != 0;
    Some(if sufficient { FileCapabilities::Sufficient } else { FileCapabilities::Others })
}

#[cfg(test)]
mod tests {
    use super::{FileCapabilities::*, parse};
    use crate::id_type::IdType;

    #[test]
    fn the_attribute_is_read_in_each_revision() {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
        let setuid = 1 << 7;
        let setgid = 1 << 6;
        for (attribute, expected) in [
            (words(&[0x0200_0001, setuid, 0, 0, 0]), Some(Sufficient)),
            (words(&[0x0200_0000, setuid | setgid, 0, 0, 0]), Some(Sufficient)),
            (words(&[0x0200_0001, setgid, setuid, 0, 0]), Some(Others)),
            (words(&[0x0200_0001, 0, 0, setuid, 0]), Some(Others)),
            (words(&[0x0300_0001, setuid, 0, 0, 0, 0]), Some(Sufficient)),
            (words(&[0x0300_0001, setuid, 0, 0, 0, 100_000]), Some(Foreign(Some(100_000)))),
            (words(&[0x0300_0001, setuid, 0, 0, 0]), None),
            (words(&[0x0100_0001, setuid, 0]), Some(Sufficient)),
            (vec![1, 2, 3], None),
            (vec![], None),
        ] {
            assert_eq!(parse(&attribute, IdType::Uid), expected, "{attribute:x?}");
        }
    }
}
