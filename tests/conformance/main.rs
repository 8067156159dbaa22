//! The same cases through our programs and through shadow's, each in fresh namespaces of the same machine: exit status,
//! map, setgroups and the first line of stderr have to be the same, unless the case is one of the deviations of
//! docs/compatibility.md.
//!
//! Cases are generated from a seed, so that every difference can be had again. Run by `make conformance`:
//! `UIDMAP_REFERENCE` is a root file system with shadow's programs, `UIDMAP_CASES` says how many, `UIDMAP_SEED` which.
#![allow(missing_docs, unreachable_pub)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::exit,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unused_self,
    clippy::unwrap_used,
    // The harness has more than this program needs.
    dead_code
)]

#[path = "../harness/mod.rs"]
mod harness;

mod case;
mod deviation;
mod reference;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use case::Case;
use deviation::Deviation;
use harness::{Attempt, Outcome, Way, World, in_world};
use reference::Reference;

/// What a run found.
#[derive(Default)]
struct Tally {
    accepted: u64,
    deviations: BTreeMap<Deviation, u64>,
    differences: u64,
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

fn main() {
    let Some(root) = std::env::var_os("UIDMAP_REFERENCE").map(PathBuf::from) else {
        println!("skipped: UIDMAP_REFERENCE does not name a root file system with shadow's programs");
        std::process::exit(i32::from(std::env::var_os("CI").is_some()));
    };
    let (count, seed) = (number("UIDMAP_CASES", 2000), number("UIDMAP_SEED", 1));
    let next = AtomicU64::new(0);
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(|| work(&root, seed, count, &next))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });

    let accepted: u64 = tallies.iter().map(|tally| tally.accepted).sum();
    let differences: u64 = tallies.iter().map(|tally| tally.differences).sum();
    for deviation in Deviation::ALL {
        let seen: u64 = tallies.iter().filter_map(|tally| tally.deviations.get(&deviation)).sum();
        println!("deviation {deviation:?}: {seen} cases");
    }
    println!(
        "conformance: {count} cases from seed {seed}, {accepted} accepted by both, {differences} unexplained"
    );
    std::process::exit(i32::from(differences > 0 || accepted * 3 < count));
}

fn work(root: &Path, seed: u64, count: u64, next: &AtomicU64) -> Tally {
    let mut tally = Tally::default();
    in_world(|world| {
        let reference = Reference::new(world, root);
        loop {
            let index = next.fetch_add(1, Relaxed);
            if index >= count {
                return;
            }
            let case = Case::generate(seed.wrapping_mul(1_000_003).wrapping_add(index));
            case.set_up(world);
            compare(world, &case, reference, &mut tally);
        }
    });
    tally
}

fn compare(world: &World, case: &Case, reference: Reference, tally: &mut Tally) {
    let ours = attempt(world, case, |arguments| world.run(Way::Setuid, case.kind, case.caller, arguments));
    let theirs = attempt(world, case, |arguments| reference.run(case.kind, case.caller, arguments));
    if summary(&ours) == summary(&theirs) {
        tally.accepted += u64::from(ours.outcome.status == Some(0));
    } else if let Some(deviation) = Deviation::of(case, &ours, &theirs) {
        *tally.deviations.entry(deviation).or_default() += 1;
    } else {
        tally.differences += 1;
        println!("DIFFERENCE {case:#?}\n  ours:   {:?}\n  theirs: {:?}", summary(&ours), summary(&theirs));
    }
}

/// What is compared. Our own program's PID of the moment is not.
fn summary(attempt: &Attempt) -> (Option<i32>, String, &str, &str) {
    (attempt.outcome.status, attempt.outcome.first_line().to_owned(), &attempt.map, &attempt.setgroups)
}

fn attempt(world: &World, case: &Case, run: impl Fn(&[String]) -> Outcome) -> Attempt {
    let target = world.namespace(case.target);
    let mut outcome = run(&case.arguments(&target.pid()));
    // Messages may name the target, which is another process for each program.
    for before in ["target ", "Target ", "process "] {
        outcome.stderr =
            outcome.stderr.replace(&format!("{before}{}", target.pid()), &format!("{before}PID"));
    }
    Attempt { outcome, map: target.map(case.kind), setgroups: target.setgroups() }
}
