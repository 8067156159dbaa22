//! Who calls: the real ids, and the passwd entry that goes with them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use libc::{gid_t, uid_t};
use users::Users;

use crate::error::Error;

/// The user on whose behalf the program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The real uid; the passwd entry was found by it.
    pub uid: uid_t,
    /// The real gid.
    pub gid: gid_t,
    /// The passwd entry's gid.
    pub login_gid: gid_t,
    /// The passwd entry's name.
    pub name: Vec<u8>,
}

impl Caller {
    /// Looks up the user with these real ids: the entry of `login_name`, if it has the real uid, or else the real
    /// uid's first one.
    ///
    /// # Errors
    ///
    /// [`Error::NoUserName`] if passwd(5) has no entry for the uid.
    pub fn identify(
        uid: uid_t,
        gid: gid_t,
        login_name: Option<&OsStr>,
        users: &impl Users,
    ) -> Result<Self, Error> {
        let entry = login_name
            .and_then(|name| users.get_user_by_name(name))
            .filter(|entry| entry.uid() == uid)
            .or_else(|| users.get_user_by_uid(uid))
            .ok_or(Error::NoUserName)?;
        Ok(Self { uid, gid, login_gid: entry.primary_group_id(), name: entry.name().as_bytes().to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::Caller;
    use std::ffi::OsStr;
    use users::mock::{MockUsers, User};

    #[test]
    fn the_caller_is_the_entry_of_the_login_name_or_else_of_the_real_uid() {
        let mut users = MockUsers::with_current_uid(0);
        users.add_user(User::new(1000, "alice", 100));
        users.add_user(User::new(1001, "bob", 101));
        for (uid, login_name, expected) in [
            (1000, None, Some(("alice", 100))),
            (1000, Some("bob"), Some(("alice", 100))),
            (1000, Some("ghost"), Some(("alice", 100))),
            (1001, Some("bob"), Some(("bob", 101))),
            (1002, Some("bob"), None),
        ] {
            let caller = Caller::identify(uid, 1000, login_name.map(OsStr::new), &users).ok();
            let expected = expected.map(|(name, login_gid)| Caller {
                uid,
                gid: 1000,
                login_gid,
                name: name.as_bytes().to_vec(),
            });
            assert_eq!(caller, expected, "{uid} {login_name:?}");
        }
    }
}
