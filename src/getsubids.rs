//! getsubids(1): lists the delegated ranges of a user. Clients ask for them before they call newuidmap.
//!
//! getsubids has no privilege and needs none. For a name, the list is of the lines that newuidmap takes for that user's: by name, by
//! uid, or by another name of the same uid. A name without an account, such as podman's `containers`, may have lines, too.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use libc::uid_t;
use thiserror::Error;

use crate::escape::escape;
use crate::id_type::IdType;
use crate::passwd::{Passwd, SystemPasswd};
use crate::subid::Source;
use crate::subid::list::{Delegated, ListError, list};

const USAGE: &str = "Usage: getsubids [-g] user\n\
    \x20   list subuid ranges for user\n\
    \x20   pass -g to list subgid ranges\n";

const OPTIONS: [&str; 4] = ["-g", "-h", "--help", "--version"];

const VERSION: &str = concat!("getsubids (uidmap-rs) ", env!("CARGO_PKG_VERSION"), "\n");

/// Why there is no list.
#[derive(Debug, Error)]
enum Failure {
    #[error("there is no user {}, and nothing is delegated under that name", escape(.0.as_bytes()))]
    UnknownUser(OsString),
    #[error("{} is not an option of getsubids; getsubids --help names all options", escape(.0.as_bytes()))]
    UnknownOption(OsString),
    #[error(transparent)]
    Source(#[from] ListError),
}

/// The meaning of a command line.
#[derive(Debug, PartialEq, Eq)]
enum Invocation {
    List(IdType, OsString),
    Help,
    Version,
    Usage,
}

/// Runs getsubids and returns the exit status: 0, or 1 with a message on stderr.
#[must_use]
pub fn getsubids() -> ExitCode {
    match invocation(std::env::args_os().skip(1).collect()) {
        Invocation::List(id_type, user) => match listing(id_type, &user) {
            Ok(text) => print(&text),
            Err(failure) => complain(&format!("Error fetching ranges\ngetsubids: {failure}\n")),
        },
        Invocation::Help => print(USAGE.as_bytes()),
        Invocation::Version => print(VERSION.as_bytes()),
        Invocation::Usage => complain(USAGE),
    }
}

/// Sorts the arguments as shadow does: words after the user are ignored.
fn invocation(arguments: Vec<OsString>) -> Invocation {
    let mut arguments = arguments.into_iter();
    match (arguments.next(), arguments.next(), arguments.next()) {
        (None, ..) => Invocation::Usage,
        (Some(option), None, _) if option == "-h" => Invocation::Usage,
        (Some(option), None, _) if option == "--help" => Invocation::Help,
        (Some(option), None, _) if option == "--version" => Invocation::Version,
        (Some(option), Some(user), None) if option == "-g" => Invocation::List(IdType::Gid, user),
        (Some(user), ..) => Invocation::List(IdType::Uid, user),
    }
}

/// A line per delegated range; empty for a user without a delegation.
fn listing(id_type: IdType, user: &OsString) -> Result<Vec<u8>, Failure> {
    let passwd = SystemPasswd::default();
    let account = passwd.by_name(user.as_bytes()).map(|account| account.uid);
    let source = Source::open(id_type).map_err(ListError::from)?;
    let ranges = list(source, id_type, user.as_bytes(), account, &passwd)?;
    // A uid is a user, too. Its lines under names are not listed: rootlesskit 1.1.0 (Debian 12) asks for the name and for the uid,
    // and maps the ranges of both answers.
    let is_known = account.is_some() || uid(user).is_some_and(|uid| passwd.by_uid(uid).is_some());
    if ranges.is_empty() && !is_known {
        let is_option = user.as_bytes().starts_with(b"-") && !OPTIONS.iter().any(|option| user == option);
        return Err(if is_option { Failure::UnknownOption } else { Failure::UnknownUser }(user.clone()));
    }
    let mut text = Vec::new();
    for (index, Delegated { start, count }) in ranges.iter().enumerate() {
        text.extend_from_slice(format!("{index}: ").as_bytes());
        text.extend_from_slice(user.as_bytes());
        text.extend_from_slice(format!(" {start} {count}\n").as_bytes());
    }
    Ok(text)
}

/// A user given by uid, in decimal without leading zeros.
fn uid(user: &OsString) -> Option<uid_t> {
    let text = user.to_str()?;
    text.parse().ok().filter(|uid: &uid_t| uid.to_string() == text)
}

fn print(text: &[u8]) -> ExitCode {
    std::io::stdout().write_all(text).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

fn complain(text: &str) -> ExitCode {
    // The exit status is FAILURE with or without the text.
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::{IdType, Invocation, invocation};

    #[test]
    fn the_command_line_is_a_user_after_an_optional_g() {
        let list = |id_type, user: &str| Invocation::List(id_type, user.into());
        for (words, expected) in [
            (&[][..], Invocation::Usage),
            (&["-h"], Invocation::Usage),
            (&["--help"], Invocation::Help),
            (&["--version"], Invocation::Version),
            (&["alice"], list(IdType::Uid, "alice")),
            (&["1000"], list(IdType::Uid, "1000")),
            (&["-g", "alice"], list(IdType::Gid, "alice")),
            (&["-g"], list(IdType::Uid, "-g")),
            (&["-g", "alice", "bob"], list(IdType::Uid, "-g")),
            (&["alice", "bob"], list(IdType::Uid, "alice")),
            (&["-h", "alice"], list(IdType::Uid, "-h")),
        ] {
            assert_eq!(invocation(words.iter().map(Into::into).collect()), expected, "{words:?}");
        }
    }
}
