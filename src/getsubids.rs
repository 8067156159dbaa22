//! getsubids(1): lists what is delegated to a user, for programs that want to know before they ask newuidmap.
//!
//! getsubids has no privilege and needs none. The list is of the lines that newuidmap would take for that user's: by name, by
//! uid, or by another name of the same uid. A name without an account, such as podman's `containers`, may have lines too.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use libc::uid_t;
use thiserror::Error;
use users::Users;

use crate::kind::Kind;
use crate::program::say;
use crate::shown::shown;
use crate::subid::{Delegated, ListError, Source};
use crate::user_database::UserDatabase;

const USAGE: &str = "Usage: getsubids [-g] user\n\
    \x20   list subuid ranges for user\n\
    \x20   pass -g to list subgid ranges\n";

const VERSION: &str = concat!("getsubids (uidmap-rs) ", env!("CARGO_PKG_VERSION"), "\n");

/// Why there is no list.
#[derive(Debug, Error)]
enum Failure {
    #[error("there is no user {}, and nothing is delegated under that name", shown(.0.as_bytes()))]
    UnknownUser(OsString),
    #[error(transparent)]
    Source(#[from] ListError),
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Invocation {
    List(Kind, OsString),
    Help,
    Version,
    Usage,
}

/// Runs getsubids.
#[must_use]
pub fn run() -> ExitCode {
    match invocation(std::env::args_os().skip(1).collect()) {
        Invocation::List(kind, user) => match listing(kind, &user) {
            Ok(text) => print(&text),
            Err(failure) => complain(&format!("Error fetching ranges\ngetsubids: {failure}\n")),
        },
        Invocation::Help => print(USAGE.as_bytes()),
        Invocation::Version => print(VERSION.as_bytes()),
        Invocation::Usage => complain(USAGE),
    }
}

/// As shadow sorts them: what follows the user is not looked at.
fn invocation(arguments: Vec<OsString>) -> Invocation {
    let mut arguments = arguments.into_iter();
    match (arguments.next(), arguments.next(), arguments.next()) {
        (None, ..) => Invocation::Usage,
        (Some(option), None, _) if option == "-h" => Invocation::Usage,
        (Some(option), None, _) if option == "--help" => Invocation::Help,
        (Some(option), None, _) if option == "--version" => Invocation::Version,
        (Some(option), Some(user), None) if option == "-g" => Invocation::List(Kind::Gid, user),
        (Some(user), ..) => Invocation::List(Kind::Uid, user),
    }
}

/// A line per range; none where nothing is delegated to a user.
fn listing(kind: Kind, user: &OsString) -> Result<Vec<u8>, Failure> {
    let users = UserDatabase::default();
    let entry = users.get_user_by_name(user).or_else(|| users.get_user_by_uid(uid(user)?));
    let name = entry.as_ref().map_or(user.as_os_str(), |entry| entry.name());
    let source = Source::open(kind).map_err(ListError::from)?;
    let ranges = source.list(kind, name.as_bytes(), entry.as_ref().map(|entry| entry.uid()), &users)?;
    if ranges.is_empty() && entry.is_none() {
        return Err(Failure::UnknownUser(user.clone()));
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
    say(text);
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::{Invocation, Kind, invocation};

    #[test]
    fn the_command_line_is_a_user_after_an_optional_g() {
        let list = |kind, user: &str| Invocation::List(kind, user.into());
        for (words, expected) in [
            (&[][..], Invocation::Usage),
            (&["-h"], Invocation::Usage),
            (&["--help"], Invocation::Help),
            (&["--version"], Invocation::Version),
            (&["alice"], list(Kind::Uid, "alice")),
            (&["1000"], list(Kind::Uid, "1000")),
            (&["-g", "alice"], list(Kind::Gid, "alice")),
            (&["-g"], list(Kind::Uid, "-g")),
            (&["-g", "alice", "bob"], list(Kind::Uid, "-g")),
            (&["alice", "bob"], list(Kind::Uid, "alice")),
            (&["-h", "alice"], list(Kind::Uid, "-h")),
        ] {
            assert_eq!(invocation(words.iter().map(Into::into).collect()), expected, "{words:?}");
        }
    }
}
