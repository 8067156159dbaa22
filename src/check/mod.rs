//! `--check`: will rootless containers work here, for the user who asks?
//!
//! It has no privilege, and needs none: everything is looked at as that user. It does not guess either: a user namespace
//! is made, and the programs that clients would find are started to map it, as a client starts them.

mod namespace;
mod report;
mod trial;

pub use namespace::stay as namespace;

use std::io::{IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::caller::Caller;
use crate::diagnosis::conclude;
use crate::diagnosis::facts::process::Process;
use crate::diagnosis::facts::program::Program;
use crate::kind::Kind;
use crate::login;
use crate::privilege::Start;
use crate::range::{IdRange, IdSet};
use crate::shown::{shown, shown_path};
use crate::subid::Source;
use crate::user_database::UserDatabase;
use namespace::Namespace;
use report::{Finding, Report};
use trial::Trial;

/// Looks, and prints what was found, for people or as JSON. Fails if something is wrong.
#[must_use]
#[cold]
pub fn run(start: Start, as_json: bool) -> ExitCode {
    let report = examine(start);
    let is_colourful =
        stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = if as_json { report.json() } else { report.text(is_colourful) };
    match stdout().write_all(text.as_bytes()) {
        Ok(()) if report.is_good() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn examine(start: Start) -> Report {
    let caller = Caller::identify(start.uid, start.gid, login::name().as_deref(), &UserDatabase::default());
    let name = caller.as_ref().map_or("?".to_owned(), |caller| shown(&caller.name));
    let mut report = Report::new(name, start.uid);
    let Ok(caller) = caller else {
        report.add(Finding::bad("user", "no passwd entry", [conclude::no_passwd_entry(&start)]));
        return report;
    };
    let namespace = Namespace::make();
    report.add(match &namespace {
        Ok(_) => Finding::good("user namespace", "one was made"),
        Err(refusal) => {
            let causes = conclude::no_namespace(refusal.errno, &Process::examine(Kind::Uid));
            Finding::bad("user namespace", refusal.to_string(), causes)
        }
    });
    report.add(restrictions());
    for kind in [Kind::Uid, Kind::Gid] {
        let path = trial::find(kind);
        report.add(installed(kind, path.as_deref()));
        let delegated = delegated(kind, &caller);
        report.add(delegation(kind, delegated.as_deref()));
        if let (Ok(namespace), Some(path)) = (&namespace, path) {
            let trial = Trial { kind, path, caller: &caller, delegated: delegated.unwrap_or_default() };
            report.add(trial.run(namespace));
        }
    }
    report
}

/// What may take privilege from programs here. Whether it does is the trial's to say.
fn restrictions() -> Finding {
    let (uid, gid) = (Process::examine(Kind::Uid), Process::examine(Kind::Gid));
    let label = uid.label.as_ref().map(|label| format!("the security label '{}'", shown(label.as_bytes())));
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
fn installed(kind: Kind, path: Option<&Path>) -> Finding {
    let Some(path) = path else {
        return Finding::bad(kind.program(), "not found", conclude::not_installed(kind));
    };
    let how = match Program::examine(path, kind) {
        Some(program) => program.how(kind),
        None => "cannot be looked at".to_owned(),
    };
    Finding::good(kind.program(), format!("{}, {how}", shown_path(path)))
}

/// What is delegated, as a client asks.
fn delegated(kind: Kind, caller: &Caller) -> Option<Vec<IdRange>> {
    let source = Source::open(kind).ok()?;
    let listed = source.list(kind, &caller.name, Some(caller.uid), &UserDatabase::default()).ok()?;
    let range = |start: u64, count: u64| IdRange::of_ids(start.try_into().ok()?, count.try_into().ok()?);
    let listed = listed.into_iter().filter(|delegated| delegated.count > 0);
    Some(listed.filter_map(|delegated| range(delegated.start, delegated.count)).collect())
}

/// Tells it beside what there is: ids that do not exist here are no use.
fn delegation(kind: Kind, delegated: Option<&[IdRange]>) -> Finding {
    let subject = match kind {
        Kind::Uid => "delegated uids",
        Kind::Gid => "delegated gids",
    };
    let Some(delegated) = delegated else { return Finding::note(subject, "cannot be had") };
    let set: IdSet = delegated.iter().copied().collect();
    let here = Process::examine(kind).mapped_ids;
    let here = here.map_or(String::new(), |here| format!(" (this user namespace has {here})"));
    let text = format!("{set}{here}");
    if set.is_empty() { Finding::note(subject, text) } else { Finding::good(subject, text) }
}

/// The directory of the running program, where its twin is, too.
fn own_directory() -> Option<PathBuf> {
    std::fs::read_link("/proc/self/exe").ok()?.parent().map(Path::to_owned)
}
