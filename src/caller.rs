//! The caller: the real ids, and the passwd entry of the real uid.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use libc::{gid_t, uid_t};
use thiserror::Error;

use crate::id_type::IdType;
use crate::passwd::Passwd;

/// The calling user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The real uid.
    pub(crate) uid: uid_t,
    /// The real gid.
    pub(crate) gid: gid_t,
    /// The gid of the passwd entry.
    pub(crate) login_gid: gid_t,
    /// The name of the passwd entry.
    pub(crate) name: Vec<u8>,
}

/// The real uid has no entry in passwd(5).
#[derive(Debug, Error)]
#[error("Cannot determine your user name.")]
pub(crate) struct NoPasswdEntry;

impl Caller {
    /// Looks up the user with these real ids. The entry of `login_name` is preferred if it has the real uid.
    ///
    /// # Errors
    ///
    /// [`NoPasswdEntry`]
    pub(crate) fn identify(
        uid: uid_t,
        gid: gid_t,
        login_name: Option<&OsStr>,
        passwd: &impl Passwd,
    ) -> Result<Self, NoPasswdEntry> {
        let account = login_name
            .and_then(|name| passwd.by_name(name.as_bytes()))
            .filter(|account| account.uid == uid)
            .or_else(|| passwd.by_uid(uid))
            .ok_or(NoPasswdEntry)?;
        Ok(Self { uid, gid, login_gid: account.gid, name: account.name })
    }

    /// The real id of this type.
    pub(crate) const fn own_id(&self, id_type: IdType) -> u32 {
        match id_type {
            IdType::Uid => self.uid,
            IdType::Gid => self.gid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Caller;
    use crate::passwd::TestPasswd;
    use std::ffi::OsStr;

    #[test]
    fn the_caller_is_the_entry_of_the_login_name_or_of_the_real_uid() {
        let passwd = TestPasswd(&[("alice", 1000, 100), ("alicia", 1000, 101), ("bob", 1001, 102)]);
        for (uid, login_name, expected) in [
            (1000, None, Some(("alice", 100))),
            (1000, Some("alicia"), Some(("alicia", 101))),
            (1000, Some("bob"), Some(("alice", 100))),
            (1000, Some("ghost"), Some(("alice", 100))),
            (1001, Some("bob"), Some(("bob", 102))),
            (1002, Some("bob"), None),
        ] {
            let caller = Caller::identify(uid, 1000, login_name.map(OsStr::new), &passwd).ok();
            let expected =
                expected.map(|(name, login_gid)| Caller { uid, gid: 1000, login_gid, name: name.into() });
            assert_eq!(caller, expected, "{uid} {login_name:?}");
        }
    }
}
