//! What becomes of our programs and of the others when a system call fails, for each call of a run.

use std::collections::BTreeMap;

use super::contender::{Contender, Program};
use super::harness::faults::{Fate, Run};
use super::harness::{Kind, Way, World};

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
    let [well, told, told_otherwise, silent, false_alarm, false_success, crashed] = FATES;
    match (outcome.status, *is_written) {
        (Some(0), true) => well,
        (Some(0), false) => false_success,
        (None, _) => crashed,
        (Some(_), true) => false_alarm,
        (Some(_), false) if outcome.stderr.is_empty() => silent,
        (Some(1), false) => told,
        (Some(_), false) => told_otherwise,
    }
}

pub fn print(world: &World) {
    world.delegate("alice:100000:10\n");
    let mut counts: BTreeMap<(&str, Program), usize> = BTreeMap::new();
    let mut all: BTreeMap<Program, usize> = BTreeMap::new();
    for program in [Program::Ours, Program::Reference] {
        for way in Way::GOOD {
            for kind in Kind::BOTH {
                let path = Contender { program, way }.path(kind);
                let run = Run { world, program: &path, kind, map: "0 100000 10" };
                for call in run.calls() {
                    for fault in call.faults() {
                        let fate = fate(&run.inject(&call, &fault));
                        if !FATES[..3].contains(&fate) {
                            println!("{program:?} {way:?} {kind:?}: {fate}: {fault} {}", call.line);
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
}
