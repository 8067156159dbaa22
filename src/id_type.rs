//! The differences between newuidmap and newgidmap. Both are one code path, with an [`IdType`] as its parameter.

use caps::Capability;

/// The type of the ids that a program maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdType {
    /// User ids: newuidmap.
    Uid,
    /// Group ids: newgidmap.
    Gid,
}

impl IdType {
    /// The program's name, with which its messages begin.
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Uid => "newuidmap",
            Self::Gid => "newgidmap",
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Uid => "uid",
            Self::Gid => "gid",
        }
    }

    /// The file that delegates ids to users: subuid(5), subgid(5).
    pub(crate) const fn subid_file(self) -> &'static str {
        match self {
            Self::Uid => "/etc/subuid",
            Self::Gid => "/etc/subgid",
        }
    }

    /// The item of login.defs(5) with the number of ids that useradd(8) delegates to a new user. At 0, the machine may have no
    /// subid file.
    pub(crate) const fn count_item(self) -> &'static str {
        match self {
            Self::Uid => "SUB_UID_COUNT",
            Self::Gid => "SUB_GID_COUNT",
        }
    }

    /// The map's file in the target's `/proc` directory.
    pub(crate) const fn map_file(self) -> &'static str {
        match self {
            Self::Uid => "uid_map",
            Self::Gid => "gid_map",
        }
    }

    /// The capability over the parent namespace without which the kernel refuses a map of more than the caller's own id
    /// (`new_idmap_permitted` in kernel/user_namespace.c).
    pub(crate) const fn capability(self) -> Capability {
        match self {
            Self::Uid => Capability::CAP_SETUID,
            Self::Gid => Capability::CAP_SETGID,
        }
    }

    /// Whether the kernel requires `CAP_SETFCAP`, too, for a map of the parent's id 0. Since Linux 5.12 it does for uids
    /// (`verify_root_map` in kernel/user_namespace.c): root inside could give files capabilities that count outside.
    pub(crate) const fn root_needs_setfcap(self) -> bool {
        matches!(self, Self::Uid)
    }
}
