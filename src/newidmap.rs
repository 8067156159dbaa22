//! newuidmap and newgidmap: the way of a request from the arguments to the kernel, and the messages.

use std::ffi::{OsStr, c_int};
use std::io::{IsTerminal, Write, stderr, stdout};

use crate::caller::Caller;
use crate::cli::{self, Command, Request};
use crate::error::Error;
use crate::explain::{explain, explain_drop};
use crate::id_type::IdType;
use crate::login_defs::LoginDefs;
use crate::map_range::{self, MapRange, RangeError};
use crate::mapping::policy::{AuthorizedMap, Claim, OwnTarget, Setgroups};
use crate::mapping::target::{Target, TargetError};
use crate::mapping::write;
use crate::passwd::{Passwd, SystemPasswd};
use crate::privileges::{InitialCredentials, PermittedCaps, PrivilegeError, drop_privileges};
use crate::subid::Source;
use crate::sys::process::{self, login_name};

const SUCCESS: c_int = 0;
const FAILURE: c_int = 1;

/// The time for the explanation of a failure. It may ask a user database behind a network.
const EXPLANATION_SECONDS: u32 = 3;

/// For a person at a terminal: clients do not show the output of a program that succeeds.
const SETGROUPS_DENIED: &str = "only the caller's own gid was mapped, and not through /etc/subgid, so setgroups(2) is denied \
    in the namespace";

/// Runs newuidmap or newgidmap and returns the exit status: 0, or 1 with a message on stderr.
///
/// Rust's runtime does not run, so this function ignores SIGPIPE and opens descriptors 0 to 2 itself.
#[must_use]
pub fn newidmap(id_type: IdType) -> c_int {
    let dropped = drop_privileges(id_type);
    process::ignore_sigpipe();
    let opened = process::open_standard_descriptors();
    let (caps, credentials) = match dropped {
        Ok(dropped) => dropped,
        Err(error) => return fail(id_type, &error.into()),
    };
    let answer = match opened.map(|()| cli::parse(std::env::args_os().skip(1))) {
        Ok(Command::Map(request)) => return run(id_type, caps, credentials, &request),
        Ok(Command::Help) => Ok(cli::help(id_type)),
        Ok(Command::Version) => Ok(cli::version(id_type)),
        Ok(Command::Usage) => Err(Error::Usage),
        Err(errno) => Err(Error::StandardDescriptors(errno.into())),
    };
    // There is no map to write, so the capabilities are given up before any text is printed.
    match caps.give_up().map_err(Error::from).and(answer) {
        Ok(text) => print(&text),
        Err(error) => fail(id_type, &error),
    }
}

fn run(id_type: IdType, caps: PermittedCaps, credentials: InitialCredentials, request: &Request) -> c_int {
    let passwd = SystemPasswd::default();
    let Err(error) = map(id_type, caps, credentials, request, &passwd) else { return SUCCESS };
    let message = message(id_type, &error);
    // The explanation reads files, which a process that still has capabilities must not do.
    if matches!(error, Error::Privilege(PrivilegeError::Kept)) {
        say(&message);
        return FAILURE;
    }
    // liblxc reads the output once, so all lines are one write.
    process::keep_message(message.clone(), EXPLANATION_SECONDS);
    let explanation = explain(id_type, credentials, request, &error, &passwd);
    process::release_message();
    say(&(message + &explanation));
    FAILURE
}

/// Decides the request without privilege, and writes the map with privilege. Every path gives up all capabilities.
fn map(
    id_type: IdType,
    caps: PermittedCaps,
    credentials: InitialCredentials,
    request: &Request,
    passwd: &impl Passwd,
) -> Result<(), Error> {
    let ranges = map_range::parse(&request.ranges);
    // CAP_SETFCAP is given up before a plugin or an NSS module runs.
    let maps_root = ranges.as_ref().is_ok_and(|ranges| ranges.iter().any(|range| range.lower() == 0));
    let caps = if maps_root { caps } else { caps.without_setfcap()? };
    let authorized =
        scrub_environment().and_then(|()| authorize(id_type, credentials, &request.target, ranges, passwd));
    let prepared = authorized.and_then(|map| {
        write::prepare_setgroups(&map)?;
        Ok(map)
    });
    let map = match prepared {
        Ok(map) => map,
        Err(error) => {
            caps.give_up()?;
            return Err(error);
        }
    };
    write::write_map(&map, caps)?;
    if map.setgroups() == Setgroups::Deny && stderr().is_terminal() {
        say(&format!("{}: note: {SETGROUPS_DENIED}\n", id_type.program()));
    }
    Ok(())
}

/// Decides the request, in shadow's order of checks: malformed ranges are reported after the target and the source.
pub(crate) fn authorize(
    id_type: IdType,
    credentials: InitialCredentials,
    target: &OsStr,
    ranges: Result<Vec<MapRange>, RangeError>,
    passwd: &impl Passwd,
) -> Result<AuthorizedMap, Error> {
    let target = Target::open(target)?;
    let caller = Caller::identify(credentials.uid, credentials.gid, login_name().as_deref(), passwd)?;
    let target = OwnTarget::check(target, &caller, || LoginDefs::read().grants_auxiliary_groups())?;
    let source = Source::open(id_type)?;
    let mut claim = Claim::new(id_type, &caller, ranges?);
    if let Source::Unusable(plugin) = &source {
        if !claim.needs_delegation() {
            say(&format!("{}: {plugin}\n", id_type.program()));
        }
    }
    source.grant(id_type, &mut claim, &caller, passwd)?;
    Ok(claim.decide(target)?)
}

/// Leaves the caller's environment and working directory. Libraries under NSS modules and plugins take servers, files and options
/// from both (libpq's `PGPORT`, libldap's `LDAPURI` and `ldaprc`). libldap ignores the environment of a process whose effective
/// uid is not the real one, but here they are the same. A plugin's name with a slash is a path relative to the working directory.
fn scrub_environment() -> Result<(), Error> {
    process::clear_environment();
    std::env::set_current_dir("/").map_err(|error| Error::WorkingDirectory(error.into()))
}

/// Shadow's message, and the usage line if it belongs to the error.
fn message(id_type: IdType, error: &Error) -> String {
    let text = error.to_string();
    let mut message = match error {
        _ if text.is_empty() => text,
        // Shadow gives this message without the program's name.
        Error::Target(TargetError::NotFound { .. }) => format!("{text}\n"),
        _ => format!("{}: {text}\n", id_type.program()),
    };
    if error.shows_usage() {
        message.push_str(&cli::usage(id_type));
    }
    message
}

fn fail(id_type: IdType, error: &Error) -> c_int {
    say(&(message(id_type, error) + &explain_drop(id_type, error)));
    FAILURE
}

/// Prints to stdout. A failure is ignored: the reader has closed the pipe.
fn print(text: &str) -> c_int {
    let mut stdout = stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    SUCCESS
}

/// Prints to stderr, in one write, so that the lines of programs that fail at the same time do not mix. A failure to write is
/// ignored: the exit status reports the result.
fn say(text: &str) {
    let _ = stderr().write_all(text.as_bytes());
}
