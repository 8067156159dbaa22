//! The same cases through our programs and through shadow's, each in fresh namespaces of the same machine: exit status,
//! stdout, map, setgroups and the first line of stderr have to be the same, unless the case is one of the deviations of
//! docs/compatibility.md.
//!
//! Run by `make conformance`, see run.sh. `UIDMAP_REFERENCE` is a root file system with shadow's programs, `UIDMAP_SUITE` the
//! Debian release that it is of, `UIDMAP_CASES` says how many cases, `UIDMAP_SEED` which; `UIDMAP_CASE` is the number of
//! a single one, which is told in full.
#![allow(missing_docs, unreachable_pub)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::exit,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::too_many_lines,
    // Results of deviations have one type.
    clippy::unnecessary_wraps,
    clippy::unreachable,
    clippy::unused_self,
    clippy::unwrap_used,
    // The harness has more than this program needs.
    dead_code
)]

#[path = "../harness/mod.rs"]
mod harness;

mod bench;
mod case;
mod deviation;
mod files;
mod generate;
mod here;
mod readings;
mod reference;
mod results;
mod settings;
mod table;
mod witness;
mod wordings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bench::{Bench, Version};
use case::Case;
use deviation::{Deviation, Probe, explanation};
use harness::in_world;

/// What a run found.
#[derive(Default)]
struct Tally {
    accepted: u64,
    deviations: BTreeMap<Deviation, u64>,
    differences: u64,
    broken: u64,
}

impl Tally {
    fn add(mut self, other: &Self) -> Self {
        self.accepted += other.accepted;
        self.differences += other.differences;
        self.broken += other.broken;
        for (deviation, seen) in &other.deviations {
            *self.deviations.entry(*deviation).or_default() += seen;
        }
        self
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(|value| value.parse().unwrap())
}

fn main() {
    let Some(root) = std::env::var_os("UIDMAP_REFERENCE").map(PathBuf::from) else {
        println!("skipped: UIDMAP_REFERENCE does not name a root file system with shadow's programs");
        std::process::exit(i32::from(std::env::var_os("CI").is_some()));
    };
    let version = match std::env::var("UIDMAP_SUITE").as_deref() {
        Ok("bookworm") => Version::Debian12,
        Ok("trixie") => Version::Debian13,
        other => panic!("UIDMAP_SUITE is bookworm or trixie, not {other:?}"),
    };
    if let Some(case) = number("UIDMAP_CASE") {
        return in_world(|world| tell(&Bench::new(world, &root, version), &generate::case(case)));
    }
    let disputes = table::disputes();
    for dispute in &disputes {
        println!("BROKEN docs/compatibility.md: {dispute}");
    }
    let (cases, seed) = (number("UIDMAP_CASES").unwrap_or(2000), number("UIDMAP_SEED").unwrap_or(1));
    let (root, next) = (root.as_path(), &AtomicU64::new(0));
    let tally = std::thread::scope(|scope| {
        let work = |is_first| scope.spawn(move || work(root, version, is_first, seed, cases, next));
        let count = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let workers: Vec<_> = (0..count).map(|index| work(index == 0)).collect();
        workers.into_iter().fold(Tally::default(), |sum, worker| sum.add(&worker.join().unwrap()))
    });
    for (deviation, seen) in &tally.deviations {
        println!("deviation {} ({deviation:?}): {seen} cases", deviation.number());
    }
    println!(
        "conformance: {cases} cases from seed {seed}, {} accepted by both, {} unexplained, {} broken",
        tally.accepted,
        tally.differences,
        tally.broken + disputes.len() as u64
    );
    let is_good = tally.differences + tally.broken == 0 && disputes.is_empty() && tally.accepted * 3 >= cases;
    std::process::exit(i32::from(!is_good));
}

/// Takes cases until there are no more.
fn work(root: &Path, version: Version, is_first: bool, seed: u64, count: u64, next: &AtomicU64) -> Tally {
    let mut tally = Tally::default();
    in_world(|world| {
        let bench = Bench::new(world, root, version);
        if is_first {
            tally.broken = witness::broken(&bench);
        }
        loop {
            let index = next.fetch_add(1, Relaxed);
            if index >= count {
                return;
            }
            compare(&bench, &generate::case(seed.wrapping_mul(1_000_003).wrapping_add(index)), &mut tally);
        }
    });
    tally
}

fn compare(bench: &Bench, case: &Case, tally: &mut Tally) {
    let (ours, theirs) = (bench.ours(case), bench.theirs(case));
    if ours == theirs {
        tally.accepted += u64::from(ours.status == Some(0));
        return;
    }
    let ours_of = |case: &Case| bench.ours(case);
    let found = explanation(case, &theirs, &Probe::new(&ours_of, bench.version));
    if found.is_none() {
        tally.differences += 1;
        println!("DIFFERENCE {case:#?}\n  ours:   {ours:?}\n  theirs: {theirs:?}");
        println!("  again:  make conformance CASE={}", case.label);
    }
    for deviation in found.into_iter().flatten() {
        *tally.deviations.entry(deviation).or_default() += 1;
    }
}

/// Everything about one case.
fn tell(bench: &Bench, case: &Case) {
    let (ours, theirs) = (bench.ours(case), bench.theirs(case));
    println!("{case:#?}\nours:   {ours:#?}\ntheirs: {theirs:#?}");
    let run = |case: &Case| bench.ours(case);
    if ours != theirs {
        println!("put down to: {:?}", explanation(case, &theirs, &Probe::new(&run, bench.version)));
    }
}
