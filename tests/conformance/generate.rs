//! Generates cases from a seed.
//!
//! Half of the cases are ordinary, and both programs accept most of them. Each other case is unusual in one respect, and the
//! generator knows how shadow reads it.

use fastrand::Rng;

use super::case::{Case, Descriptor, FileKind, PASSWD, Prior, Program, State};
use super::deviation::{by_name, by_uid};
use super::files::{self, Range};
use super::harness::{ALICE, BOB, IdType, Person, ROOT, UNKNOWN_USER};

/// A user whose ids are negative as an `int`.
const LARGE: Person = Person { uid: 4_000_000_000, gid: 4_000_000_000 };

/// The unusual parts of cases; a part that is listed several times is chosen more often.
const ODD: &str = "file;file;file;file;unreadable;missing;numbers;numbers;numbers;shape;word;descriptor;target;caller;\
    login.defs;login.defs;nsswitch;prior;passwd;getsubids";

/// A case, and the cases that shadow reads instead, each with the number of the deviation.
pub struct Made {
    pub case: Case,
    pub readings: Vec<(u8, Case)>,
}

/// True in one of `chances` cases.
pub fn rarely(rng: &mut Rng, chances: u32) -> bool {
    rng.u32(..chances) == 0
}

pub fn one<T: Copy>(rng: &mut Rng, list: &[T]) -> T {
    list[rng.usize(..list.len())]
}

/// One of the texts, which semicolons separate.
pub fn one_of<'a>(rng: &mut Rng, list: &'a str) -> &'a str {
    one(rng, &list.split(';').collect::<Vec<_>>())
}

pub fn case(seed: u64) -> Made {
    let rng = &mut Rng::with_seed(seed);
    let odd = if rng.bool() { one_of(rng, ODD) } else { "" };
    let is = |what| odd == what;

    let id_type = one(rng, &IdType::BOTH);
    let mut case = Case::plain(&seed.to_string(), id_type, "", "");
    let mut readings = Vec::new();
    case.passwd = if is("passwd") { one(rng, &files::PASSWDS) } else { PASSWD };
    case.caller = caller(rng, is("caller"));
    if is("login.defs") && rng.bool() {
        // This caller needs a login.defs with GRANT_AUX_GROUP_SUBIDS.
        case.caller = ALICE.with_gid(100);
    }
    case.target = case.caller;
    case.login_defs = files::login_defs(rng, is("login.defs"));
    let ((subid, read_as), mut ranges) = files::subid(rng, case.caller, is("file"));
    case.subid = Some(subid);
    let mut plugin_read_as = None;
    if is("nsswitch") {
        let (nsswitch, files) = files::nsswitch(rng);
        if nsswitch.contains("fresh") && rng.bool() {
            // The range that plugin.c delegates.
            ranges = vec![(if id_type == IdType::Uid { 500_000 } else { 600_000 }, 100)];
        }
        case.nsswitch = Some(nsswitch);
        plugin_read_as = files;
    }
    case.words = wanted(rng, &case, &ranges);
    readings.extend(
        plugin_read_as.map(|(deviation, files)| (deviation, Case { nsswitch: Some(files), ..case.clone() })),
    );
    readings.extend(read_as.map(|(deviation, text)| {
        let subid = Some(text).filter(|text| !text.is_empty());
        (deviation, Case { subid, ..case.clone() })
    }));
    match odd {
        "unreadable" => {
            readings.push((13, case.clone()));
            case.subid_is = FileKind::RootOnly;
        }
        "missing" => case.subid = None,
        "login.defs" if case.caller.uid == case.caller.gid && rng.bool() => {
            case.subid = None;
            readings.push((17, Case { login_defs: None, ..case.clone() }));
        }
        "numbers" => {
            let place = rng.usize(..case.words.len());
            let (number, read_as) = files::number(rng, false);
            case.words[place] = number;
            readings.extend(read_as.map(|(deviation, number)| {
                let mut read = case.clone();
                read.words[place] = number;
                (deviation, read)
            }));
        }
        "shape" => shape(rng, &mut case.words),
        "word" => {
            let (places, word) = (case.clone(), one_of(rng, WORDS));
            case.target_word = word.into();
            if ["--help", "--version"].contains(&word) {
                readings.push((9, Case { target_word: "x".into(), ..places }));
            }
        }
        "descriptor" => {
            case.target_word = "fd:FD".into();
            case.descriptor = match rng.u8(..10) {
                0..=2 => Descriptor::Directory,
                3..=5 => Descriptor::DirectoryPath,
                6 => Descriptor::Etc,
                7 => Descriptor::Null,
                8 => Descriptor::Closed,
                _ => Descriptor::Pidfd,
            };
            if case.descriptor == Descriptor::Pidfd {
                readings.push((25, Case { target_word: "x".into(), ..case.clone() }));
            } else if rarely(rng, 4) {
                case.state = State::Ended;
            } else if rarely(rng, 3) {
                case.target_word = one_of(rng, DESCRIPTOR_WORDS).into();
            }
        }
        "target" => target(rng, &mut case),
        "prior" => {
            case.prior = one(rng, &[Prior::SetgroupsDenied, Prior::SetgroupsDenied, Prior::MapWritten]);
        }
        "passwd" => {
            let read = case.name_of(case.caller.uid).map(|name| by_uid(&case, name));
            readings.extend(read.map(|read| (5, read)));
        }
        "getsubids" => readings = getsubids(rng, &mut case),
        _ => {}
    }
    Made { case, readings }
}

fn caller(rng: &mut Rng, is_odd: bool) -> Person {
    if is_odd {
        let odd =
            [UNKNOWN_USER, ALICE.with_gid(100), ALICE.with_gid(100), ALICE.with_gid(1001), BOB.with_gid(0)];
        return one(rng, &odd);
    }
    match rng.u8(..32) {
        0..=3 => BOB,
        4..=5 => ROOT,
        6..=7 => LARGE,
        _ => ALICE,
    }
}

const WORDS: &str = " PID;+PID;\tPID;\nPID;00PID;PID ;PIDx;PID.0;-PID;0xPID;PID\n; +PID;+ PID;; ;x;0;+0;-0;-1;-5;\
    2147483647;2147483648;-2147483648;4294967296;9223372036854775808;18446744073709551617;--help;\
    --version;--check;-h";

const DESCRIPTOR_WORDS: &str =
    "fd: FD;fd:+FD;fd:0FD;fd:FD ;fd:FDx;fd:-FD;fd:;fd:-1;fd:4294967296;FD:FD; fd:FD;fd:0xFD";

fn target(rng: &mut Rng, case: &mut Case) {
    match rng.u8(..4) {
        0 => case.state = State::Plain,
        1 => case.state = State::Ended,
        _ => case.target = one(rng, &[ALICE, BOB, ROOT, LARGE, ALICE.with_gid(100), BOB.with_gid(1000)]),
    }
}

/// Requested ranges, mostly of delegated ids, near the boundaries.
fn wanted(rng: &mut Rng, case: &Case, delegated: &[Range]) -> Vec<String> {
    let (mut words, mut ranges) = (Vec::new(), Vec::<Range>::new());
    let mut upper: u64 = if rarely(rng, 8) { rng.u64(..1 << 32) } else { 0 };
    for _ in 0..=rng.u8(..12) / 5 {
        let mut wanted = range(rng, case, delegated);
        // The kernel refuses ranges that overlap.
        for _ in 0..8 {
            if ranges.iter().all(|(lower, count)| wanted.0 >= lower + count || wanted.0 + wanted.1 <= *lower)
            {
                break;
            }
            wanted = if rarely(rng, 8) { wanted } else { range(rng, case, delegated) };
        }
        ranges.push(wanted);
        let (lower, count) = wanted;
        for value in [upper, lower, count] {
            words.push(number(rng, value));
        }
        upper += match rng.u8(..24) {
            0 => count.saturating_sub(1),
            1 => count + 1,
            _ => count,
        };
    }
    words
}

fn range(rng: &mut Rng, case: &Case, delegated: &[Range]) -> (u64, u64) {
    match rng.u8(..32) {
        0..=8 => (case.own_id().into(), if rarely(rng, 16) { 2 } else { 1 }),
        9..=29 if !delegated.is_empty() => {
            let (start, count) = one(rng, delegated);
            let skipped = if rng.bool() { 0 } else { rng.u64(..count.clamp(1, 50)) };
            let left = count.saturating_sub(skipped);
            let wanted = if rng.bool() { left } else { rng.u64(..=left).max(1) };
            match rng.u8(..16) {
                0 => (start + skipped, wanted + 1),
                1 => (start.saturating_sub(1), wanted),
                _ => (start + skipped, wanted),
            }
        }
        30 => (
            one(rng, &[0, 1, 1 << 31, (1 << 31) - 1, (1 << 32) - 2, (1 << 32) - 3, (1 << 32) - 1]),
            one(rng, &[1, 2, 3, 1 << 31]),
        ),
        _ => (rng.u64(99_990..100_040), rng.u64(1..30)),
    }
}

/// A number in one of its forms, most often decimal.
fn number(rng: &mut Rng, value: u64) -> String {
    match rng.u8(..24) {
        0 => format!("{value:#x}"),
        1 => format!("0{value:o}"),
        2 => format!("+{value}"),
        3 => format!(" {value}"),
        4 => format!("\t+0X{value:X}"),
        _ => value.to_string(),
    }
}

/// Arguments with a wrong count, or more ranges than the kernel accepts.
fn shape(rng: &mut Rng, words: &mut Vec<String>) {
    match rng.u8(..8) {
        0 => words.clear(),
        1..=3 => words.truncate(rng.usize(..words.len())),
        4 => words.push("0".into()),
        5 => words.extend(["7".into(), "x".into()]),
        6 => {
            // One range in many pieces: the kernel accepts at most 340.
            let pieces = one(rng, &[5, 339, 340, 341]);
            *words =
                (0..pieces).flat_map(|n| [n.to_string(), (100_000 + n).to_string(), "1".into()]).collect();
        }
        _ => words.reverse(),
    }
}

const USERS: &str = "alice;alice;alice;alice;1000;alicia;Alice.Smith;bob;1001;01000;ghost;root;0;;*;large";

fn getsubids(rng: &mut Rng, case: &mut Case) -> Vec<(u8, Case)> {
    let user = one_of(rng, USERS);
    case.program = Program::Getsubids;
    let words: &[&str] = match rng.u8(..32) {
        0 => &[],
        1 => &["-h"],
        2 => &["--help"],
        3 => &["--version"],
        4 => &["-g"],
        5 => &["-g", user, "x"],
        6 => &["-h", user],
        7 => &[user, "x"],
        8..=15 => &["-g", user],
        _ => &[user],
    };
    case.words = words.iter().map(|word| (*word).into()).collect();
    match words {
        ["--help" | "--version"] => vec![(9, Case { words: vec!["?".into()], ..case.clone() })],
        ["-g", listed] | [listed, ..] => {
            let is_uid = listed.parse::<u32>().is_ok();
            vec![(if is_uid { 45 } else { 5 }, by_uid(case, listed)), (29, by_name(case, listed))]
        }
        [] => Vec::new(),
    }
}
