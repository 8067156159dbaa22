//! `/etc/subuid` and `/etc/subgid`, the source where nsswitch.conf(5) names no other.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use users::Users;

use super::line::Line;
use super::lines::for_each_line;
use crate::caller::Caller;
use crate::error::Error;
use crate::kind::Kind;
use crate::login_defs::LoginDefs;
use crate::policy::Claim;

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
        // Not to wait for a FIFO's writer, nor to acquire a terminal.
        let flags =
            OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        match open(path, flags, Mode::empty()) {
            Ok(file) => Ok(Self { path, file: Some(file.into()) }),
            Err(Errno::ENOENT) if LoginDefs::read().is_zero(kind.count_item()) => {
                Ok(Self { path, file: None })
            }
            Err(errno) => Err(Error::SubidFile { path, reason: errno.into() }),
        }
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
}

/// First the lines whose owner is plainly the caller; then, if that was not enough, those with an owner whom only
/// the user database can tell to be the caller, since asking it may mean asking the network.
fn grant(
    mut file: impl Read + Seek,
    claim: &mut Claim,
    caller: &Caller,
    users: &impl Users,
) -> io::Result<()> {
    let is_caller = |line: Line<'_>| line.owner() == caller.name || line.owner_is_uid(caller.uid);
    grant_lines(&mut file, claim, is_caller)?;
    if claim.is_settled() {
        return Ok(());
    }
    file.rewind()?;
    grant_lines(&mut file, claim, |line| {
        users.get_user_by_name(OsStr::from_bytes(line.owner())).is_some_and(|user| user.uid() == caller.uid)
    })
}

fn grant_lines(reader: impl Read, claim: &mut Claim, is_caller: impl Fn(Line<'_>) -> bool) -> io::Result<()> {
    if claim.is_settled() {
        return Ok(());
    }
    for_each_line(reader, |line| {
        let line = Line::parse(line);
        let range = line.and_then(Line::range);
        if let (Some(line), Some(range)) = (line, range)
            && claim.wants(range)
            && is_caller(line)
        {
            claim.grant(range);
        }
        if claim.is_settled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}
