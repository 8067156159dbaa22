//! Shadow's result of a generated case, derived from our own program's results and docs/compatibility.md.
//!
//! The generator says with each odd case how shadow reads it, as another case that leaves nothing to doubt: shadow has to do
//! there what our program does on the other case. A few deviations are other words or another status for one result.

use super::bench::{Observation, Suite};
use super::case::{Case, GROUPS, State};
use super::generate::Made;
use super::harness::{IdType, usage};
use super::table::Table;

/// The expected observation, and the deviations that make it another than ours.
pub fn expected(
    made: &Made,
    suite: Suite,
    table: &Table,
    ours: impl Fn(&Case) -> Observation,
) -> (Observation, Vec<u8>) {
    let is_seen = |deviation: u8| table.is_seen(deviation, suite);
    let own = ours(&made.case);
    let reading = made.readings.iter().find(|(deviation, _)| is_seen(*deviation));
    let mut seen = reading.map_or(own.clone(), |(_, read)| ours(read));
    let mut deviations = Vec::new();
    deviations.extend(reading.filter(|_| seen != own).map(|(deviation, _)| *deviation));
    for (deviation, other) in RESULTS {
        if let Some(other) = other(&made.case, &seen).filter(|_| is_seen(deviation)) {
            seen = other;
            deviations.push(deviation);
        }
    }
    (seen, deviations)
}

type Result = fn(&Case, &Observation) -> Option<Observation>;

const RESULTS: [(u8, Result); 6] = [
    (1, no_range),
    (6, file_without_end),
    (17, missing_file),
    (33, setgroups_of_plain),
    (32, setgroups_words),
    (44, nothing_listed),
];

/// Nothing is done successfully, after setgroups is denied.
fn no_range(case: &Case, seen: &Observation) -> Option<Observation> {
    let is_it = case.is_map() && case.words.is_empty() && seen.line == usage(case.id_type());
    let setgroups = if case.id_type() == IdType::Gid { "deny".into() } else { seen.setgroups.clone() };
    is_it.then(|| Observation { status: Some(0), line: String::new(), setgroups, ..seen.clone() })
}

fn with_line(seen: &Observation, line: impl Into<String>) -> Observation {
    Observation { line: line.into(), ..seen.clone() }
}

/// The reading is a case without a file, and shadow gives another reason.
fn file_without_end(case: &Case, seen: &Observation) -> Option<Observation> {
    let text = case.subid.as_ref().filter(|_| seen.line.contains(": cannot open /etc/sub"))?;
    let line = seen.line.replace("No such file or directory", "Cannot allocate memory");
    (!text.ends_with('\n')).then(|| with_line(seen, line))
}

fn missing_file(_: &Case, seen: &Observation) -> Option<Observation> {
    seen.line.contains(": cannot open /etc/sub").then(|| with_line(seen, ""))
}

fn setgroups_of_plain(case: &Case, seen: &Observation) -> Option<Observation> {
    let program = seen.line.strip_suffix(": couldn't open process setgroups: Permission denied")?;
    let is_it = case.state == State::Plain;
    is_it.then(|| with_line(seen, format!("{program}: failed to setgroups deny policy: ")))
}

/// The line ends after the policy's name.
fn setgroups_words(_: &Case, seen: &Observation) -> Option<Observation> {
    let (line, _) = seen.line.split_once(" policy: ")?;
    line.ends_with(": failed to setgroups deny").then(|| with_line(seen, line))
}

fn nothing_listed(case: &Case, seen: &Observation) -> Option<Observation> {
    let is_it = !case.is_map() && seen.status == Some(0) && seen.stdout.is_empty();
    is_it.then(|| Observation { status: Some(1), line: "Error fetching ranges".into(), ..seen.clone() })
}

/// How sid tells a user's lines: an owner that begins like a number is a uid, and so is the user's own name.
pub fn by_uid(case: &Case, user: &str) -> Case {
    let uid = |name: &str| {
        let digits = name.trim_start_matches([' ', '\t', '\u{b}']);
        let is_number = digits != name || name.starts_with(|first: char| first.is_ascii_digit());
        let number = digits.parse::<u32>().ok().filter(|_| is_number);
        number.or_else(|| case.uid_of(name)?.parse().ok()).filter(|uid| case.name_of(*uid).is_some())
    };
    let own = uid(user);
    owned(case, user, |owner| own.is_some() && (owner == user || uid(owner) == own))
}

/// How getsubids of 4.13 and 4.17 does: by the argument, or its uid, or for `-g` the gid of the group with its name.
pub fn by_name(case: &Case, user: &str) -> Case {
    let gid = || GROUPS.iter().find(|(name, _)| *name == user).map(|(_, gid)| *gid);
    let number = if case.id_type() == IdType::Gid { gid() } else { case.uid_of(user) };
    owned(case, user, |owner| owner == user || Some(owner) == number)
}

/// Gives the user's lines the user's name as owner, and all others the name of no user.
fn owned(case: &Case, user: &str, is_own: impl Fn(&str) -> bool) -> Case {
    let line = |line: &str| match line.split_once(':') {
        Some((owner, range)) if is_own(owner) => format!("{user}:{range}"),
        _ => format!("?{line}"),
    };
    let lines = |text: &String| text.lines().map(|text| line(text) + "\n").collect();
    Case { subid: case.subid.as_ref().map(lines), ..case.clone() }
}
