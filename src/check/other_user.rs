//! The check of another user than root, with `--user`: root forks, and the child becomes the user as a login does, without any
//! capability.
//!
//! Root prints the text of the child, and other processes of the user must not change that text or reach root's terminal. So the
//! child execs no program: since the change of ids, the kernel denies ptrace(2), pidfd_getfd(2) and the descriptors in `/proc` to the user
//! (`commit_creds` in kernel/cred.c makes the process undumpable). The programs that the child starts are dumpable. They
//! have neither a descriptor of root's nor a terminal.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use caps::CapSet;
use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{
    Gid, Pid, Uid, alarm, dup2_stderr, dup2_stdin, dup2_stdout, getuid, initgroups, setresgid, setresuid,
    setsid,
};
use thiserror::Error;
use users::User;
use users::os::unix::UserExt;

use super::Answer;
use crate::escape::{escape, shell_word};
use crate::reason::Reason;
use crate::sys::child;

/// The exit statuses of the child.
const GOOD: i32 = 0;
const BAD: i32 = 1;
const NOT_CHECKED: i32 = 2;

/// The time for a check. A directory service may run out of time for each id type.
const SECONDS: u32 = 60;

/// Why a named user is not checked.
#[derive(Debug, Error)]
pub(super) enum UserError {
    #[error("there is no user '{}'", escape(.0))]
    Unknown(Vec<u8>),
    #[error("only root can check another user: as root, run {}, or run `uidmap-check` as that user", command(.0))]
    NotRoot(Vec<u8>),
    #[error("root cannot become {}: {reason}{}", escape(name), without_capability(*reason))]
    Become { name: Vec<u8>, reason: Reason },
    #[error("no process can be started for the check: {0}")]
    Start(Reason),
    #[error("the check took longer than {SECONDS} seconds; a directory service or a process of {} may be the reason", escape(.0))]
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

fn without_capability(reason: Reason) -> &'static str {
    if reason.errno() == Errno::EPERM {
        "; without CAP_SETUID and CAP_SETGID, start uidmap-check as that user (podman exec --user, docker exec --user)"
    } else {
        ""
    }
}

/// Checks the user with this name or uid.
///
/// # Errors
///
/// [`UserError`]
pub(super) fn check(name: &OsStr, check: impl FnOnce() -> Answer) -> Result<Answer, UserError> {
    let user = find(name).ok_or_else(|| UserError::Unknown(name.as_bytes().to_vec()))?;
    if user.uid() == getuid().as_raw() {
        return Ok(check());
    }
    if !getuid().is_root() {
        return Err(UserError::NotRoot(name.as_bytes().to_vec()));
    }
    let mut text = memory_file().map_err(UserError::Start)?;
    let child = child::start(|| run(&user, &text, check)).map_err(|errno| UserError::Start(errno.into()))?;
    let name = user.name().as_bytes().to_vec();
    let status = wait(child).map_err(|signal| match signal {
        Signal::SIGALRM => UserError::TooLong(name.clone()),
        signal => UserError::Signal { name: name.clone(), signal },
    })?;
    let mut answer = String::new();
    text.rewind()
        .and_then(|()| text.read_to_string(&mut answer))
        .map_err(|error| UserError::Start(error.into()))?;
    match status {
        GOOD => Ok(Answer { text: answer, is_good: true }),
        BAD => Ok(Answer { text: answer, is_good: false }),
        _ => {
            Err(UserError::Become { name, reason: answer.parse().map_or(Errno::EIO, Errno::from_raw).into() })
        }
    }
}

fn find(name: &OsStr) -> Option<User> {
    let by_uid = || users::get_user_by_uid(name.to_str()?.parse().ok()?);
    users::get_user_by_name(name).or_else(by_uid)
}

/// A file without a name, which only this process and its child have.
fn memory_file() -> Result<File, Reason> {
    Ok(memfd_create(c"report", MFdFlags::MFD_CLOEXEC)?.into())
}

/// The child: becomes the user, and writes the report, or an errno.
fn run(user: &User, mut text: &File, check: impl FnOnce() -> Answer) -> i32 {
    let (status, written) = match become_user(user) {
        Ok(()) => {
            let Answer { text, is_good } = check();
            (if is_good { GOOD } else { BAD }, text)
        }
        Err(reason) => {
            let number = std::io::Error::from(reason.errno()).raw_os_error();
            (NOT_CHECKED, number.unwrap_or(libc::EIO).to_string())
        }
    };
    if text.write_all(written.as_bytes()).is_ok() { status } else { NOT_CHECKED }
}

/// Leaves root's terminal, descriptors, privilege and environment.
fn become_user(user: &User) -> Result<(), Reason> {
    setsid()?;
    alarm::set(SECONDS);
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    child::close_on_exec()?;
    std::env::set_current_dir("/")?;
    set_environment(user);
    change_ids(user)?;
    // The sysctl fs.suid_dumpable may be 1.
    prctl::set_dumpable(false)?;
    // The change of ids clears this setting.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    Ok(())
}

/// The PATH stays root's: only a shell of the user could say which PATH a login has.
fn set_environment(user: &User) {
    let kept = ["PATH", "NO_COLOR", "TERM", "LANG"];
    let kept = kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let name = user.name().to_owned();
    let of_user = [("HOME", user.home_dir().into()), ("USER", name.clone()), ("LOGNAME", name)];
    let directory = PathBuf::from(format!("/run/user/{}", user.uid()));
    let is_own = directory.metadata().is_ok_and(|status| status.uid() == user.uid());
    let directory = is_own.then(|| ("XDG_RUNTIME_DIR", directory.into()));
    child::set_environment(
        kept.chain(of_user).chain(directory).map(|(name, value)| (OsStr::new(name), value)),
    );
}

/// Gives up root for good.
fn change_ids(user: &User) -> Result<(), Reason> {
    let (uid, gid) = (Uid::from_raw(user.uid()), Gid::from_raw(user.primary_group_id()));
    let name = CString::new(user.name().as_bytes()).map_err(std::io::Error::from)?;
    initgroups(&name, gid)?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    // The securebits of the caller may have kept capabilities.
    for set in [CapSet::Ambient, CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::clear(None, set).map_err(|_| Reason::from(Errno::EPERM))?;
    }
    Ok(())
}

/// Waits for the child's exit status. The user can stop the child, which then is killed.
///
/// # Errors
///
/// The signal that stopped or killed the child.
fn wait(child: Pid) -> Result<i32, Signal> {
    match waitpid(child, Some(WaitPidFlag::WUNTRACED)) {
        Ok(WaitStatus::Exited(_, status)) => Ok(status),
        Ok(WaitStatus::Signaled(_, signal, _)) => Err(signal),
        Ok(WaitStatus::Stopped(_, signal)) => {
            // A killed child needs no second wait: this process ends soon.
            let _ = kill(child, Signal::SIGKILL);
            Err(signal)
        }
        _ => Ok(NOT_CHECKED),
    }
}
