//! `/etc/subuid` and `/etc/subgid`, the source of delegations unless nsswitch.conf(5) names another one.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;

use super::SubidError;
use super::blocks::{for_each_block, lines};
use super::line::{Line, Owner};
use crate::caller::Caller;
use crate::files;
use crate::id_type::IdType;
use crate::login_defs::LoginDefs;
use crate::mapping::policy::Claim;
use crate::passwd::Passwd;

/// The opened file; `None` if it cannot be opened and login.defs(5) allows that.
#[derive(Debug)]
pub(crate) struct SubidFile {
    pub(super) path: &'static str,
    pub(super) file: Option<File>,
}

impl SubidFile {
    /// Opens the file with the caller's rights, and refuses a symbolic link as its last component, as shadow does.
    ///
    /// # Errors
    ///
    /// [`SubidError::File`], unless login.defs(5) has a count of 0 for new users: then no id is delegated. `EACCES` is an error in
    /// either case: shadow reads such a file as root, so an administrator may expect that it counts.
    pub(crate) fn open(id_type: IdType) -> Result<Self, SubidError> {
        let path = id_type.subid_file();
        match files::open(path, libc::O_NOFOLLOW) {
            Ok(file) => Ok(Self { path, file: Some(file) }),
            Err(error)
                if error.raw_os_error() != Some(libc::EACCES)
                    && LoginDefs::read().is_zero(id_type.count_item()) =>
            {
                Ok(Self { path, file: None })
            }
            Err(error) => Err(SubidError::File { path, reason: error.into() }),
        }
    }

    /// The file, for the explanation.
    pub(crate) fn into_reader(self) -> Option<File> {
        self.file
    }

    /// Grants the claim the caller's ranges.
    ///
    /// # Errors
    ///
    /// [`SubidError::File`] if the file cannot be read.
    pub(crate) fn grant(
        self,
        claim: &mut Claim,
        caller: &Caller,
        passwd: &impl Passwd,
    ) -> Result<(), SubidError> {
        let Some(file) = self.file else { return Ok(()) };
        grant(file, claim, caller, passwd)
            .map_err(|error| SubidError::File { path: self.path, reason: error.into() })
    }
}

/// Grants the ranges of lines with the caller's name or uid. If ids are still missing, a second pass looks up the owners of lines with
/// missing ids in the user database: it comes second because the database may be behind a network.
///
/// # Errors
///
/// Those of read(2) and lseek(2).
pub(crate) fn grant(
    mut file: impl Read + Seek,
    claim: &mut Claim,
    caller: &Caller,
    passwd: &impl Passwd,
) -> io::Result<()> {
    let owner = Owner::new(&caller.name, Some(caller.uid));
    until_granted(&mut file, claim, |claim, block| {
        owner.lines(block).into_iter().filter_map(Line::range).for_each(|range| claim.grant(range));
    })?;
    if claim.all_granted() {
        return Ok(());
    }
    file.rewind()?;
    until_granted(&mut file, claim, |claim, block| {
        for line in lines(block).filter_map(Line::parse) {
            let Some(range) = line.range().filter(|range| claim.still_needs(*range)) else { continue };
            if passwd.by_name(line.owner()).is_some_and(|owner| owner.uid == caller.uid) {
                claim.grant(range);
            }
        }
    })
}

/// Calls `grant` with one block after another, until all is granted.
fn until_granted(
    reader: impl Read,
    claim: &mut Claim,
    mut grant: impl FnMut(&mut Claim, &[u8]),
) -> io::Result<()> {
    if claim.all_granted() {
        return Ok(());
    }
    for_each_block(reader, |block| {
        grant(claim, block);
        if claim.all_granted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

#[cfg(test)]
mod tests {
    use super::grant;
    use crate::caller::Caller;
    use crate::id_type::IdType;
    use crate::map_range;
    use crate::mapping::policy::Claim;
    use crate::passwd::{Account, Passwd};
    use libc::uid_t;
    use std::cell::RefCell;
    use std::io::Cursor;

    /// Knows two names of uid 1000, and records the names that it is asked for.
    #[derive(Default)]
    struct Recorder(RefCell<Vec<String>>);

    impl Passwd for Recorder {
        fn by_name(&self, name: &[u8]) -> Option<Account> {
            let name = std::str::from_utf8(name).unwrap();
            self.0.borrow_mut().push(name.to_owned());
            ["alice", "alicia"].contains(&name).then(|| Account { name: name.into(), uid: 1000, gid: 100 })
        }

        fn by_uid(&self, _: uid_t) -> Option<Account> {
            None
        }
    }

    #[test]
    fn the_user_database_is_asked_only_about_owners_whose_lines_could_decide() {
        let caller = Caller { uid: 1000, gid: 1000, login_gid: 1000, name: b"alice".to_vec() };
        for (file, all_granted, asked) in [
            ("bob:100:10\nalice:100:10\nalicia:100:10\n", true, &[][..]),
            ("bob:100:10\n1000:100:10\n", true, &[]),
            ("bob:100:10\nalicia:100:10\ncarol:100:10\n", true, &["bob", "alicia"]),
            ("bob:200:10\nalice:100:5\ncarol:100:5\nalicia:105:5\n", true, &["alicia"]),
            ("bob:100:10\nalicia:100\n", false, &["bob"]),
            ("", false, &[]),
        ] {
            let words: Vec<_> = ["0", "100", "10"].map(Into::into).into();
            let mut claim = Claim::new(IdType::Uid, &caller, map_range::parse(&words).unwrap());
            let passwd = Recorder::default();
            grant(Cursor::new(file), &mut claim, &caller, &passwd).unwrap();
            assert_eq!(claim.all_granted(), all_granted, "{file}");
            assert_eq!(*passwd.0.borrow(), asked, "{file}");
        }
    }
}
