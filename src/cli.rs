//! The command line, as words: options, the target, and whatever follows.
//!
//! Options are options only in the first place: the rest belongs to the target and its ranges, which are looked at later, in shadow's order of checks.

use std::ffi::OsString;
use std::iter::once;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, value_parser};

use crate::kind::Kind;

/// The option with which a check starts the program once more; see `check::namespace`.
pub const CHECK_NAMESPACE: &str = "check-namespace";

const ABOUT: &str = "Writes the id map of a process's user namespace, \
    within the caller's own id and the ranges that FILE delegates to the caller.";

/// A map that is asked for, in the caller's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// A PID or `fd:N`.
    pub target: OsString,
    /// Three words per range, if the caller made no mistake.
    pub ranges: Vec<OsString>,
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    /// Map.
    Map(Request),
    /// Say whether rootless containers will work here.
    Check {
        /// For programs.
        as_json: bool,
    },
    /// Be the process in a new namespace that a check tries on.
    CheckNamespace,
    /// Print this to stdout, and that is all.
    Print(String),
    /// Nothing that makes sense.
    Usage,
}

/// Sorts the arguments, the program's name not among them.
pub fn parse(kind: Kind, arguments: impl IntoIterator<Item = OsString>) -> Invocation {
    let mut arguments = arguments.into_iter();
    let Some(first) = arguments.next() else { return Invocation::Usage };
    // The usual case needs no parser of options, which takes longer than all the rest that we do.
    if !first.as_encoded_bytes().starts_with(b"-") {
        return Invocation::Map(Request { target: first, ranges: arguments.collect() });
    }
    options(kind, first, arguments)
}

/// What begins with an option. Cold, so that a map does not have this in its memory.
#[cold]
fn options(kind: Kind, first: OsString, rest: impl Iterator<Item = OsString>) -> Invocation {
    // clap would take `--` for the end of the options and pass over it; here it is a target that is not one.
    if first == "--" {
        return Invocation::Usage;
    }
    let mut words = match command(kind).try_get_matches_from(once(first).chain(rest)) {
        Ok(matches) if matches.get_flag(CHECK_NAMESPACE) => return Invocation::CheckNamespace,
        Ok(matches) if matches.get_flag("check") => {
            return Invocation::Check { as_json: matches.get_flag("json") };
        }
        // clap does not ask for --check where a word follows that is in conflict with it.
        Ok(matches) if matches.get_flag("json") => return Invocation::Usage,
        Ok(mut matches) => matches.remove_many::<OsString>("words").into_iter().flatten(),
        Err(message) => {
            return match message.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Invocation::Print(message.to_string()),
                _ => Invocation::Usage,
            };
        }
    };
    match words.next() {
        Some(target) => Invocation::Map(Request { target, ranges: words.collect() }),
        None => Invocation::Usage,
    }
}

/// The usage line, with its end of line.
#[must_use]
pub fn usage(kind: Kind) -> String {
    format!("usage: {}\n", synopsis(kind))
}

fn synopsis(kind: Kind) -> String {
    let (program, id) = (kind.program(), kind.word());
    format!("{program} [<pid>|fd:<pidfd>] <{id}> <lower{id}> <count> [ <{id}> <lower{id}> <count> ] ... ")
}

fn command(kind: Kind) -> Command {
    Command::new(kind.program())
        .no_binary_name(true)
        .version(concat!("(uidmap-rs) ", env!("CARGO_PKG_VERSION")))
        .about(ABOUT.replace("FILE", kind.subid_file()))
        .override_usage(synopsis(kind))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new("help").long("help").action(ArgAction::Help).help("Print this and exit"))
        .arg(
            Arg::new("version").long("version").action(ArgAction::Version).help("Print the version and exit"),
        )
        .arg(flag("check").help("Say whether rootless containers will work here, and exit with 0 if so"))
        .arg(flag("json").requires("check").help("With --check: as JSON"))
        .arg(flag(CHECK_NAMESPACE).exclusive(true).hide(true))
        .arg(
            Arg::new("words")
                .conflicts_with("check")
                .num_args(1..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .hide(true)
                .value_parser(value_parser!(OsString)),
        )
}

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

#[cfg(test)]
mod tests {
    use super::{Invocation, Request, parse, usage};
    use crate::kind::Kind;

    fn parsed(arguments: &[&str]) -> Invocation {
        parse(Kind::Uid, arguments.iter().map(Into::into))
    }

    #[test]
    fn the_first_word_is_the_target_and_the_rest_is_left_as_it_is() {
        for words in [
            vec!["12", "0", "1000", "1"],
            vec!["fd:3"],
            vec!["-1", "0", "-5", "--help"],
            vec!["-h"],
            vec!["-V", "--version"],
            vec!["--hel"],
            vec!["--gid", "--", "-"],
            vec!["12", "--", "--help"],
            vec!["", ""],
        ] {
            let (target, ranges) = (words[0].into(), words[1..].iter().map(Into::into).collect());
            let expected = Invocation::Map(Request { target, ranges });
            assert_eq!(parsed(&words), expected, "{words:?}");
        }
    }

    #[test]
    fn nothing_and_a_mere_separator_are_no_invocation() {
        for words in [
            &[][..],
            &["--"],
            &["--", "12", "0", "1000", "1"],
            &["--help=x"],
            &["--version=x"],
            &["--json"],
            &["--json", "12", "0", "1000", "1"],
            &["--check", "12"],
            &["--check-namespace", "12"],
        ] {
            assert_eq!(parsed(words), Invocation::Usage, "{words:?}");
        }
    }

    #[test]
    fn a_check_and_its_namespace_are_options() {
        assert_eq!(parsed(&["--check"]), Invocation::Check { as_json: false });
        assert_eq!(parsed(&["--check", "--json"]), Invocation::Check { as_json: true });
        assert_eq!(parsed(&["--check-namespace"]), Invocation::CheckNamespace);
    }

    #[test]
    fn the_usage_line_is_shadows() {
        for (kind, line) in [
            (
                Kind::Uid,
                "usage: newuidmap [<pid>|fd:<pidfd>] <uid> <loweruid> <count> [ <uid> <loweruid> <count> ] ... \n",
            ),
            (
                Kind::Gid,
                "usage: newgidmap [<pid>|fd:<pidfd>] <gid> <lowergid> <count> [ <gid> <lowergid> <count> ] ... \n",
            ),
        ] {
            assert_eq!(usage(kind), line);
        }
    }

    #[test]
    fn help_and_version_are_printed() {
        let Invocation::Print(help) = parsed(&["--help"]) else { panic!() };
        assert!(help.contains(usage(Kind::Uid).trim_start_matches("usage: ").trim()), "{help}");
        assert!(help.contains("/etc/subuid"), "{help}");
        let Invocation::Print(version) = parsed(&["--version", "12"]) else { panic!() };
        assert_eq!(version, concat!("newuidmap (uidmap-rs) ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}
