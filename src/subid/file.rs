//! `/etc/subuid` and `/etc/subgid`, the source where nsswitch.conf(5) names no other.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;

use libc::uid_t;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use users::Users;

use super::Delegated;
use super::line::{Line, Owner};
use super::lines::for_each_line;
use super::search::Search;
use crate::caller::Caller;
use crate::config;
use crate::error::Error;
use crate::kind::Kind;
use crate::login_defs::LoginDefs;
use crate::policy::Claim;
use crate::range::IdRange;

/// The file, opened; or none, where the machine does without.
#[derive(Debug)]
pub struct SubidFile {
    path: &'static str,
    file: Option<File>,
}

impl SubidFile {
    /// Opens the file with the caller's own rights. As shadow does, it follows no symbolic link there.
    ///
    /// # Errors
    ///
    /// [`Error::SubidFile`], unless the file is missing and login.defs(5) says that new users get no ids.
    pub fn open(kind: Kind) -> Result<Self, Error> {
        let path = kind.subid_file();
        match config::open_file(path, OFlag::O_NOFOLLOW) {
            Ok(file) => Ok(Self { path, file: Some(file) }),
            Err(Errno::ENOENT) if LoginDefs::read().is_zero(kind.count_item()) => {
                Ok(Self { path, file: None })
            }
            Err(errno) => Err(Error::SubidFile { path, reason: errno.into() }),
        }
    }

    /// The file itself, for whoever wants to know more of it than what it delegates.
    #[must_use]
    pub fn into_reader(self) -> Option<File> {
        self.file
    }

    /// Hands the claim what is delegated to the caller, as far as the claim wants it.
    ///
    /// # Errors
    ///
    /// [`Error::SubidFile`] if the file cannot be read.
    pub fn grant(self, claim: &mut Claim, caller: &Caller, users: &impl Users) -> Result<(), Error> {
        let Some(file) = self.file else { return Ok(()) };
        grant(file, claim, caller, users)
            .map_err(|error| Error::SubidFile { path: self.path, reason: error.into() })
    }

    /// Lists what is delegated to this name, to this uid, or to another name of this uid. A count of 0 is listed, though it
    /// delegates nothing, as shadow lists it.
    ///
    /// # Errors
    ///
    /// [`Error::SubidFile`] if the file cannot be read.
    pub fn list(self, name: &[u8], uid: Option<uid_t>, users: &impl Users) -> Result<Vec<Delegated>, Error> {
        let mut ranges = Vec::new();
        let Some(file) = self.file else { return Ok(ranges) };
        let owner = Owner::new(name, uid);
        let has_uid = |name: &[u8]| {
            let other = uid.and_then(|_| users.get_user_by_name(OsStr::from_bytes(name)));
            other.is_some_and(|other| Some(other.uid()) == uid)
        };
        let read = for_each_line(file, None, |line| {
            let own = owner.line(line).or_else(|| Line::parse(line).filter(|line| has_uid(line.owner())));
            let range = own.and_then(Line::range);
            ranges.extend(range.map(|range| Delegated { start: range.start(), count: range.count() }));
            ControlFlow::Continue(())
        });
        read.map_err(|error| Error::SubidFile { path: self.path, reason: error.into() })?;
        Ok(ranges)
    }
}

/// First the lines whose owner is plainly the caller; then, if that was not enough, those with an owner whom only
/// the user database can tell to be the caller, since asking it may mean asking the network.
///
/// # Errors
///
/// Those of read(2) and lseek(2).
pub fn grant(
    mut file: impl Read + Seek,
    claim: &mut Claim,
    caller: &Caller,
    users: &impl Users,
) -> io::Result<()> {
    let owner = Owner::new(&caller.name, Some(caller.uid));
    grant_lines(&mut file, claim, Some(owner.search()), |line, _| owner.line(line)?.range())?;
    if claim.is_settled() {
        return Ok(());
    }
    file.rewind()?;
    grant_lines(&mut file, claim, None, |line, claim| {
        let line = Line::parse(line)?;
        let range = line.range().filter(|range| claim.wants(*range))?;
        let owner = users.get_user_by_name(OsStr::from_bytes(line.owner()))?;
        (owner.uid() == caller.uid).then_some(range)
    })
}

/// Grants the range that `delegated` sees in a line, for each line or each that the search finds, until nothing more is wanted.
fn grant_lines(
    reader: impl Read,
    claim: &mut Claim,
    search: Option<Search>,
    delegated: impl Fn(&[u8], &Claim) -> Option<IdRange>,
) -> io::Result<()> {
    if claim.is_settled() {
        return Ok(());
    }
    for_each_line(reader, search, |line| {
        let Some(range) = delegated(line, claim) else { return ControlFlow::Continue(()) };
        claim.grant(range);
        if claim.is_settled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

#[cfg(test)]
mod tests {
    use super::grant;
    use crate::caller::Caller;
    use crate::extent;
    use crate::kind::Kind;
    use crate::policy::Claim;
    use std::cell::RefCell;
    use std::ffi::OsStr;
    use std::io::Cursor;
    use std::sync::Arc;
    use users::{User, Users, uid_t};

    /// Knows alice by two names, and keeps whom it was asked for.
    #[derive(Default)]
    struct Database(RefCell<Vec<String>>);

    impl Users for Database {
        fn get_user_by_uid(&self, _: uid_t) -> Option<Arc<User>> {
            None
        }
        fn get_user_by_name<S: AsRef<OsStr> + ?Sized>(&self, name: &S) -> Option<Arc<User>> {
            let name = name.as_ref().to_str().unwrap();
            self.0.borrow_mut().push(name.to_owned());
            ["alice", "alicia"].contains(&name).then(|| Arc::new(User::new(1000, name, 1000)))
        }
        fn get_current_uid(&self) -> uid_t {
            1000
        }
        fn get_current_username(&self) -> Option<Arc<OsStr>> {
            None
        }
        fn get_effective_uid(&self) -> uid_t {
            1000
        }
        fn get_effective_username(&self) -> Option<Arc<OsStr>> {
            None
        }
    }

    #[test]
    fn the_database_is_asked_only_where_nothing_else_decides() {
        let caller = Caller { uid: 1000, gid: 1000, login_gid: 1000, name: b"alice".to_vec() };
        for (file, settled, asked) in [
            ("bob:100:10\nalice:100:10\nalicia:100:10\n", true, &[][..]),
            ("bob:100:10\n1000:100:10\n", true, &[]),
            ("bob:100:10\nalicia:100:10\ncarol:100:10\n", true, &["bob", "alicia"]),
            ("bob:200:10\nalice:100:5\ncarol:100:5\nalicia:105:5\n", true, &["alicia"]),
            ("bob:100:10\nalicia:100\n", false, &["bob"]),
            ("", false, &[]),
        ] {
            let words: Vec<_> = ["0", "100", "10"].map(Into::into).into();
            let mut claim = Claim::new(Kind::Uid, &caller, extent::parse(&words).unwrap());
            let database = Database::default();
            grant(Cursor::new(file), &mut claim, &caller, &database).unwrap();
            assert_eq!(claim.is_settled(), settled, "{file}");
            assert_eq!(*database.0.borrow(), asked, "{file}");
        }
    }
}
