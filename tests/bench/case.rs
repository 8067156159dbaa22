//! The benchmark cases: a subid file, a caller, a requested map, and the goals for the median.

use super::contender::Program;
use super::harness::{ALICE, IdType, Person};

/// The largest accepted ratio of our median to that of another program, and the ratio to aim for.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    pub against: Program,
    pub at_most: f64,
    pub aim: Option<f64>,
}

impl Goal {
    pub const fn new(against: Program, at_most: f64, aim: f64) -> Self {
        Self { against, at_most, aim: Some(aim) }
    }
}

#[derive(Debug)]
pub struct Case {
    pub name: &'static str,
    pub id_type: IdType,
    pub caller: Person,
    /// `/etc/subuid` and `/etc/subgid`.
    pub file: String,
    pub ranges: String,
    pub is_allowed: bool,
    pub goals: Vec<Goal>,
}

/// The owner of the last line of [`file_by_uid`].
pub const LAST: Person = Person { uid: 65_999, gid: 65_999 };

/// The request of rootless containers: the caller's own id and all delegated ids.
pub const TWO_RANGES: &str = "0 1000 1 1 100000 65536";

const ALICES_LINE: &str = "alice:100000:65536\n";

/// A file with `lines` lines; `before` lines precede that of alice.
pub fn file(lines: u32, before: u32) -> String {
    let other = |number: u32| format!("user{number:06}:{}:1000\n", 1_000_000 + 1000 * number);
    let (front, back) = (0..before, before..lines - 1);
    front.map(other).chain([ALICES_LINE.to_owned()]).chain(back.map(other)).collect()
}

/// A file with one line for each uid from 1000 to that of [`LAST`], and the range of the last line.
fn file_by_uid() -> (String, String) {
    let start = |uid: u32| 100_000 + 65_536 * (uid - 1000);
    let line = |uid: u32| format!("{uid}:{}:65536\n", start(uid));
    let ranges = format!("0 {0} 1 1 {1} 65536", LAST.uid, start(LAST.uid));
    ((1000..=LAST.uid).map(line).collect(), ranges)
}

fn others_with_alices_ids(lines: u32) -> String {
    let line = |number| format!("user{number:06}:100000:65536");
    (0..lines).map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// Single ids that are not adjacent. The kernel accepts less than 4096 bytes.
fn ranges(count: u32) -> String {
    let range = |number: u32| format!("{number} {} 1", 100_000 + 2 * number);
    (0..count).map(range).collect::<Vec<_>>().join(" ")
}

impl Case {
    pub fn all() -> Vec<Self> {
        use Program::{Nothing, Reference};
        let (file_by_uid, last_ranges) = file_by_uid();
        let start_up = || vec![Goal::new(Reference, 0.72, 0.65), Goal::new(Nothing, 1.5, 1.3)];
        vec![
            Self { goals: start_up(), ..Self::allowed("1 line, 2 ranges", file(1, 0), TWO_RANGES) },
            Self {
                id_type: IdType::Gid,
                goals: start_up(),
                ..Self::allowed("newgidmap: 1 line, 2 ranges", file(1, 0), TWO_RANGES)
            },
            Self {
                goals: vec![Goal::new(Reference, 0.06, 0.04)],
                ..Self::allowed(
                    "100,000 lines, the caller's last, 2 ranges",
                    file(100_000, 99_999),
                    TWO_RANGES,
                )
            },
            Self {
                goals: vec![Goal::new(Reference, 0.015, 0.008)],
                ..Self::allowed(
                    "100,000 lines, the caller's in the middle, 300 ranges",
                    file(100_000, 50_000),
                    &ranges(300),
                )
            },
            Self {
                caller: LAST,
                goals: vec![Goal::new(Reference, 0.07, 0.04)],
                ..Self::allowed("65,000 lines by uid, the caller's last, 2 ranges", file_by_uid, &last_ranges)
            },
            Self {
                is_allowed: false,
                goals: vec![Goal::new(Reference, 1.0, 0.5)],
                ..Self::allowed(
                    "10,000 lines with the wanted id, none the caller's: refused",
                    others_with_alices_ids(10_000),
                    "0 100000 1",
                )
            },
        ]
    }

    fn allowed(name: &'static str, file: String, ranges: &str) -> Self {
        let ranges = ranges.to_owned();
        Self { name, id_type: IdType::Uid, caller: ALICE, file, ranges, is_allowed: true, goals: Vec::new() }
    }

    /// A file of this many lines; the line of alice is the last one.
    pub fn of_lines(lines: u32) -> Self {
        Self::allowed("", file(lines, lines - 1), TWO_RANGES)
    }

    /// The expected map after a run, in the format of the harness.
    pub fn map(&self) -> String {
        let words: Vec<&str> = self.ranges.split(' ').collect();
        let ranges: Vec<String> = words.chunks(3).map(|range| range.join(" ")).collect();
        if self.is_allowed { ranges.join("; ") } else { String::new() }
    }
}
