//! The witnesses: cases that show each deviation, with the full results of our program and of each suite.
//!
//! The file `witnesses` has a line `# N: …` before the witnesses of deviation N. A case is a line with the unusual settings, each in
//! braces, and the command line. The indented lines below are the results. A suite without a line has the result of our
//! program; an asterisk after a suite means that its result shows another deviation.

use std::fs;

use super::bench::{Bench, Suite};
use super::case::{Case, Descriptor, FileKind, Prior, Program, State};
use super::harness::{IdType, Person};
use super::table::path;

pub struct Witness {
    pub deviation: u8,
    case: Case,
    ours: String,
    /// True if the result shows another deviation.
    theirs: Vec<(Suite, bool, String)>,
}

impl Witness {
    pub fn all() -> Vec<Self> {
        let text = fs::read_to_string(path("tests/conformance/witnesses")).unwrap();
        let (mut deviation, mut witnesses) = (0, Vec::<Self>::new());
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("# ") {
                deviation = heading.split(':').next().unwrap().parse().unwrap();
            } else if let Some(shown) = line.strip_prefix("    ") {
                let witness = witnesses.last_mut().unwrap();
                let (programs, result) = shown.split_once(": ").unwrap();
                for program in programs.split(", ") {
                    let (name, is_another) =
                        program.strip_suffix('*').map_or((program, false), |name| (name, true));
                    match Suite::ALL.iter().find(|suite| suite.short() == name) {
                        Some(suite) => witness.theirs.push((*suite, is_another, result.into())),
                        None => witness.ours = result.into(),
                    }
                }
            } else {
                witnesses.push(Self { deviation, case: case(line), ours: String::new(), theirs: Vec::new() });
            }
        }
        witnesses
    }

    pub fn shows_on(&self, suite: Suite) -> bool {
        self.theirs.iter().any(|(shown, is_another, _)| *shown == suite && !is_another)
    }

    /// Runs both programs; prints the results and returns true if one is not as expected.
    pub fn is_broken(&self, bench: &Bench) -> bool {
        let theirs = self.theirs.iter().find(|(suite, ..)| *suite == bench.suite);
        let expected = [&self.ours, theirs.map_or(&self.ours, |(.., result)| result)];
        let seen = [bench.ours(&self.case), bench.theirs(&self.case)].map(|seen| escaped(&seen.to_string()));
        let is_broken = seen.each_ref() != expected;
        if is_broken {
            println!("BROKEN witness of {}: {}", self.deviation, self.case.label);
            println!("    ours: {}\n    {}: {}", seen[0], bench.suite.short(), seen[1]);
        }
        is_broken
    }
}

/// Parses a line `{NAME TEXT}…PROGRAM WORD…`.
fn case(line: &str) -> Case {
    let (settings, command_line) = line.rsplit_once("} ").unwrap_or(("", line));
    let mut words = command_line.split(' ').map(unescaped);
    let program = words.next().unwrap();
    let id_type = if program == "newgidmap" { IdType::Gid } else { IdType::Uid };
    let mut case = Case::plain(line, id_type, "alice:100000:65536\n", "");
    if program == "getsubids" {
        case.program = Program::Getsubids;
    } else {
        case.target_word = words.next().unwrap();
    }
    case.words = words.collect();
    for setting in settings.split("} ").filter_map(|setting| setting.strip_prefix('{')) {
        let (name, text) = setting.split_once(' ').unwrap_or((setting, ""));
        let text = unescaped(text);
        match name {
            "subid" => case.subid = Some(text),
            "no-subid" => case.subid = None,
            "subid-is" => case.subid_is = file_kind(&text),
            "login.defs" => case.login_defs = Some(text),
            "nsswitch" => case.nsswitch = Some(text),
            "passwd" => case.passwd = Box::leak((case.passwd.to_owned() + &text).into_boxed_str()),
            "as" => (case.caller, case.target) = (person(&text), person(&text)),
            "target" => case.target = person(&text),
            "plain" => case.state = State::Plain,
            "map-written" => case.prior = Prior::MapWritten,
            "fd" => case.descriptor = descriptor(&text),
            _ => panic!("{line}: {name}"),
        }
    }
    case
}

fn file_kind(name: &str) -> FileKind {
    let known = [FileKind::RootOnly, FileKind::Directory, FileKind::Loop];
    known.into_iter().find(|one| format!("{one:?}") == name).unwrap()
}

/// Parses `UID:GID`.
fn person(text: &str) -> Person {
    let (uid, gid) = text.split_once(':').unwrap();
    Person { uid: uid.parse().unwrap(), gid: gid.parse().unwrap() }
}

fn descriptor(name: &str) -> Descriptor {
    let known = [
        Descriptor::Directory,
        Descriptor::DirectoryPath,
        Descriptor::Pidfd,
        Descriptor::Status,
        Descriptor::TaskDirectory,
        Descriptor::Proc,
    ];
    known.into_iter().find(|one| format!("{one:?}") == name).unwrap()
}

fn unescaped(text: &str) -> String {
    let escapes = [("\\n", "\n"), ("\\r", "\r"), ("\\0", "\0"), ("\\t", "\t"), ("\\_", " ")];
    let long = text.replace("X*1022", &"x".repeat(1022)).replace("X*51", &"x".repeat(51));
    escapes.iter().fold(long, |text, (escape, byte)| text.replace(escape, byte))
}

fn escaped(text: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    text.replace(&"x".repeat(51), "X*51")
        .replace(&format!("(uidmap-rs) {version}"), "VERSION")
        .replace('\r', "<CR>")
}
