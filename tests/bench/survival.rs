//! Makes each system call of a run fail, for our programs and for the others, and counts the results.

use std::collections::BTreeMap;

use super::contender::{Contender, Program};
use super::harness::faults::{Fate, Run};
use super::harness::{IdType, InstallMode, Sandbox};

const FATES: [&str; 7] = [
    "the map is written, and it says so",
    "no map; exit status 1 and a message",
    "no map; another status and a message",
    "no map, no message",
    "the map is written, and it says that it is not",
    "no map, and it says that there is one",
    "killed by a signal",
];

fn fate(Fate { outcome, is_written, .. }: &Fate) -> &'static str {
    let [success, reported, reported_otherwise, silent, false_alarm, false_success, killed] = FATES;
    match (outcome.status, *is_written) {
        (Some(0), true) => success,
        (Some(0), false) => false_success,
        (None, _) => killed,
        (Some(_), true) => false_alarm,
        (Some(_), false) if outcome.stderr.is_empty() => silent,
        (Some(1), false) => reported,
        (Some(_), false) => reported_otherwise,
    }
}

/// Prints the counts; panics if our programs had one of the outcomes that must not occur.
pub fn print(sandbox: &Sandbox) {
    let [.., silent, _, false_success, _] = FATES;
    sandbox.delegate("alice:100000:10\n");
    let mut counts: BTreeMap<(&str, Program), usize> = BTreeMap::new();
    let mut all: BTreeMap<Program, usize> = BTreeMap::new();
    for program in [Program::Ours, Program::Reference] {
        for mode in InstallMode::GOOD {
            for id_type in IdType::BOTH {
                let path = Contender { program, mode }.path(id_type);
                let run = Run { sandbox, program: &path, id_type, map: "0 100000 10" };
                for call in run.calls() {
                    for fault in call.faults() {
                        let fate = fate(&run.inject(&call, &fault));
                        if !FATES[..3].contains(&fate) {
                            println!("{program:?} {mode:?} {id_type:?}: {fate}: {fault} {}", call.line);
                        }
                        *counts.entry((fate, program)).or_default() += 1;
                        *all.entry(program).or_default() += 1;
                    }
                }
            }
        }
    }
    println!("| what became of it | ours | theirs |\n| --- | --- | --- |");
    for fate in FATES {
        let count = |program| counts.get(&(fate, program)).copied().unwrap_or(0);
        println!("| {fate} | {} | {} |", count(Program::Ours), count(Program::Reference));
    }
    println!("| faults in all | {} | {} |", all[&Program::Ours], all[&Program::Reference]);
    let wrong = [silent, false_success].map(|fate| counts.get(&(fate, Program::Ours)).copied().unwrap_or(0));
    assert_eq!(wrong, [0, 0], "no map, and no message or status 0");
}
