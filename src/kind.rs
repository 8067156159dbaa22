//! What tells newuidmap and newgidmap apart.
//!
//! Both programs are one code path; wherever they differ, they ask their [`Kind`].

use caps::Capability;

/// Which ids a program maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// User ids: newuidmap.
    Uid,
    /// Group ids: newgidmap.
    Gid,
}

impl Kind {
    /// The program's name, as messages begin with it.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Uid => "newuidmap",
            Self::Gid => "newgidmap",
        }
    }

    /// The word for one id: `uid` or `gid`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Uid => "uid",
            Self::Gid => "gid",
        }
    }

    /// The file that delegates ids to users: subuid(5), subgid(5).
    #[must_use]
    pub const fn subid_file(self) -> &'static str {
        match self {
            Self::Uid => "/etc/subuid",
            Self::Gid => "/etc/subgid",
        }
    }

    /// The item of login.defs(5) that says how many ids a new user is delegated; 0 means that the machine
    /// does without the subid file.
    #[must_use]
    pub const fn count_item(self) -> &'static str {
        match self {
            Self::Uid => "SUB_UID_COUNT",
            Self::Gid => "SUB_GID_COUNT",
        }
    }

    /// The map's file in the target's `/proc` directory.
    #[must_use]
    pub const fn map_file(self) -> &'static str {
        match self {
            Self::Uid => "uid_map",
            Self::Gid => "gid_map",
        }
    }

    /// The capability over the parent user namespace without which the kernel refuses a map of more than the
    /// caller's own id (`new_idmap_permitted` in kernel/user_namespace.c).
    #[must_use]
    pub const fn capability(self) -> Capability {
        match self {
            Self::Uid => Capability::CAP_SETUID,
            Self::Gid => Capability::CAP_SETGID,
        }
    }

    /// Whether the kernel asks for `CAP_SETFCAP` as well before it maps the parent's id 0. Since Linux 5.12 it
    /// does for user ids (`verify_root_map` in kernel/user_namespace.c), since whoever is root inside could
    /// otherwise give files capabilities that count outside.
    #[must_use]
    pub const fn root_needs_setfcap(self) -> bool {
        matches!(self, Self::Uid)
    }
}
