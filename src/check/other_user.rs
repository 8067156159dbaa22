//! The check of another user, with `--user`: root forks, and the child becomes the user, without any capability.
//!
//! Root prints the text of the child. The child execs no program: after the change of ids the process is undumpable (`commit_creds` in
//! kernel/cred.c), so the user can neither trace it nor take its descriptors. The programs that the child starts are
//! dumpable. They have no descriptor, terminal or session keyring of root's.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use caps::CapSet;
use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{
    Gid, Pid, Uid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, getppid, getuid, initgroups, setresgid,
    setresuid, setsid,
};
use thiserror::Error;
use users::User;

use super::Answer;
use crate::escape::{escape, shell_word};
use crate::number::{self, Base};
use crate::reason::Reason;
use crate::sys::child;

/// The exit statuses of the child. After the last two, the text is an errno.
const GOOD: i32 = 0;
const BAD: i32 = 1;
const NOT_BECOME: i32 = 2;
const FAILED: i32 = 3;

/// The time for a check. A directory service may run out of time for each id type.
const LIMIT: Duration = Duration::from_secs(60);

/// waitpid(2) has no limit of time, so the child's state is asked for at this interval.
const INTERVAL: Duration = Duration::from_millis(10);

/// Why a named user is not checked.
#[derive(Debug, Error)]
pub(super) enum UserError {
    #[error("there is no user '{}'", escape(.0))]
    Unknown(Vec<u8>),
    #[error("only root can check another user: as root, run {}, or run `uidmap-check` as that user", command(.0))]
    NotRoot(Vec<u8>),
    #[error(
        "root cannot become {}: {reason}; root needs CAP_SETUID, CAP_SETGID, setgroups(2), and the user's ids in this user namespace; \
         without them, start uidmap-check as that user (podman exec --user, docker exec --user)",
        escape(name)
    )]
    Become { name: Vec<u8>, reason: Reason },
    #[error("the process for the check failed: {0}")]
    Failed(Reason),
    #[error("the check took longer than {} seconds; a directory service or a process of {} may be the reason", LIMIT.as_secs(), escape(.0))]
    TooLong(Vec<u8>),
    #[error(
        "the process that checks {} got {signal}, perhaps from another process of that user",
        escape(name)
    )]
    Signal { name: Vec<u8>, signal: Signal },
}

/// The command that checks a user.
fn command(name: &[u8]) -> String {
    shell_word(name).map_or("uidmap-check --user".to_owned(), |name| format!("`uidmap-check --user {name}`"))
}

/// Checks the user with this name or uid. `check` takes the name as the login name.
///
/// # Errors
///
/// [`UserError`]
pub(super) fn check(name: &OsStr, check: impl FnOnce(&OsStr) -> Answer) -> Result<Answer, UserError> {
    let user = find(name).ok_or_else(|| UserError::Unknown(name.as_bytes().to_vec()))?;
    if user.uid() == getuid().as_raw() {
        return Ok(check(user.name()));
    }
    if !getuid().is_root() {
        return Err(UserError::NotRoot(name.as_bytes().to_vec()));
    }
    let mut text: File = memfd_create(c"report", MFdFlags::MFD_CLOEXEC)
        .map_err(|errno| UserError::Failed(errno.into()))?
        .into();
    let root = getpid();
    let child =
        child::start(|| run(&user, root, &text, check)).map_err(|errno| UserError::Failed(errno.into()))?;
    let name = user.name().as_bytes().to_vec();
    let status = match wait(child, LIMIT) {
        End::Exited(status) => status,
        End::Signal(signal) => return Err(UserError::Signal { name, signal }),
        End::TooLong => return Err(UserError::TooLong(name)),
    };
    let mut answer = String::new();
    text.rewind()
        .and_then(|()| text.read_to_string(&mut answer))
        .map_err(|error| UserError::Failed(error.into()))?;
    let reason = || Reason::from(answer.parse().map_or(Errno::EIO, Errno::from_raw));
    match status {
        GOOD => Ok(Answer { text: answer, is_good: true }),
        BAD => Ok(Answer { text: answer, is_good: false }),
        NOT_BECOME => Err(UserError::Become { name, reason: reason() }),
        _ => Err(UserError::Failed(reason())),
    }
}

fn find(name: &OsStr) -> Option<User> {
    let by_uid = || users::get_user_by_uid(number::id(name.as_bytes(), Base::Decimal)?);
    users::get_user_by_name(name).or_else(by_uid)
}

/// The child: becomes the user, and writes the report, or an errno. `root` is the parent.
fn run(user: &User, root: Pid, mut text: &File, check: impl FnOnce(&OsStr) -> Answer) -> i32 {
    let become_user = || change_ids(user).and_then(|()| end_with(root));
    let became = leave_root()
        .map_err(|reason| (FAILED, reason))
        .and_then(|()| become_user().map_err(|reason| (NOT_BECOME, reason)));
    let (status, written) = match became {
        Ok(()) => {
            let Answer { text, is_good } = check(user.name());
            (if is_good { GOOD } else { BAD }, text)
        }
        Err((status, reason)) => {
            let number = std::io::Error::from(reason.errno()).raw_os_error();
            (status, number.unwrap_or(libc::EIO).to_string())
        }
    };
    if text.write_all(written.as_bytes()).is_ok() { status } else { FAILED }
}

/// Leaves root's terminal, descriptors, keys, directory and environment. The PATH stays root's: only a shell of the user could say which PATH a
/// login has. The user's HOME is not set: an NSS module or a plugin in this process could read the user's configuration there.
fn leave_root() -> Result<(), Reason> {
    setsid()?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    child::close_on_exec()?;
    child::leave_session_keyring()?;
    std::env::set_current_dir("/")?;
    child::keep_environment(&["PATH", "NO_COLOR", "TERM", "LANG"]);
    Ok(())
}

/// Gives up root for good.
fn change_ids(user: &User) -> Result<(), Reason> {
    let (uid, gid) = (Uid::from_raw(user.uid()), Gid::from_raw(user.primary_group_id()));
    let name = CString::new(user.name().as_bytes()).map_err(std::io::Error::from)?;
    initgroups(&name, gid)?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    // The sysctl fs.suid_dumpable may be 1.
    prctl::set_dumpable(false)?;
    // The securebits of the caller may have kept capabilities.
    for set in [CapSet::Ambient, CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::clear(None, set).map_err(|_| Reason::from(Errno::EPERM))?;
    }
    Ok(())
}

/// Ends this process with its parent. The change of ids would clear the setting.
fn end_with(parent: Pid) -> Result<(), Reason> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Exited(i32),
    /// The signal that killed or stopped the child.
    Signal(Signal),
    TooLong,
}

/// Waits for the end of the child. The user can stop the child, or make a file system never answer.
fn wait(child: Pid, limit: Duration) -> End {
    let start = Instant::now();
    let result = loop {
        match waitpid(child, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(_, status)) => return End::Exited(status),
            Ok(WaitStatus::Signaled(_, signal, _)) => return End::Signal(signal),
            Ok(WaitStatus::Stopped(_, signal)) => break End::Signal(signal),
            Err(_) => return End::Exited(FAILED),
            Ok(_) if start.elapsed() >= limit => break End::TooLong,
            Ok(_) => sleep(INTERVAL),
        }
    };
    // The programs that the child started are in its process group. This process ends soon, so it does not wait again.
    let _ = kill(child, Signal::SIGKILL).and(killpg(child, Signal::SIGKILL));
    result
}

#[cfg(test)]
mod tests {
    use super::{Duration, End, INTERVAL, LIMIT, Signal, child, sleep, wait};

    #[test]
    fn a_child_that_does_not_end_is_killed_after_the_limit() {
        let forever = || loop {
            sleep(INTERVAL);
        };
        let pid = child::start(forever).unwrap();
        assert_eq!(wait(pid, Duration::ZERO), End::TooLong);
        assert_eq!(wait(pid, LIMIT), End::Signal(Signal::SIGKILL));
        assert_eq!(wait(child::start(|| 7).unwrap(), LIMIT), End::Exited(7));
    }
}
