//! Who calls: the real ids, and the passwd entry that goes with them.

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
    /// Looks up the user with these real ids.
    ///
    /// # Errors
    ///
    /// [`Error::NoUserName`] if passwd(5) has no entry for the uid.
    pub fn identify(uid: uid_t, gid: gid_t, users: &impl Users) -> Result<Self, Error> {
        let entry = users.get_user_by_uid(uid).ok_or(Error::NoUserName)?;
        Ok(Self { uid, gid, login_gid: entry.primary_group_id(), name: entry.name().as_bytes().to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Error};
    use users::mock::{MockUsers, User};

    #[test]
    fn the_caller_is_the_entry_of_the_real_uid() {
        let mut users = MockUsers::with_current_uid(0);
        users.add_user(User::new(1000, "alice", 100));
        let alice = Caller::identify(1000, 1000, &users).unwrap();
        assert_eq!(alice, Caller { uid: 1000, gid: 1000, login_gid: 100, name: b"alice".to_vec() });
        assert!(matches!(Caller::identify(1001, 1000, &users), Err(Error::NoUserName)));
    }
}
