//! getsubids(1): lists what is delegated to a user, for programs that want to know before they ask newuidmap.
//!
//! It has no privilege and needs none. What it lists is what newuidmap would take for that user's by name or by uid;
//! lines under other names of the same uid are left out, as shadow leaves them out: for them the user database would have
//! to be asked about every line.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use users::Users;

use crate::kind::Kind;
use crate::program::{plugin, say};
use crate::subid::{Delegated, Source};
use crate::user_database::UserDatabase;

const USAGE: &str = "Usage: getsubids [-g] user\n\
    \x20   list subuid ranges for user\n\
    \x20   pass -g to list subgid ranges\n";

const VERSION: &str = concat!("getsubids (uidmap-rs) ", env!("CARGO_PKG_VERSION"), "\n");

const FAILED: &str = "Error fetching ranges\n";

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
            Some(text) => print(&text),
            None => complain(FAILED),
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

/// A line per range; `None` where no list can be had. Nothing is a list from a plugin alone, as in shadow.
fn listing(kind: Kind, user: &OsString) -> Option<Vec<u8>> {
    let uid = UserDatabase::default().get_user_by_name(user).map(|entry| entry.uid());
    let plugin = plugin().map_err(|error| say(&format!("{error}\n"))).ok()?;
    let source = Source::open(kind, plugin).ok()?;
    let is_plugin = matches!(source, Source::Plugin(_));
    let ranges = source.list(kind, user.as_bytes(), uid).ok()?;
    if ranges.is_empty() && !is_plugin {
        return None;
    }
    let mut text = Vec::new();
    for (index, Delegated { start, count }) in ranges.iter().enumerate() {
        text.extend_from_slice(format!("{index}: ").as_bytes());
        text.extend_from_slice(user.as_bytes());
        text.extend_from_slice(format!(" {start} {count}\n").as_bytes());
    }
    Some(text)
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
