//! The command line of newuidmap and newgidmap, as words: `--help`, `--version`, or a target and ranges.
//!
//! Words become numbers later, since shadow checks the target first.

use std::ffi::OsString;

use crate::id_type::IdType;

/// A map that is asked for, in the caller's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// A PID or `fd:N`.
    pub(crate) target: OsString,
    /// Three words for each range.
    pub(crate) ranges: Vec<OsString>,
}

/// The meaning of a command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Map(Request),
    Help,
    Version,
    /// There are no arguments.
    Usage,
}

/// Sorts the arguments after the program's name. Only the first argument can be an option.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Command {
    let mut arguments = arguments.into_iter();
    let Some(first) = arguments.next() else { return Command::Usage };
    if first == "--help" {
        Command::Help
    } else if first == "--version" {
        Command::Version
    } else {
        Command::Map(Request { target: first, ranges: arguments.collect() })
    }
}

/// The usage line, as shadow has it: that of newgidmap lacks a bracket.
pub(crate) fn usage(id_type: IdType) -> String {
    match id_type {
        IdType::Uid => synopsis(id_type, "<pid>"),
        IdType::Gid => synopsis(id_type, "<pid"),
    }
}

fn synopsis(id_type: IdType, pid: &str) -> String {
    let (program, id) = (id_type.program(), id_type.word());
    format!(
        "usage: {program} [{pid}|fd:<pidfd>] <{id}> <lower{id}> <count> [ <{id}> <lower{id}> <count> ] ... \n"
    )
}

pub(crate) fn help(id_type: IdType) -> String {
    let (usage, id, file) = (synopsis(id_type, "<pid>"), id_type.word(), id_type.subid_file());
    format!(
        "Writes the {id} map of a process's user namespace, within the caller's own {id} and the ranges that {file} delegates to \
         the caller.\n\n{usage}\n  --help     Print this text and exit\n  --version  Print the version and exit\n"
    )
}

pub(crate) fn version(id_type: IdType) -> String {
    format!("{} (uidmap-rs) {}\n", id_type.program(), env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::{Command, Request, parse, usage};
    use crate::id_type::IdType;

    fn parsed(arguments: &[&str]) -> Command {
        parse(arguments.iter().map(Into::into))
    }

    #[test]
    fn the_first_word_is_the_target_and_the_others_are_ranges() {
        for words in [
            vec!["12", "0", "1000", "1"],
            vec!["fd:3"],
            vec!["-1", "0", "-5", "--help"],
            vec!["-h"],
            vec!["-V", "--version"],
            vec!["--hel"],
            vec!["--help=x"],
            vec!["--", "12"],
            vec!["12", "--", "--help"],
            vec!["", ""],
        ] {
            let (target, ranges) = (words[0].into(), words[1..].iter().map(Into::into).collect());
            assert_eq!(parsed(&words), Command::Map(Request { target, ranges }), "{words:?}");
        }
    }

    #[test]
    fn an_option_is_an_option_in_the_first_place() {
        assert_eq!(parsed(&["--help"]), Command::Help);
        assert_eq!(parsed(&["--help", "12"]), Command::Help);
        assert_eq!(parsed(&["--version"]), Command::Version);
        assert_eq!(parsed(&[]), Command::Usage);
    }

    #[test]
    fn the_usage_line_is_that_of_shadow() {
        for (id_type, line) in [
            (
                IdType::Uid,
                "usage: newuidmap [<pid>|fd:<pidfd>] <uid> <loweruid> <count> [ <uid> <loweruid> <count> ] ... \n",
            ),
            (
                IdType::Gid,
                "usage: newgidmap [<pid|fd:<pidfd>] <gid> <lowergid> <count> [ <gid> <lowergid> <count> ] ... \n",
            ),
        ] {
            assert_eq!(usage(id_type), line);
        }
    }
}
