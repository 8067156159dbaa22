//! The user database: passwd(5), through NSS.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use libc::{gid_t, uid_t};
use users::User;

/// An entry of the user database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: Vec<u8>,
    pub(crate) uid: uid_t,
    /// The login group.
    pub(crate) gid: gid_t,
}

/// Look-ups by name and by uid.
pub(crate) trait Passwd {
    fn by_name(&self, name: &[u8]) -> Option<Account>;
    fn by_uid(&self, uid: uid_t) -> Option<Account>;
}

/// The machine's user database. Each name is looked up once, since the database may be behind a network.
#[derive(Debug, Default)]
pub(crate) struct SystemPasswd {
    by_name: RefCell<HashMap<Vec<u8>, Option<Account>>>,
}

impl Passwd for SystemPasswd {
    fn by_name(&self, name: &[u8]) -> Option<Account> {
        let mut by_name = self.by_name.borrow_mut();
        if let Some(known) = by_name.get(name) {
            return known.clone();
        }
        let account = users::get_user_by_name(OsStr::from_bytes(name)).as_ref().map(Account::from);
        by_name.insert(name.to_vec(), account.clone());
        account
    }

    fn by_uid(&self, uid: uid_t) -> Option<Account> {
        users::get_user_by_uid(uid).as_ref().map(Account::from)
    }
}

impl From<&User> for Account {
    fn from(user: &User) -> Self {
        Self { name: user.name().as_bytes().to_vec(), uid: user.uid(), gid: user.primary_group_id() }
    }
}

/// A user database of these entries, for tests.
#[cfg(test)]
pub(crate) struct TestPasswd(pub(crate) &'static [(&'static str, uid_t, gid_t)]);

#[cfg(test)]
impl TestPasswd {
    fn find(&self, is_sought: impl Fn(&Account) -> bool) -> Option<Account> {
        let account =
            |(name, uid, gid): &(&str, uid_t, gid_t)| Account { name: (*name).into(), uid: *uid, gid: *gid };
        self.0.iter().map(account).find(is_sought)
    }
}

#[cfg(test)]
impl Passwd for TestPasswd {
    fn by_name(&self, name: &[u8]) -> Option<Account> {
        self.find(|account| account.name == name)
    }

    fn by_uid(&self, uid: uid_t) -> Option<Account> {
        self.find(|account| account.uid == uid)
    }
}
