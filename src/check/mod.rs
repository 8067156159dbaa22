//! uidmap-check: whether the id maps of a user work here, and the first steps after them.
//!
//! The check has no privilege. It creates a user namespace and runs the newuidmap and newgidmap that a client would find, with the
//! arguments that a client would give. Each finding becomes a row of a [`Report`].

mod delegation;
mod few_ids;
mod installation;
mod json;
mod namespace;
mod next_steps;
mod other_user;
mod path;
mod podman;
mod report;
mod restrictions;
mod trial;
mod user;

pub use namespace::{HOLD_NAMESPACE, hold_namespace};

use std::ffi::OsStr;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;

use libc::{gid_t, uid_t};
use nix::unistd::{getgid, getuid};

use crate::caller::Caller;
use crate::escape::escape;
use crate::explain::causes;
use crate::explain::evidence::accounts::Accounts;
use crate::explain::evidence::passwd_file::PasswdFile;
use crate::explain::evidence::place::Place;
use crate::explain::evidence::process::Process;
use crate::id_type::IdType;
use crate::passwd::SystemPasswd;
use crate::reason::Reason;
use crate::sys::child;
use crate::sys::process::login_name;
use delegation::Delegation;
use namespace::Namespace;
use report::{Finding, GID_MAP, Report, UID_MAP};

/// The exit status without a report: the status of clap for wrong options.
const NOT_CHECKED: u8 = 2;

/// A report as it is printed.
struct Answer {
    text: String,
    is_good: bool,
}

/// Prints a report about the calling user, or about the user with this name, as text or as JSON. The exit status is 0 if the maps
/// work, 1 if they do not, and 2 if no check was made or the report cannot be printed.
#[must_use]
pub fn check(user: Option<&OsStr>, as_json: bool) -> ExitCode {
    child::wait_for_children();
    let is_colourful =
        stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let answer = |login_name: Option<&OsStr>| {
        let report = examine(getuid().as_raw(), getgid().as_raw(), login_name);
        let text = if as_json { json::json(&report) } else { report.text(is_colourful) };
        Answer { text, is_good: report.is_good() }
    };
    let answer = match user {
        Some(name) => other_user::check(name, |name| answer(Some(name))).map_err(|error| error.to_string()),
        None => Ok(answer(login_name().as_deref())),
    };
    let print = |text: &str| stdout().write_all(text.as_bytes()).and_then(|()| stdout().flush());
    let printed = answer.and_then(|Answer { text, is_good }| match print(&text) {
        Ok(()) => Ok(is_good),
        Err(error) => Err(format!("the report cannot be printed: {}", Reason::from(error))),
    });
    match printed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            // Without stderr, the exit status is the message.
            let _ = writeln!(stderr(), "uidmap-check: {message}");
            NOT_CHECKED.into()
        }
    }
}

fn examine(uid: uid_t, gid: gid_t, login_name: Option<&OsStr>) -> Report {
    let passwd = SystemPasswd::default();
    let caller = Caller::identify(uid, gid, login_name, &passwd).ok();
    let mut report = Report::new(caller.as_ref().map(|caller| escape(&caller.name)), uid);
    let Some(caller) = caller else {
        let (accounts, file) = (Accounts::examine(IdType::Uid), PasswdFile::examine(uid));
        let cause = causes::no_passwd_entry(uid, gid, &accounts, &Place::examine(), &file);
        report.add(Finding::bad("user", "no passwd entry", [cause]));
        return report;
    };
    report.findings.extend(user::findings(&caller, &passwd));
    let mut namespace = Namespace::create();
    report.add(match &namespace {
        Ok(_) => Finding::good("user namespace", "created"),
        Err(refusal) => {
            let remedies = refusal.remedies(&Process::examine(IdType::Uid));
            Finding::bad("user namespace", refusal.to_string(), remedies)
        }
    });
    report.add(restrictions::finding());
    let delegations =
        [IdType::Uid, IdType::Gid].map(|id_type| (id_type, Delegation::list(id_type, &caller, &passwd)));
    for (id_type, delegation) in &delegations {
        let (program, map) =
            installation::findings(*id_type, &caller, delegation, namespace.as_ref().ok(), &passwd);
        report.add(program);
        report.add(delegation.finding(&caller, map.is_some()));
        report.findings.extend(map);
    }
    if let Ok(namespace) = &mut namespace {
        if report.has_good(UID_MAP) && report.has_good(GID_MAP) {
            let taken = namespace.take_next_steps();
            let label = namespace.security_label();
            report.add(next_steps::finding(taken, &Process::examine(IdType::Uid), label.as_deref()));
        }
    }
    report.findings.extend(podman::finding(&caller, &delegations));
    report
}
