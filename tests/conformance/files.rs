//! The subid files of generated cases.

use fastrand::Rng;

use super::generate::{one, rarely};
use super::harness::Person;

/// A start and a count that the caller may count on.
pub type Delegated = (u64, u64);

/// Numbers that are read in several ways, or are none, or are around a limit.
pub const NUMBERS: [&str; 60] = [
    "",
    " ",
    "x",
    "-",
    "+",
    "0",
    "-0",
    "+0",
    "00",
    "-1",
    "- 1",
    "--1",
    "+-1",
    "++1",
    "+ 1",
    "1 ",
    "1\t",
    "\u{b}1",
    "\u{c}1",
    "\r1",
    "\n1",
    "1\n",
    "1k",
    "1e3",
    "1.0",
    "1_000",
    "1,0",
    "0x",
    "0X",
    "0xg",
    "0x+1",
    "x10",
    "0X10",
    "-0x1",
    "+0x10",
    "08",
    "018",
    "09",
    "0b1",
    "0B11",
    "0b",
    "0b2",
    "+0b10",
    "0o7",
    "2147483647",
    "2147483648",
    "4294967293",
    "4294967294",
    "4294967295",
    "4294967296",
    "0xfffffffe",
    "0xffffffff",
    "037777777776",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-18446744073709551615",
    "-4294967296",
    "99999999999999999999999",
];

/// A subid file, and what it delegates to the caller. `None`: no file.
pub fn subid(rng: &mut Rng, caller: Person, is_odd: bool) -> (Option<String>, Vec<Delegated>) {
    if is_odd && rarely(rng, 16) {
        return (None, Vec::new());
    }
    let own_names: &[&str] = match caller.uid {
        0 => &["root", "0"],
        1001 => &["bob", "1001"],
        4_000_000_000 => &["large", "4000000000"],
        4711 => &["4711"],
        _ => &["alice", "alice", "alice", "1000", "alicia", "Alice.Smith"],
    };
    let mut delegated: Vec<Delegated> = Vec::new();
    let mut lines = Vec::new();
    for _ in 0..=rng.u8(..5) {
        let is_own = rng.u8(..4) > 0;
        let others = ["bob", "1001", "root", "ghost", "carol", "alice", "2000", "*", "alic"];
        let owner = one(rng, if is_own { own_names } else { &others });
        let (start, count) = line_range(rng, delegated.last().copied());
        let numbers = [start, count].map(|value| line_number(rng, value));
        let line = format!("{owner}:{}", numbers.join(":"));
        if is_own {
            delegated.push((start, count));
        }
        lines.push(line);
    }
    if is_odd {
        for _ in 0..=rng.u8(..3) {
            let place = rng.usize(..=lines.len());
            lines.insert(place, odd_line(rng, own_names[0]));
        }
    }
    let mut text = lines.join("\n");
    match rng.u8(..32) {
        0 if is_odd => text = text.replace('\n', "\r\n"),
        1 if is_odd => text = format!("\n\n{text}\n\n"),
        2 if is_odd => text = format!("{}{text}\n", "filler:1:1\n".repeat(rng.usize(..9000))),
        3 | 4 if is_odd => {}
        _ => text.push('\n'),
    }
    join_neighbours(&mut delegated);
    (Some(text), delegated)
}

/// Around a few boundaries, or at the end of the line before.
fn line_range(rng: &mut Rng, before: Option<Delegated>) -> Delegated {
    if let (Some((start, count)), true) = (before, rng.bool()) {
        let end = start + count;
        let next = one(rng, &[end, end, end, end.saturating_sub(1), end + 1, start]);
        return (next.min(4_294_967_200), one(rng, &[1, 5, 10, 20]));
    }
    let starts =
        [100_000, 100_000, 100_010, 165_536, 1000, 1, 524_288, 2_147_483_640, 4_294_967_200, 4_294_967_284];
    let counts = [65_536, 65_536, 10, 20, 1, 5, 100, 1000, 10];
    let start = one(rng, &starts);
    (start, one(rng, &counts).min((1 << 32) - 1 - start))
}

fn line_number(rng: &mut Rng, value: u64) -> String {
    match rng.u8(..32) {
        0 => format!("{value:#x}"),
        1 => format!("0{value:o}"),
        2 => format!("+{value}"),
        _ => value.to_string(),
    }
}

fn odd_line(rng: &mut Rng, own_name: &str) -> String {
    let owners = [
        "",
        "01000",
        "001001",
        "0x3e8",
        "+1000",
        " alice",
        "alice ",
        "#alice",
        "ALICE",
        "\u{e9}t\u{e9}",
        "4294968296",
        "-1",
        "00",
    ];
    let owner = if rng.bool() { own_name } else { one(rng, &owners) };
    let start = if rng.bool() {
        one(rng, &NUMBERS)
    } else {
        one(rng, &["0", "1", "100000", "4294967295", "4294967294"])
    };
    let count =
        if rng.bool() { one(rng, &NUMBERS) } else { one(rng, &["0", "1", "10", "65536", "4294967295"]) };
    // In a line of its own a line's end is none.
    let (start, count) = (start.replace('\n', " "), count.replace('\n', " "));
    let line = format!("{owner}:{start}:{count}");
    match rng.u8(..24) {
        0 => format!("{owner}:{start}"),
        1 => format!("{line}:"),
        2 => format!("{line}:x"),
        3 => format!("{line}:5:5"),
        4 => String::new(),
        5 => owner.into(),
        6 => format!(":{start}:{count}"),
        7 => format!("{owner}::{count}"),
        8 => format!(" {line}"),
        9 => format!("{line} # why"),
        10 => format!("{line}\r"),
        11 => "::".into(),
        // Around the 1023 bytes that a line may have.
        12 | 13 => {
            let filler = "0".repeat(rng.usize(1018..1028) - own_name.len() - ":1:".len());
            format!("{own_name}:1:{filler}9")
        }
        14 => format!("{}:1:1", "x".repeat(rng.usize(1000..5000))),
        15 => format!("{owner} : {start} : {count}"),
        17 if rarely(rng, 4) => format!("{line}\0x"),
        16 => format!("{owner}:100000:65536"),
        _ => line,
    }
}

/// Lines that touch, or overlap, are one range to whoever asks, too.
fn join_neighbours(delegated: &mut Vec<Delegated>) {
    for index in 1..delegated.len() {
        let ((start, count), (next, more)) = (delegated[index - 1], delegated[index]);
        if next >= start && next <= start + count {
            delegated.push((start, (next + more).max(start + count) - start));
        }
    }
}
