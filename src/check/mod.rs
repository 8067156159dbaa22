//! uidmap-check: whether rootless containers will work here for the calling user.
//!
//! The check has no privilege. It creates a user namespace and runs the newuidmap and newgidmap that a client would find, with the
//! arguments that a client would give. Each finding becomes a row of a [`Report`].

mod namespace;
mod report;
mod trial;

pub use namespace::{HOLD_NAMESPACE, hold_namespace};

use std::io::{IsTerminal, Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use libc::{gid_t, uid_t};
use nix::unistd::{getgid, getuid};

use crate::caller::Caller;
use crate::escape::{escape, escape_path};
use crate::explain::causes;
use crate::explain::evidence::process::Process;
use crate::explain::evidence::program::Program;
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;
use crate::passwd::SystemPasswd;
use crate::subid::Source;
use crate::subid::list::list;
use crate::sys::process::login_name;
use namespace::Namespace;
use report::{Finding, Report};
use trial::Trial;

/// Prints a report, as text or as JSON. The exit status is 1 if a row is bad.
#[must_use]
pub fn check(as_json: bool) -> ExitCode {
    let report = examine(getuid().as_raw(), getgid().as_raw());
    let is_colourful =
        stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = if as_json { report.json() } else { report.text(is_colourful) };
    match stdout().write_all(text.as_bytes()) {
        Ok(()) if report.is_good() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn examine(uid: uid_t, gid: gid_t) -> Report {
    let caller = Caller::identify(uid, gid, login_name().as_deref(), &SystemPasswd::default());
    let name = caller.as_ref().map_or("?".to_owned(), |caller| escape(&caller.name));
    let mut report = Report::new(name, uid);
    let Ok(caller) = caller else {
        report.add(Finding::bad("user", "no passwd entry", [causes::no_passwd_entry(uid, gid)]));
        return report;
    };
    let namespace = Namespace::create();
    report.add(match &namespace {
        Ok(_) => Finding::good("user namespace", "created"),
        Err(refusal) => {
            let causes = causes::no_namespace(refusal.errno, &Process::examine(IdType::Uid));
            Finding::bad("user namespace", refusal.to_string(), causes)
        }
    });
    report.add(restrictions());
    for id_type in [IdType::Uid, IdType::Gid] {
        let path = trial::find_program(id_type);
        report.add(installation(id_type, path.as_deref()));
        let delegated = delegated_ranges(id_type, &caller);
        report.add(delegation(id_type, delegated.as_deref()));
        if let (Ok(namespace), Some(path)) = (&namespace, path) {
            let trial = Trial { id_type, path, caller: &caller, delegated: delegated.unwrap_or_default() };
            report.add(trial.run(namespace));
        }
    }
    report
}

/// The restrictions that may take privilege from a program. Only a trial shows whether they do, so the row is a note.
fn restrictions() -> Finding {
    let (uid, gid) = (Process::examine(IdType::Uid), Process::examine(IdType::Gid));
    let label =
        uid.security_label.as_ref().map(|label| format!("the security label '{}'", escape(label.as_bytes())));
    let seen: Vec<String> = [
        (uid.no_new_privs == Some(true)).then(|| "no_new_privs".to_owned()),
        (uid.bounding_set_has_capability == Some(false))
            .then(|| "no CAP_SETUID in the bounding set".to_owned()),
        (gid.bounding_set_has_capability == Some(false))
            .then(|| "no CAP_SETGID in the bounding set".to_owned()),
        (uid.has_seccomp_filter == Some(true)).then(|| "a seccomp filter".to_owned()),
        uid.apparmor_restricts_userns.then(|| "kernel.apparmor_restrict_unprivileged_userns".to_owned()),
        uid.userns_clone_is_off.then(|| "kernel.unprivileged_userns_clone is 0".to_owned()),
        label,
    ]
    .into_iter()
    .flatten()
    .collect();
    if seen.is_empty() {
        Finding::good("restrictions", "none seen")
    } else {
        Finding::note("restrictions", seen.join(", "))
    }
}

/// The program that a client would start, and the privilege that its file gives. Only a trial shows whether that is enough.
fn installation(id_type: IdType, path: Option<&Path>) -> Finding {
    let Some(path) = path else {
        return Finding::bad(id_type.program(), "not found", causes::not_installed(id_type));
    };
    let privilege = match Program::examine(path, id_type) {
        Some(program) => program.describe(id_type),
        None => "cannot be examined".to_owned(),
    };
    Finding::good(id_type.program(), format!("{}, {privilege}", escape_path(path)))
}

/// The ranges that getsubids(1) lists, without empty ones and those beyond the last id. `None` if there is no list.
fn delegated_ranges(id_type: IdType, caller: &Caller) -> Option<Vec<IdRange>> {
    let source = Source::open(id_type).ok()?;
    let listed = list(source, id_type, &caller.name, Some(caller.uid), &SystemPasswd::default()).ok()?;
    let range = |start: u64, count: u64| IdRange::checked_new(start.try_into().ok()?, count.try_into().ok()?);
    let listed = listed.into_iter().filter(|delegated| delegated.count > 0);
    Some(listed.filter_map(|delegated| range(delegated.start, delegated.count)).collect())
}

/// The delegated ids, and beside them the mapped ids of this user namespace: only ids that are both can be used.
fn delegation(id_type: IdType, delegated: Option<&[IdRange]>) -> Finding {
    let subject = match id_type {
        IdType::Uid => "delegated uids",
        IdType::Gid => "delegated gids",
    };
    let Some(delegated) = delegated else { return Finding::note(subject, "cannot be listed") };
    let set: IdSet = delegated.iter().copied().collect();
    let mapped = Process::examine(id_type).mapped_ids;
    let mapped = mapped.map_or(String::new(), |mapped| format!(" (this user namespace has {mapped})"));
    let detail = format!("{set}{mapped}");
    if set.is_empty() { Finding::note(subject, detail) } else { Finding::good(subject, detail) }
}
