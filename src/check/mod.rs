//! uidmap-check: whether the id maps of a user work here, and the first steps after them.
//!
//! The check has no privilege. It creates a user namespace and runs the newuidmap and newgidmap that a client would find, with the
//! arguments that a client would give. Each finding becomes a row of a [`Report`].

mod delegation;
mod installation;
mod json;
mod namespace;
mod next_steps;
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
use crate::explain::evidence::place::Place;
use crate::explain::evidence::process::Process;
use crate::id_type::IdType;
use crate::passwd::SystemPasswd;
use crate::sys::process::login_name;
use delegation::Delegation;
use namespace::Namespace;
use report::{Finding, GID_MAP, Report, UID_MAP};

/// The exit status if no check was made: the status of clap for wrong options.
const NOT_CHECKED: u8 = 2;

/// Prints a report about the calling user, or about the user with this name, as text or as JSON. The exit status is 0 if the maps
/// work, 1 if they do not, and 2 if no check was made.
#[must_use]
pub fn check(user: Option<&OsStr>, as_json: bool) -> ExitCode {
    if let Some(Err(error)) = user.map(|user| user::become_user(user, as_json)) {
        // Without stderr, the exit status is the message.
        let _ = writeln!(stderr(), "uidmap-check: {error}");
        return NOT_CHECKED.into();
    }
    let report = examine(getuid().as_raw(), getgid().as_raw());
    let is_colourful =
        stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = if as_json { json::json(&report) } else { report.text(is_colourful) };
    match stdout().write_all(text.as_bytes()) {
        Ok(()) if report.is_good() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn examine(uid: uid_t, gid: gid_t) -> Report {
    let passwd = SystemPasswd::default();
    let caller = Caller::identify(uid, gid, login_name().as_deref(), &passwd).ok();
    let mut report = Report::new(caller.as_ref().map(|caller| escape(&caller.name)), uid);
    let Some(caller) = caller else {
        let cause = causes::no_passwd_entry(uid, gid, &Accounts::examine(IdType::Uid), &Place::examine());
        report.add(Finding::bad("user", "no passwd entry", [cause]));
        return report;
    };
    report.findings.extend(user::findings(&caller, &passwd));
    let mut namespace = Namespace::create();
    report.add(match &namespace {
        Ok(_) => Finding::good("user namespace", "created"),
        Err(refusal) => {
            let causes = causes::no_namespace(refusal.errno, &Process::examine(IdType::Uid));
            Finding::bad("user namespace", refusal.to_string(), causes)
        }
    });
    report.add(restrictions::finding());
    let delegations =
        [IdType::Uid, IdType::Gid].map(|id_type| (id_type, Delegation::list(id_type, &caller, &passwd)));
    for (id_type, delegation) in &delegations {
        let (program, map) = installation::findings(*id_type, &caller, delegation, namespace.as_ref().ok());
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
