//! uidmap-check: will rootless containers work here, for the calling user?
//!
//! The check has no privilege. It makes a user namespace, and has it mapped by the programs that a client would find, as a client
//! does.

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

/// Checks, and prints a report as text or as JSON. The exit status is 1 if something is wrong.
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
    let namespace = Namespace::make();
    report.add(match &namespace {
        Ok(_) => Finding::good("user namespace", "one was made"),
        Err(refusal) => {
            let causes = causes::no_namespace(refusal.errno, &Process::examine(IdType::Uid));
            Finding::bad("user namespace", refusal.to_string(), causes)
        }
    });
    report.add(restrictions());
    for id_type in [IdType::Uid, IdType::Gid] {
        let path = trial::find(id_type);
        report.add(installed(id_type, path.as_deref()));
        let delegated = delegated(id_type, &caller);
        report.add(delegation(id_type, delegated.as_deref()));
        if let (Ok(namespace), Some(path)) = (&namespace, path) {
            let trial = Trial { id_type, path, caller: &caller, delegated: delegated.unwrap_or_default() };
            report.add(trial.run(namespace));
        }
    }
    report
}

/// What may take privilege from programs here. Whether it does is the trial's to say.
fn restrictions() -> Finding {
    let (uid, gid) = (Process::examine(IdType::Uid), Process::examine(IdType::Gid));
    let label = uid.label.as_ref().map(|label| format!("the security label '{}'", escape(label.as_bytes())));
    let seen: Vec<String> = [
        (uid.no_new_privs == Some(true)).then(|| "no_new_privs".to_owned()),
        (uid.bounded == Some(false)).then(|| "no CAP_SETUID in the bounding set".to_owned()),
        (gid.bounded == Some(false)).then(|| "no CAP_SETGID in the bounding set".to_owned()),
        (uid.seccomp_filter == Some(true)).then(|| "a seccomp filter".to_owned()),
        uid.restricted_namespaces.then(|| "kernel.apparmor_restrict_unprivileged_userns".to_owned()),
        uid.forbidden_namespaces.then(|| "kernel.unprivileged_userns_clone is 0".to_owned()),
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

/// How the program is installed that a client would start. Whether that is enough is the trial's to say.
fn installed(id_type: IdType, path: Option<&Path>) -> Finding {
    let Some(path) = path else {
        return Finding::bad(id_type.program(), "not found", causes::not_installed(id_type));
    };
    let how = match Program::examine(path, id_type) {
        Some(program) => program.how(id_type),
        None => "cannot be looked at".to_owned(),
    };
    Finding::good(id_type.program(), format!("{}, {how}", escape_path(path)))
}

/// What is delegated, as a client asks.
fn delegated(id_type: IdType, caller: &Caller) -> Option<Vec<IdRange>> {
    let source = Source::open(id_type).ok()?;
    let listed = list(source, id_type, &caller.name, Some(caller.uid), &SystemPasswd::default()).ok()?;
    let range = |start: u64, count: u64| IdRange::checked_new(start.try_into().ok()?, count.try_into().ok()?);
    let listed = listed.into_iter().filter(|delegated| delegated.count > 0);
    Some(listed.filter_map(|delegated| range(delegated.start, delegated.count)).collect())
}

/// Tells it beside what there is: ids that do not exist here are no use.
fn delegation(id_type: IdType, delegated: Option<&[IdRange]>) -> Finding {
    let subject = match id_type {
        IdType::Uid => "delegated uids",
        IdType::Gid => "delegated gids",
    };
    let Some(delegated) = delegated else { return Finding::note(subject, "cannot be had") };
    let set: IdSet = delegated.iter().copied().collect();
    let here = Process::examine(id_type).mapped_ids;
    let here = here.map_or(String::new(), |here| format!(" (this user namespace has {here})"));
    let text = format!("{set}{here}");
    if set.is_empty() { Finding::note(subject, text) } else { Finding::good(subject, text) }
}
