//! A whole run, from the arguments to the kernel, and what is said about it.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::process::ExitCode;

use users::UsersCache;

use crate::caller::Caller;
use crate::cli::{self, Invocation};
use crate::error::Error;
use crate::extent;
use crate::kind::Kind;
use crate::login;
use crate::login_defs::LoginDefs;
use crate::map;
use crate::policy::{Claim, OwnTarget, Setgroups};
use crate::privilege::{RealIds, Reserve};
use crate::setgroups::{self, Denied};
use crate::subid::Source;
use crate::subid::nss::Plugin;
use crate::target::Target;

/// Runs newuidmap or newgidmap: privilege is dropped before the first argument is looked at.
#[must_use]
pub fn run(kind: Kind) -> ExitCode {
    match Reserve::keep(kind).and_then(|(reserve, ids)| serve(kind, reserve, ids)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&report(kind, &error));
            ExitCode::FAILURE
        }
    }
}

fn serve(kind: Kind, reserve: Reserve, ids: RealIds) -> Result<(), Error> {
    match cli::parse(kind, std::env::args_os().skip(1)) {
        Invocation::Map { target, ranges } => map(kind, reserve, ids, &target, &ranges),
        Invocation::Print(text) => {
            // Whoever closed stdout does not want to read it.
            let _ = std::io::stdout().write_all(text.as_bytes());
            Ok(())
        }
        Invocation::Usage => Err(Error::Usage),
    }
}

/// The way of a request. The order is shadow's order of checks.
fn map(kind: Kind, reserve: Reserve, ids: RealIds, target: &OsStr, ranges: &[OsString]) -> Result<(), Error> {
    let users = UsersCache::new();
    let target = Target::open(target)?;
    let caller = Caller::identify(ids.uid, ids.gid, login::name().as_deref(), &users)?;
    let target = OwnTarget::check(target, &caller, || LoginDefs::read().grants_auxiliary_groups())?;
    let subids = Source::open(kind, plugin())?;
    let mut claim = Claim::new(kind, &caller, extent::parse(ranges)?);
    subids.grant(kind, &mut claim, &caller, &users)?;
    let authorized = claim.decide(target)?;
    if authorized.setgroups() == Setgroups::Deny
        && setgroups::deny(authorized.target())? == Denied::Unsupported
    {
        say(&format!("{}: kernel doesn't support setgroups restrictions\n", kind.program()));
    }
    map::write(&authorized, reserve)
}

/// The plugin to use; one that is configured and cannot be used is told of.
pub(crate) fn plugin() -> Option<Plugin> {
    Plugin::configured().unwrap_or_else(|unusable| {
        say(&format!("{unusable}\nUsing files\n"));
        None
    })
}

/// The message, the usage line where it belongs, and what an error's source adds.
fn report(kind: Kind, error: &Error) -> String {
    let program = kind.program();
    let message = error.to_string();
    let mut report = if message.is_empty() { message } else { format!("{program}: {message}\n") };
    if error.shows_usage() {
        report.push_str(&cli::usage(kind));
    }
    if let Some(source) = std::error::Error::source(error) {
        report.push_str(&format!("{program}: {source}\n"));
    }
    report
}

/// In one write, so that the lines of programs that fail at the same time do not mix.
pub(crate) fn say(text: &str) {
    // Where stderr takes nothing there is nobody left to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
