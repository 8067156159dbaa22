//! Evidence about a program file: the privilege that an exec of the file gives.

use std::ffi::CStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::sys::statfs::statfs;
use nix::sys::statvfs::FsFlags;
use nix::unistd::{AccessFlags, access};

use super::path::only_root_can_replace;
use crate::id_type::IdType;
use crate::sys::attribute;

/// The file of the running program, also if another file has its path by now.
const RUNNING: &str = "/proc/self/exe";

/// The extended attribute of file capabilities: a `struct vfs_ns_cap_data` of the kernel's include/uapi/linux/capability.h.
const CAPABILITY_ATTRIBUTE: &CStr = c"security.capability";

/// The directories of the packages; `/run/wrappers/bin` is for NixOS, whose store has no privileged files.
pub(crate) const USUAL_PLACES: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/run/wrappers/bin"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// The permission bits.
    pub(crate) mode: u32,
    pub(crate) owner: u32,
    /// `None` if the attribute cannot be read.
    pub(crate) capabilities: Option<FileCapabilities>,
    /// The file system is mounted nosuid, so an exec gives no privilege.
    pub(crate) is_on_nosuid: bool,
    /// Only root can write to the file, or replace it by another file.
    pub(crate) only_root_can_replace: bool,
}

/// The file capabilities, with regard to a map of one id type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileCapabilities {
    Absent,
    /// Without the capability for the map.
    Others,
    /// With the capability for the map.
    Sufficient,
    /// Set in another user namespace. The uid is that namespace's root in this one; `None` if the root is not mapped.
    Foreign(Option<u32>),
}

impl Program {
    /// The file of the running program; `None` if its status cannot be read.
    pub(crate) fn running(id_type: IdType) -> Option<Self> {
        let path = std::fs::read_link(RUNNING).ok()?;
        let only_root_can_replace = only_root_can_replace(&path);
        Some(Self { path, only_root_can_replace, ..Self::examine(Path::new(RUNNING), id_type)? })
    }

    /// A file that a client would start; `None` if its status cannot be read.
    pub(crate) fn examine(path: &Path, id_type: IdType) -> Option<Self> {
        let status = path.metadata().ok()?;
        Some(Self {
            path: path.to_owned(),
            mode: status.mode() & 0o7777,
            owner: status.uid(),
            capabilities: file_capabilities(path, id_type),
            is_on_nosuid: statfs(path).ok()?.flags().contains(FsFlags::ST_NOSUID),
            only_root_can_replace: only_root_can_replace(path),
        })
    }

    /// A program of the same name in a usual place, which the caller may execute and which gives the privilege. The environment is
    /// cleared, so the caller's PATH is not known.
    pub(super) fn find_other(&self, id_type: IdType) -> Option<PathBuf> {
        let own = self.path.canonicalize().ok();
        USUAL_PLACES.iter().map(|place| Path::new(place).join(id_type.program())).find(|path| {
            path.canonicalize().ok() != own
                && access(path, AccessFlags::X_OK).is_ok()
                && Self::examine(path, id_type).is_some_and(|other| other.is_sound())
        })
    }

    /// An exec gives the capability for the map, and only root can replace the file.
    fn is_sound(&self) -> bool {
        self.gives_capability() == Some(true) && !self.is_on_nosuid && self.only_root_can_replace
    }

    /// Whether the mode, the owner and the attribute give the capability for the map; `None` if the attribute cannot be read. Beside
    /// file capabilities of this namespace, the setuid bit changes the effective uid, but grants no capability
    /// (`handle_privileged_root` in security/commoncap.c).
    pub(crate) fn gives_capability(&self) -> Option<bool> {
        Some(match self.capabilities? {
            FileCapabilities::Sufficient => true,
            FileCapabilities::Others => false,
            FileCapabilities::Absent | FileCapabilities::Foreign(_) => self.is_setuid_root(),
        })
    }

    /// The privilege that the file gives, in words.
    pub(crate) fn describe(&self, id_type: IdType) -> String {
        let mut words = Vec::new();
        if self.is_setuid() {
            words.push(if self.owner == 0 {
                "setuid root".to_owned()
            } else {
                format!("setuid to uid {}", self.owner)
            });
        }
        words.extend(match self.capabilities {
            Some(FileCapabilities::Sufficient) => Some(format!("file capability cap_set{}", id_type.word())),
            Some(FileCapabilities::Others) => Some("other file capabilities".to_owned()),
            Some(FileCapabilities::Foreign(_)) => {
                Some("file capabilities of another user namespace".to_owned())
            }
            Some(FileCapabilities::Absent) => None,
            None => Some("unreadable file capabilities".to_owned()),
        });
        if words.is_empty() {
            words.push(format!("mode {:04o} and no file capabilities", self.mode));
        }
        if self.is_on_nosuid {
            words.push("on a file system mounted nosuid".to_owned());
        }
        words.join(", ")
    }

    /// The mode and the owner make the program run as root. A restriction of the process may prevent that.
    pub(crate) const fn is_setuid_root(&self) -> bool {
        self.is_setuid() && self.owner == 0
    }

    pub(crate) const fn is_setuid(&self) -> bool {
        self.mode & Mode::S_ISUID.bits() != 0
    }
}

fn file_capabilities(path: &Path, id_type: IdType) -> Option<FileCapabilities> {
    match attribute::get(path, CAPABILITY_ATTRIBUTE) {
        Ok(attribute) => parse(&attribute, id_type),
        Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Some(FileCapabilities::Absent),
        // The root of the other namespace is not mapped in this one (`cap_inode_getsecurity` in security/commoncap.c).
        Err(Errno::EOVERFLOW) => Some(FileCapabilities::Foreign(None)),
        Err(_) => None,
    }
}

/// The attribute consists of little-endian words: revision and flags, the low words of permitted and inheritable, their high words,
/// and in revision 3 the uid of the namespace's root.
fn parse(attribute: &[u8], id_type: IdType) -> Option<FileCapabilities> {
    const REVISION_MASK: u32 = 0xff00_0000;
    const REVISION_3: u32 = 0x0300_0000;
    let word = |index: usize| {
        let bytes = attribute.chunks_exact(4).nth(index)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    // Capabilities of this namespace and its ancestors are shown in revision 2 (`cap_inode_getsecurity`).
    let root_uid = if word(0)? & REVISION_MASK == REVISION_3 { word(5)? } else { 0 };
    if root_uid != 0 {
        return Some(FileCapabilities::Foreign(Some(root_uid)));
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
    fn file_capabilities_are_read_in_each_revision_of_the_attribute() {
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
