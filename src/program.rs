//! A whole run, from the arguments to the kernel, and what is said about it.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::caller::Caller;
use crate::check;
use crate::cli::{self, Invocation, Request};
use crate::diagnosis::explain;
use crate::error::Error;
use crate::extent;
use crate::kind::Kind;
use crate::login;
use crate::login_defs::LoginDefs;
use crate::map;
use crate::policy::{Authorized, Claim, OwnTarget, Setgroups};
use crate::privilege::{Reserve, Start};
use crate::setgroups;
use crate::subid::Source;
use crate::subid::nss::leave_surroundings;
use crate::target::Target;
use crate::user_database::UserDatabase;

/// For somebody who tries it by hand; clients know, and do not read what comes with a success.
const SETGROUPS_DENIED: &str = "only the caller's own gid was mapped, and not through /etc/subgid, so setgroups(2) is denied \
    in the namespace";

/// Runs newuidmap or newgidmap: privilege is dropped before the first argument is looked at.
#[must_use]
pub fn run(kind: Kind) -> ExitCode {
    let (reserve, start) = match Reserve::keep(kind) {
        Ok(kept) => kept,
        Err(error) => return fail(&message(kind, &error)),
    };
    match cli::parse(kind, std::env::args_os().skip(1)) {
        Invocation::Map(request) => {
            let users = UserDatabase::default();
            let Err(error) = map(kind, reserve, start, &request, &users) else { return ExitCode::SUCCESS };
            // Whatever becomes of the examination, the message has been given.
            say(&message(kind, &error));
            match error {
                // Nothing more is done with what could not be given up.
                Error::PrivilegeKept(_) => ExitCode::FAILURE,
                // The reserve is gone.
                _ => fail(&explain(kind, start, &request, &error, &users)),
            }
        }
        Invocation::Check { as_json } => match reserve.give_up() {
            Ok(()) => check::run(start, as_json),
            Err(error) => fail(&message(kind, &error)),
        },
        Invocation::CheckNamespace => match reserve.give_up() {
            Ok(()) => check::namespace(),
            Err(error) => fail(&message(kind, &error)),
        },
        Invocation::Print(text) => {
            // Whoever closed stdout does not want to read it.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Invocation::Usage => fail(&message(kind, &Error::Usage)),
    }
}

/// The way of a request: what is decided with nothing effective is carried out with the reserve, or the reserve is given up.
fn map(
    kind: Kind,
    reserve: Reserve,
    start: Start,
    request: &Request,
    users: &UserDatabase,
) -> Result<(), Error> {
    let authorized = match authorize(kind, start, request, users) {
        Ok(authorized) => authorized,
        Err(error) => return reserve.give_up().and(Err(error)),
    };
    map::write(&authorized, reserve)?;
    if authorized.setgroups() == Setgroups::Deny && std::io::stderr().is_terminal() {
        say(&format!("{}: note: {SETGROUPS_DENIED}\n", kind.program()));
    }
    Ok(())
}

/// Decides. The order is shadow's order of checks.
fn authorize(kind: Kind, start: Start, request: &Request, users: &UserDatabase) -> Result<Authorized, Error> {
    leave_surroundings()?;
    let target = Target::open(&request.target)?;
    let caller = Caller::identify(start.uid, start.gid, login::name().as_deref(), users)?;
    let target = OwnTarget::check(target, &caller, || LoginDefs::read().grants_auxiliary_groups())?;
    let subids = Source::open(kind)?;
    let mut claim = Claim::new(kind, &caller, extent::parse(&request.ranges)?);
    if let Source::Unusable(unusable) = &subids {
        // The caller's own id is mapped all the same.
        if !claim.needs_delegation() {
            say(&format!("{}: {unusable}\n", kind.program()));
        }
    }
    subids.grant(kind, &mut claim, &caller, users)?;
    let authorized = claim.decide(target)?;
    if authorized.setgroups() == Setgroups::Deny {
        setgroups::deny(authorized.target())?;
    }
    Ok(authorized)
}

/// Shadow's message, and the usage line where it belongs.
fn message(kind: Kind, error: &Error) -> String {
    let text = error.to_string();
    let mut message = if text.is_empty() { text } else { format!("{}: {text}\n", kind.program()) };
    if error.shows_usage() {
        message.push_str(&cli::usage(kind));
    }
    message
}

fn fail(text: &str) -> ExitCode {
    say(text);
    ExitCode::FAILURE
}

/// In one write, so that the lines of programs that fail at the same time do not mix.
pub(crate) fn say(text: &str) {
    // Where stderr takes nothing there is nobody left to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
