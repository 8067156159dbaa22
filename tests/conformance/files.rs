//! The files of generated cases, and the suites' readings of the unusual ones.

use fastrand::Rng;

use super::generate::{one, one_of, rarely};
use super::harness::Person;

/// The start and the count of a range.
pub type Range = (u64, u64);

/// An unusual text; for a deviation also its number and the text that shadow reads instead.
pub type Odd = (String, Option<(u8, String)>);

/// Numbers below 2³¹ in several forms, and malformed numbers.
const SMALL: &str = "; ;x;-;+;0;-0;+0;00;-1;- 1;--1;+-1;++1;+ 1;1 ;1\t;\u{b}1;\u{c}1;\r1;\n1;1\n;1k;1e3;1.0;1_000;1,0;0x;\
    0X;0xg;0x+1;x10;0X10;-0x1;+0x10;08;018;0b;0b2;0o7;99999999999999999999999;18446744073709551616";

/// Numbers around a limit.
const LARGE: &str = "2147483647;2147483648;4294967293;4294967294;4294967295;4294967296;0xfffffffe;0xffffffff;\
    037777777776;9223372036854775807;9223372036854775808;18446744073709551615;-18446744073709551615;\
    -4294967296";

/// Binary numbers: deviation 19.
const BINARY: [(&str, &str); 3] = [("0b1", "1"), ("0B11", "3"), ("+0b10", "+2")];

pub fn number(rng: &mut Rng, is_small: bool) -> Odd {
    if rarely(rng, 16) {
        let (written, read) = one(rng, &BINARY);
        return (written.into(), Some((19, read.into())));
    }
    let numbers = if is_small || rng.bool() { SMALL } else { LARGE };
    (one_of(rng, numbers).into(), None)
}

/// Unusual lines that shadow and our program read alike. `OWN` is the caller's name.
const LINES: &str = ";OWN;::;:100000:10;OWN:100000;OWN::10;OWN:100000:; OWN:100000:10;OWN :100000:10;OWN : 100000 : 10;\
    OWN:100000:10 # why;OWN:100000:10\r;#OWN:100000:10;ALICE:100000:10;\u{e9}t\u{e9}:100000:10;\
    4294968296:100000:10;0x3e8:100000:10;+1000:100000:10;1000 :100000:10;-1:100000:10;*:100000:10;\
    OWN:100000:65536;OWN:0:1;OWN:0:4294967295;OWN:4294967294:2;OWN:4294967295:1";

/// The number of a deviation, a line, and the line that shadow reads instead.
const LINES_READ_OTHERWISE: [(u8, &str, &str); 17] = [
    (2, "OWN:0:0", "OWN:0:4294967295"),
    (2, "OWN:00:0x0", "OWN:0:4294967295"),
    (3, "OWN:100000:4294967295", "OWN:100000:4294867295"),
    (3, "OWN:1:4294967296", "OWN:1:4294967294"),
    (3, "OWN:1:9223372036854775807", "OWN:1:4294967294"),
    (3, "OWN:4294967290:10", "OWN:4294967290:5"),
    (3, "OWN:4294967294:3", "OWN:4294967294:1"),
    (4, "OWN:100000:10:", "OWN:100000:10"),
    (4, "OWN:100000:10:x", "OWN:100000:10"),
    (4, "OWN:100000:10:5:5", "OWN:100000:10"),
    (5, "01000:100000:10", "1000:100000:10"),
    (5, "001001:100000:10", "1001:100000:10"),
    (5, "00:100000:10", "0:100000:10"),
    (5, " 1000:100000:10", "1000:100000:10"),
    (5, " +1000:100000:10", "1000:100000:10"),
    (5, "\t1001:100000:10", "1001:100000:10"),
    (5, "\u{b}4000000000:100000:10", "4000000000:100000:10"),
];

fn odd_line(rng: &mut Rng, own_name: &str) -> Odd {
    let (line, read) = match rng.u8(..8) {
        0..=2 => (one_of(rng, LINES).to_owned(), None),
        3..=5 => {
            let (deviation, written, read) = one(rng, &LINES_READ_OTHERWISE);
            (written.into(), Some((deviation, read.into())))
        }
        6 => {
            // A large number is used as start only: as count, the range would end beyond the last id.
            let (place, is_small) = one(rng, &[("OWN:100000:@", true), ("OWN:@:1", false)]);
            let (number, read) = number(rng, is_small);
            let line = |number: &str| place.replace('@', &number.replace('\n', " "));
            (line(&number), read.map(|(deviation, number)| (deviation, line(&number))))
        }
        // Lines around the limit of 1023 bytes.
        _ => {
            let length = rng.usize(1018..1028) - own_name.len() - ":100000:10".len();
            (one(rng, &["OWN:100000:F10", "OWNF:100000:10"]).replace('F', &"0".repeat(length)), None)
        }
    };
    let own = |line: String| line.replace("OWN", own_name);
    (own(line), read.map(|(deviation, line)| (deviation, own(line))))
}

/// A subid file, and the ranges that it may delegate to the caller.
pub fn subid(rng: &mut Rng, caller: Person, is_odd: bool) -> (Odd, Vec<Range>) {
    let own_names: &[&str] = match caller.uid {
        0 => &["root", "0"],
        1001 => &["bob", "1001"],
        4_000_000_000 => &["large", "4000000000"],
        4711 => &["4711"],
        _ => &["alice", "alice", "alice", "1000", "alicia", "Alice.Smith"],
    };
    let mut ranges: Vec<Range> = Vec::new();
    let mut lines = Vec::new();
    for _ in 0..=rng.u8(..5) {
        let is_own = rng.u8(..4) > 0;
        let others = ["bob", "1001", "root", "ghost", "carol", "alice", "2000", "*", "alic"];
        let owner = one(rng, if is_own { own_names } else { &others });
        let (start, count) = line_range(rng, ranges.last().copied());
        let numbers = [start, count].map(|value| line_number(rng, value));
        if is_own {
            ranges.push((start, count));
        }
        lines.push(format!("{owner}:{}\n", numbers.join(":")));
    }
    join_neighbours(&mut ranges);
    let text = lines.concat();
    if !is_odd {
        return ((text, None), ranges);
    }
    let odd = match rng.u8(..16) {
        0 => (text.replace('\n', "\r\n"), None),
        1 => (format!("\n\n{text}\n\n"), None),
        2 => (format!("{}{text}", "filler:1:1\n".repeat(rng.usize(..9000))), None),
        3 => (text.trim_end().into(), Some((6, String::new()))),
        _ => {
            let place = rng.usize(..=lines.len());
            let (line, read) = odd_line(rng, own_names[0]);
            // Half of the requests are for ids that only the unusual line may delegate.
            if rng.bool() {
                ranges.clear();
            }
            ranges.extend([
                (100_000, 10),
                (100_000, 10),
                (100_000, 200_000),
                (4_294_967_290, 5),
                (4_294_967_294, 1),
            ]);
            let with = |line: &str| format!("{}{line}\n{}", lines[..place].concat(), lines[place..].concat());
            (with(&line), read.map(|(deviation, line)| (deviation, with(&line))))
        }
    };
    (odd, ranges)
}

/// A range near one of a few boundaries, or after the end of the range before.
fn line_range(rng: &mut Rng, before: Option<Range>) -> Range {
    if let (Some((start, count)), true) = (before, rng.bool()) {
        let end = start + count;
        let next = one(rng, &[end, end, end, end.saturating_sub(1), end + 1, start]);
        return (next.min(4_294_967_200), one(rng, &[1, 5, 10, 20]));
    }
    let starts =
        [100_000, 100_000, 100_010, 165_536, 1000, 1, 524_288, 2_147_483_640, 4_294_967_200, 4_294_967_284];
    let start = one(rng, &starts);
    (start, one(rng, &[65_536, 65_536, 10, 20, 1, 5, 100, 1000, 10]).min((1 << 32) - 1 - start))
}

fn line_number(rng: &mut Rng, value: u64) -> String {
    match rng.u8(..32) {
        0 => format!("{value:#x}"),
        1 => format!("0{value:o}"),
        2 => format!("+{value}"),
        _ => value.to_string(),
    }
}

/// Merges adjacent and overlapping ranges.
fn join_neighbours(ranges: &mut Vec<Range>) {
    for index in 1..ranges.len() {
        let ((start, count), (next, more)) = (ranges[index - 1], ranges[index]);
        if next >= start && next <= start + count {
            ranges.push((start, (next + more).max(start + count) - start));
        }
    }
}

/// Other passwd files: names in another order, names of digits, several names for one uid.
pub const PASSWDS: [&str; 7] = [
    "alicia:x:1000:1000::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nroot:x:0:0::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    // The first login name of alice is the uid of bob.
    "root:x:0:0::/:/bin/sh\n1001:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n",
    "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n1001:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    "toor:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\nalice:x:1000:100::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nghost:x:1000:1000::/:/bin/sh\n*:x:1000:1000::/:/bin/sh\nbob:x:1000:1000::/:/bin/sh\n",
    "root:x:0:0::/:/bin/sh\n01000:x:1000:1000::/:/bin/sh\nalice:x:1002:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n",
    "",
];

/// Lines of login.defs; GRANT and COUNT stand for the names of the settings.
const DEFINITIONS: &str = "GRANT yes;GRANT YES;GRANT no;GRANT;GRANT true;GRANT 1;GRANT yes # why;GRANT yes no;  GRANT\t \"YES\"  ;\
    GRANT \"yes\" no;GRANT yes\";GRANT \";GRANT yes\r;GRANT yes\u{b};\u{c}GRANT yes;GRANT \u{b}yes;\
    # GRANT yes;#GRANT no;grant_aux_group_subids yes;GRANT=yes;GRANT = yes;XGRANT yes;COUNT 0;COUNT 0x0;\
    COUNT 00;COUNT -0;COUNT +0;COUNT \"0\";COUNT 0\r;COUNT 65536;COUNT x;COUNT 0 # none;COUNT;\
    COUNT 18446744073709551616;COUNT -18446744073709551616;SUB_UID 0;MADE_UP yes;UMASK 022;UID_MIN;;\t";

/// The text of login.defs, or `None` for a missing file.
pub fn login_defs(rng: &mut Rng, is_odd: bool) -> Option<String> {
    if !is_odd {
        return Some(one(rng, &["", "", "UMASK 022\n", "GRANT_AUX_GROUP_SUBIDS yes\n", "# none\n"]).into());
    }
    if rarely(rng, 12) {
        return None;
    }
    let line = |rng: &mut Rng| {
        let count = one(rng, &["SUB_UID_COUNT", "SUB_GID_COUNT"]);
        one_of(rng, DEFINITIONS).replace("GRANT", "GRANT_AUX_GROUP_SUBIDS").replace("COUNT", count)
    };
    let lines: Vec<String> = (0..rng.usize(1..=4)).map(|_| line(rng)).collect();
    Some(lines.join("\n") + if rarely(rng, 8) { "" } else { "\n" })
}

const SERVICES: &str = "fresh;fresh;fresh;fresh files;fresh gone;aged;aged;failing;files;files fresh;partial;gone;FILES;\
    Fresh;x;../fresh;sub/fresh;[NOTFOUND=return];fresh.so;\"fresh\";fresh#;fresh\r;fresh # files";

/// A text of nsswitch.conf. If shadow does not use the plugin, it reads the files.
pub fn nsswitch(rng: &mut Rng) -> Odd {
    let usual = "passwd: files\n".to_owned();
    let before = match rng.u8(..8) {
        0 => format!("{} gone\n", one_of(rng, " subid:;#subid:;subid;subid :;subids:;subuid:;\tsubid:")),
        1 => one_of(rng, "subid:\n;subid: \n;\n;subid:\t\t\n").into(),
        _ => String::new(),
    };
    let service =
        if rarely(rng, 16) { "x".repeat(one(rng, &[49, 50, 51, 52])) } else { one_of(rng, SERVICES).into() };
    let database = one_of(rng, "subid:;subid:;subid:;Subid:;SUBID:");
    let blank = one(rng, &[" ", " ", "", "\t", "  \t"]);
    // trixie reads a line without newline if another word follows the service.
    let is_cut = !service.contains(' ') && rarely(rng, 6);
    let end = if is_cut { "" } else { one(rng, &["\n", "\n", " \n", "\t\n"]) };
    let deviation = match service.split(' ').next() {
        _ if is_cut => Some(30),
        Some("fresh" | "failing" | "files") => None,
        Some("aged") => Some(26),
        _ => Some(41),
    };
    (format!("{usual}{before}{database}{blank}{service}{end}"), deviation.map(|deviation| (deviation, usual)))
}
