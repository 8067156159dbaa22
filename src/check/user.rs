//! The user who is checked: the calling user, or with `--user`, a user that root becomes.
//!
//! Root becomes the user as a login does: with the user's groups and environment, and without any capability. The check is then
//! started again. An exec makes the process dumpable, so its files in /proc belong to the user.

use std::convert::Infallible;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use caps::CapSet;
use nix::unistd::{Gid, Uid, getuid, initgroups, setresgid, setresuid};
use thiserror::Error;
use users::User;
use users::os::unix::UserExt;

use super::report::{Finding, Remedy};
use crate::caller::Caller;
use crate::escape::{escape, shell_word};
use crate::explain::cause::Key;
use crate::passwd::Passwd;
use crate::reason::Reason;

/// Why a named user is not checked.
#[derive(Debug, Error)]
pub(super) enum UserError {
    #[error("there is no user '{}'", escape(.0))]
    Unknown(Vec<u8>),
    #[error("only root can check another user: as root, run {}, or run `uidmap-check` as that user", command(.0))]
    NotRoot(Vec<u8>),
    #[error(
        "root cannot become {}: {reason}; without CAP_SETUID and CAP_SETGID, start uidmap-check as that user (podman exec --user, \
         docker exec --user)",
        escape(name)
    )]
    Become { name: Vec<u8>, reason: Reason },
    #[error("uidmap-check cannot be started as {}: {reason}", escape(name))]
    Start { name: Vec<u8>, reason: Reason },
}

/// The command that checks a user.
fn command(name: &[u8]) -> String {
    shell_word(name).map_or("uidmap-check --user".to_owned(), |name| format!("`uidmap-check --user {name}`"))
}

/// Returns if the user with this name or uid is the calling user. Otherwise starts the check again as that user.
///
/// # Errors
///
/// [`UserError`]
pub(super) fn become_user(name: &OsStr, as_json: bool) -> Result<(), UserError> {
    let user = find(name).ok_or_else(|| UserError::Unknown(name.as_bytes().to_vec()))?;
    if user.uid() == getuid().as_raw() {
        return Ok(());
    }
    if !getuid().is_root() {
        return Err(UserError::NotRoot(name.as_bytes().to_vec()));
    }
    let name = user.name().as_bytes().to_vec();
    change_ids(&user).map_err(|reason| UserError::Become { name: name.clone(), reason })?;
    match start_again(&user, as_json) {
        Ok(never) => match never {},
        Err(reason) => Err(UserError::Start { name, reason }),
    }
}

fn find(name: &OsStr) -> Option<User> {
    let by_uid = || users::get_user_by_uid(name.to_str()?.parse().ok()?);
    users::get_user_by_name(name).or_else(by_uid)
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
        caps::clear(None, set).map_err(|_| Reason::from(nix::errno::Errno::EPERM))?;
    }
    Ok(())
}

/// The PATH stays root's: only a shell of the user could say which PATH a login has.
fn start_again(user: &User, as_json: bool) -> Result<Infallible, Reason> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("uidmap-check").args(as_json.then_some("--json")).current_dir("/").env_clear();
    let kept = ["PATH", "NO_COLOR", "TERM", "LANG"];
    command.envs(kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.env("HOME", user.home_dir()).env("USER", user.name()).env("LOGNAME", user.name());
    let runtime_directory = PathBuf::from(format!("/run/user/{}", user.uid()));
    if runtime_directory.metadata().is_ok_and(|status| status.uid() == user.uid()) {
        command.env("XDG_RUNTIME_DIR", runtime_directory);
    }
    Err(command.exec().into())
}

/// Notes for root, and for a variable USER that names another user.
pub(super) fn findings(caller: &Caller, passwd: &impl Passwd) -> Vec<Finding> {
    let root = (caller.uid == 0).then(|| {
        let detail = "root is checked; to check another user, run uidmap-check --user NAME";
        Finding::note("user", detail, [])
    });
    let variable = std::env::var_os("USER").filter(|name| !name.is_empty());
    let account = variable.as_ref().and_then(|name| passwd.by_name(name.as_bytes()));
    let other = variable.filter(|_| account.is_none_or(|account| account.uid != caller.uid));
    let wrong_name = other.map(|other| {
        let (other, user) = (escape(other.as_bytes()), escape(&caller.name));
        let login =
            shell_word(&caller.name).map_or(String::new(), |name| format!(", or log in with su - {name}"));
        let remedy = Remedy::new(
            Key::UserVariable,
            format!(
                "the variable USER is '{other}', and podman requests the ids that are delegated to that name"
            ),
            format!("run `unset USER`{login}"),
        );
        Finding::note("user", format!("USER is '{other}' and the user is {user}"), [remedy])
    });
    root.into_iter().chain(wrong_name).collect()
}
