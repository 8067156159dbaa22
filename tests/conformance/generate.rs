//! Cases made from a seed.
//!
//! About half of them are as a machine usually has them, and mostly accepted by both programs; the others are odd in one or two
//! respects, so that each oddity meets a case that would be accepted without it.

use fastrand::Rng;

use super::case::{Case, Descriptor, PASSWD, Prior, Program, State};
use super::files::{self, Delegated, NUMBERS};
use super::harness::{ALICE, BOB, Kind, NOBODY_KNOWN, Person, ROOT};
use super::settings;

/// Has ids that are negative to whoever takes them for an `int`.
const LARGE: Person = Person { uid: 4_000_000_000, gid: 4_000_000_000 };

/// In what respect a case is odd.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Odd {
    File,
    Numbers,
    Shape,
    Word,
    Descriptor,
    Target,
    Caller,
    LoginDefs,
    Nsswitch,
    Prior,
    Passwd,
    Getsubids,
}

const ODD: [Odd; 14] = [
    Odd::File,
    Odd::File,
    Odd::Numbers,
    Odd::Numbers,
    Odd::Shape,
    Odd::Word,
    Odd::Descriptor,
    Odd::Target,
    Odd::Caller,
    Odd::LoginDefs,
    Odd::Nsswitch,
    Odd::Prior,
    Odd::Passwd,
    Odd::Getsubids,
];

/// One in `chances`.
pub fn rarely(rng: &mut Rng, chances: u32) -> bool {
    rng.u32(..chances) == 0
}

pub fn one<T: Copy>(rng: &mut Rng, list: &[T]) -> T {
    list[rng.usize(..list.len())]
}

pub fn case(seed: u64) -> Case {
    let rng = &mut Rng::with_seed(seed);
    let oddities = one(rng, &[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2]);
    let odd: Vec<Odd> = (0..oddities).map(|_| one(rng, &ODD)).collect();
    let is = |what| odd.contains(&what);

    let kind = one(rng, &Kind::BOTH);
    let mut case = Case::plain(&seed.to_string(), kind, "", "");
    case.passwd = if is(Odd::Passwd) { one(rng, &settings::PASSWDS) } else { PASSWD };
    case.caller = caller(rng, is(Odd::Caller));
    case.target = case.caller;
    case.login_defs = settings::login_defs(rng, is(Odd::LoginDefs));
    case.nsswitch = settings::nsswitch(rng, is(Odd::Nsswitch));
    let (subid, mut delegated) = files::subid(rng, case.caller, is(Odd::File));
    case.subid = subid;
    case.subid_is_readable = !(is(Odd::File) && rarely(rng, 24));
    if case.nsswitch.as_ref().is_some_and(|text| text.contains("fresh") || text.contains("aged"))
        && rng.bool()
    {
        // What the plugin affirms; see plugin.c.
        delegated = vec![(if kind == Kind::Uid { 500_000 } else { 600_000 }, 100)];
    }
    case.words = ranges(rng, &case, &delegated, is(Odd::Numbers));
    if is(Odd::Shape) {
        shape(rng, &mut case.words);
    }
    if is(Odd::Word) {
        case.target_word = one(rng, &WORDS).into();
    }
    if is(Odd::Descriptor) {
        case.descriptor = descriptor(rng);
        case.target_word = if rarely(rng, 4) { one(rng, &DESCRIPTOR_WORDS) } else { "fd:FD" }.into();
    }
    if is(Odd::Target) {
        target(rng, &mut case);
    }
    if is(Odd::Prior) {
        case.prior = one(rng, &[Prior::SetgroupsDenied, Prior::SetgroupsDenied, Prior::MapWritten]);
    }
    if is(Odd::Getsubids) {
        getsubids(rng, &mut case);
    }
    case
}

fn caller(rng: &mut Rng, is_odd: bool) -> Person {
    if is_odd {
        let odd =
            [NOBODY_KNOWN, ALICE.with_gid(100), ALICE.with_gid(100), ALICE.with_gid(1001), BOB.with_gid(0)];
        return one(rng, &odd);
    }
    match rng.u8(..32) {
        0..=3 => BOB,
        4..=5 => ROOT,
        6..=7 => LARGE,
        _ => ALICE,
    }
}

const WORDS: [&str; 31] = [
    " PID",
    "+PID",
    "\tPID",
    "\nPID",
    "00PID",
    "PID ",
    "PIDx",
    "PID.0",
    "-PID",
    "0xPID",
    "PID\n",
    " +PID",
    "+ PID",
    "",
    " ",
    "x",
    "0",
    "+0",
    "-0",
    "-1",
    "-5",
    "2147483647",
    "2147483648",
    "-2147483648",
    "4294967296",
    "9223372036854775808",
    "18446744073709551617",
    "--help",
    "--version",
    "--check",
    "-h",
];

const DESCRIPTOR_WORDS: [&str; 12] = [
    "fd: FD",
    "fd:+FD",
    "fd:0FD",
    "fd:FD ",
    "fd:FDx",
    "fd:-FD",
    "fd:",
    "fd:-1",
    "fd:4294967296",
    "FD:FD",
    " fd:FD",
    "fd:0xFD",
];

fn descriptor(rng: &mut Rng) -> Descriptor {
    one(
        rng,
        &[
            Descriptor::Directory,
            Descriptor::Directory,
            Descriptor::Directory,
            Descriptor::DirectoryPath,
            Descriptor::DirectoryPath,
            Descriptor::Pidfd,
            Descriptor::Status,
            Descriptor::TaskDirectory,
            Descriptor::Proc,
            Descriptor::Etc,
            Descriptor::Passwd,
            Descriptor::Null,
            Descriptor::Closed,
        ],
    )
}

fn target(rng: &mut Rng, case: &mut Case) {
    match rng.u8(..4) {
        0 => case.state = State::Plain,
        1 => case.state = State::Ended,
        _ => case.target = one(rng, &[ALICE, BOB, ROOT, LARGE, ALICE.with_gid(100), BOB.with_gid(1000)]),
    }
}

/// The ranges wanted, mostly of what is delegated, around its boundaries.
fn ranges(rng: &mut Rng, case: &Case, delegated: &[Delegated], is_odd: bool) -> Vec<String> {
    let (mut words, mut ranges) = (Vec::new(), Vec::<Delegated>::new());
    let mut upper: u64 = if rarely(rng, 8) { rng.u64(..1 << 32) } else { 0 };
    for _ in 0..=rng.u8(..12) / 5 {
        let mut wanted = range(rng, case, delegated);
        // The kernel refuses what overlaps.
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
    if is_odd {
        for _ in 0..=rng.u8(..4) / 3 {
            let place = rng.usize(..words.len());
            one(rng, &NUMBERS).clone_into(&mut words[place]);
        }
    }
    words
}

fn range(rng: &mut Rng, case: &Case, delegated: &[Delegated]) -> (u64, u64) {
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

/// In any of its forms, most often decimal.
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

/// Too few words, too many, none, or more ranges than the kernel takes.
fn shape(rng: &mut Rng, words: &mut Vec<String>) {
    match rng.u8(..8) {
        0 => words.clear(),
        1..=3 => words.truncate(rng.usize(..words.len())),
        4 => words.push("0".into()),
        5 => words.extend(["7".into(), "x".into()]),
        6 => {
            // Of a single range, as many pieces as there are: 340 is the most that the kernel takes.
            let pieces = one(rng, &[5, 339, 340, 341]);
            *words =
                (0..pieces).flat_map(|n| [n.to_string(), (100_000 + n).to_string(), "1".into()]).collect();
        }
        _ => words.reverse(),
    }
}

const USERS: [&str; 16] = [
    "alice",
    "alice",
    "alice",
    "alice",
    "1000",
    "alicia",
    "Alice.Smith",
    "bob",
    "1001",
    "01000",
    "ghost",
    "root",
    "0",
    "",
    "*",
    "large",
];

fn getsubids(rng: &mut Rng, case: &mut Case) {
    let user = one(rng, &USERS);
    case.program = Program::Getsubids;
    let words: &[&str] = match rng.u8(..32) {
        0 => &[],
        1 => &["-h"],
        2 => &["--help"],
        3 => &["--version"],
        4 => &["-g"],
        5 => &["-g", user, "x"],
        6 => &[user, "x"],
        7 => &["-h", user],
        8..=15 => &["-g", user],
        _ => &[user],
    };
    case.words = words.iter().map(|word| (*word).into()).collect();
}
