//! The files of generated cases.

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

/// Users of other machines: names in another order, names that are numbers, others for the same uid.
pub const PASSWDS: [&str; 7] = [
    "alicia:x:1000:1000::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nroot:x:0:0::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    // Her name is Bob's uid.
    "root:x:0:0::/:/bin/sh\n1001:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n",
    "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n1001:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    "toor:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\nalice:x:1000:100::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nghost:x:1000:1000::/:/bin/sh\n*:x:1000:1000::/:/bin/sh\nbob:x:1000:1000::/:/bin/sh\n",
    "root:x:0:0::/:/bin/sh\n01000:x:1000:1000::/:/bin/sh\nalice:x:1002:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    "",
];

/// `None`: no file.
pub fn login_defs(rng: &mut Rng, is_odd: bool) -> Option<String> {
    if !is_odd {
        return Some(one(rng, &["", "", "UMASK 022\n", "GRANT_AUX_GROUP_SUBIDS yes\n", "# none\n"]).into());
    }
    if rarely(rng, 12) {
        return None;
    }
    let lines = [
        "GRANT_AUX_GROUP_SUBIDS yes",
        "GRANT_AUX_GROUP_SUBIDS YES",
        "GRANT_AUX_GROUP_SUBIDS no",
        "GRANT_AUX_GROUP_SUBIDS",
        "GRANT_AUX_GROUP_SUBIDS true",
        "GRANT_AUX_GROUP_SUBIDS 1",
        "GRANT_AUX_GROUP_SUBIDS yes # why",
        "GRANT_AUX_GROUP_SUBIDS yes no",
        "  GRANT_AUX_GROUP_SUBIDS\t \"YES\"  ",
        "GRANT_AUX_GROUP_SUBIDS \"yes\" no",
        "GRANT_AUX_GROUP_SUBIDS yes\"",
        "GRANT_AUX_GROUP_SUBIDS \"",
        "GRANT_AUX_GROUP_SUBIDS yes\r",
        "GRANT_AUX_GROUP_SUBIDS yes\u{b}",
        "\u{c}GRANT_AUX_GROUP_SUBIDS yes",
        "GRANT_AUX_GROUP_SUBIDS \u{b}yes",
        "SUB_UID_COUNT 0\r",
        "# GRANT_AUX_GROUP_SUBIDS yes",
        "#GRANT_AUX_GROUP_SUBIDS no",
        "UMASK 022",
        "UID_MIN",
        "",
        "\t",
        "SUB_UID_COUNT 0",
        "SUB_GID_COUNT 0",
        "SUB_UID_COUNT 0x0",
        "SUB_GID_COUNT 00",
        "SUB_UID_COUNT \"0\"",
        "SUB_GID_COUNT -0",
        "SUB_UID_COUNT 65536",
        "SUB_GID_COUNT x",
        "SUB_UID_COUNT 0 # none",
        "SUB_GID_COUNT +0",
        "SUB_UID_COUNT",
        "SUB_UID_COUNT 18446744073709551616",
        "SUB_GID_COUNT -18446744073709551616",
        "grant_aux_group_subids yes",
        "GRANT_AUX_GROUP_SUBIDS=yes",
        "GRANT_AUX_GROUP_SUBIDS = yes",
        "MADE_UP yes",
        "SUB_UID 0",
        "XGRANT_AUX_GROUP_SUBIDS yes",
    ];
    let mut text = lines_of(rng, |rng| one(rng, &lines).into(), 4);
    if rarely(rng, 24) {
        text = format!("#{}GRANT_AUX_GROUP_SUBIDS yes\n{text}", "x".repeat(1022));
    }
    Some(text)
}

/// `None`: no file.
pub fn nsswitch(rng: &mut Rng, is_odd: bool) -> Option<String> {
    let usual = "passwd: files\n";
    if !is_odd {
        return Some(usual.into());
    }
    if rarely(rng, 16) {
        return None;
    }
    let services = [
        "fresh",
        "fresh",
        "fresh",
        "aged",
        "aged",
        "partial",
        "failing",
        "gone",
        "files",
        "FILES",
        "Fresh",
        "x",
        "../fresh",
        "sub/fresh",
        "",
        "[NOTFOUND=return]",
        "fresh.so",
        "\"fresh\"",
    ];
    let line = |rng: &mut Rng| {
        let database = match rng.u8(..16) {
            0 => one(rng, &["Subid:", "SUBID:"]),
            1 => one(rng, &[" subid:", "#subid:", "subid", "subid :", "subids:", "subuid:", "\tsubid:"]),
            _ => "subid:",
        };
        let service = match rng.u8(..24) {
            0 => "x".repeat(one(rng, &[49, 50, 51, 52])),
            1 => format!("{} {}", one(rng, &services), one(rng, &services)),
            _ => one(rng, &services).into(),
        };
        let blank = one(rng, &[" ", " ", " ", "", "\t", "  \t"]);
        // Too long a word is shown, so it has no byte that we would escape.
        let ends = ["", "", "", "", " ", "\t", " # files", "#", "\r"];
        let end = one(rng, if service.len() > 40 { &ends[..8] } else { &ends });
        format!("{database}{blank}{service}{end}")
    };
    let lines = if rarely(rng, 4) { 2 } else { 1 };
    Some(format!("{usual}{}", lines_of(rng, line, lines)))
}

/// Up to `most` lines, and the last one without an end, rarely.
fn lines_of(rng: &mut Rng, mut line: impl FnMut(&mut Rng) -> String, most: usize) -> String {
    let lines: Vec<String> = (0..rng.usize(1..=most)).map(|_| line(rng)).collect();
    let mut text = lines.join("\n");
    if !rarely(rng, 8) {
        text.push('\n');
    }
    text
}

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
