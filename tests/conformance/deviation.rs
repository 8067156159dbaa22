//! The expected result of shadow for a generated case, derived from the results of our program and docs/compatibility.md.
//!
//! For an unusual case, the generator also gives the unambiguous case that shadow reads instead. Our program's result for that
//! case is shadow's expected result for the unusual one. A few deviations change only the message or the status.

use super::bench::{Observation, Suite};
use super::case::{Case, GROUPS, State};
use super::generate::Made;
use super::harness::{IdType, usage};
use super::table::Table;

/// The expected observation, and the deviations that explain its differences from ours.
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

/// Deviation 1: without ranges, shadow denies setgroups and exits with 0.
fn no_range(case: &Case, seen: &Observation) -> Option<Observation> {
    let is_it = case.is_map() && case.words.is_empty() && seen.line == usage(case.id_type());
    let setgroups = if case.id_type() == IdType::Gid { "deny".into() } else { seen.setgroups.clone() };
    is_it.then(|| Observation { status: Some(0), line: String::new(), setgroups, ..seen.clone() })
}

fn with_line(seen: &Observation, line: impl Into<String>) -> Observation {
    Observation { line: line.into(), ..seen.clone() }
}

/// Deviation 6: a subid file whose last line has no newline counts as missing, with the reason ENOMEM.
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

/// Deviation 32: the message ends before the word `policy:`.
fn setgroups_words(_: &Case, seen: &Observation) -> Option<Observation> {
    let (line, _) = seen.line.split_once(" policy: ")?;
    line.ends_with(": failed to setgroups deny").then(|| with_line(seen, line))
}

fn nothing_listed(case: &Case, seen: &Observation) -> Option<Observation> {
    let is_it = !case.is_map() && seen.status == Some(0) && seen.stdout.is_empty();
    is_it.then(|| Observation { status: Some(1), line: "Error fetching ranges".into(), ..seen.clone() })
}

/// The reading of sid: an owner or a user name that begins like a number is a uid.
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

/// The reading of getsubids in 4.13 and 4.17: an owner is the argument, its uid, or with `-g` the gid of the group of that name.
pub fn by_name(case: &Case, user: &str) -> Case {
    let gid = || GROUPS.iter().find(|(name, _)| *name == user).map(|(_, gid)| *gid);
    let number = if case.id_type() == IdType::Gid { gid() } else { case.uid_of(user) };
    owned(case, user, |owner| owner == user || Some(owner) == number)
}

/// Replaces the owner of each line: the user's name for the user's own lines, an unknown name for the others.
fn owned(case: &Case, user: &str, is_own: impl Fn(&str) -> bool) -> Case {
    let line = |line: &str| match line.split_once(':') {
        Some((owner, range)) if is_own(owner) => format!("{user}:{range}"),
        _ => format!("?{line}"),
    };
    let lines = |text: &String| text.lines().map(|text| line(text) + "\n").collect();
    Case { subid: case.subid.as_ref().map(lines), ..case.clone() }
}
