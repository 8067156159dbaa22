//! The user database: passwd(5), by way of NSS.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use libc::uid_t;
use users::{User, Users};

use crate::subid::nss::keep_configuration;

/// Asks for each name once, since that may mean asking the network. What is known by a name is not given for its uid, of which
/// it may not be the first.
#[derive(Debug, Default)]
pub struct UserDatabase {
    by_name: RefCell<BTreeMap<OsString, Option<Arc<User>>>>,
    has_answered: Cell<bool>,
}

impl UserDatabase {
    fn answer(&self, user: Option<User>) -> Option<Arc<User>> {
        self.has_answered.set(self.has_answered.get() || user.is_some());
        user.map(Arc::new)
    }
}

impl Users for UserDatabase {
    fn get_user_by_name<S: AsRef<OsStr> + ?Sized>(&self, name: &S) -> Option<Arc<User>> {
        let mut by_name = self.by_name.borrow_mut();
        if let Some(user) = by_name.get(name.as_ref()) {
            return user.clone();
        }
        // Where a second name is asked for, thousands may be.
        if by_name.len() == 1 && self.has_answered.get() {
            keep_configuration();
        }
        let user = self.answer(users::get_user_by_name(name));
        by_name.insert(name.as_ref().to_owned(), user.clone());
        user
    }

    fn get_user_by_uid(&self, uid: uid_t) -> Option<Arc<User>> {
        self.answer(users::get_user_by_uid(uid))
    }

    fn get_current_uid(&self) -> uid_t {
        users::get_current_uid()
    }

    fn get_current_username(&self) -> Option<Arc<OsStr>> {
        self.get_user_by_uid(self.get_current_uid()).map(|user| Arc::from(user.name()))
    }

    fn get_effective_uid(&self) -> uid_t {
        users::get_effective_uid()
    }

    fn get_effective_username(&self) -> Option<Arc<OsStr>> {
        self.get_user_by_uid(self.get_effective_uid()).map(|user| Arc::from(user.name()))
    }
}
