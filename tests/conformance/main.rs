//! Runs each case with the programs of this package and with those of shadow, in new namespaces. Exit status, stdout, map,
//! setgroups and the first line of stderr must be equal, or differ as docs/compatibility.md says.
//!
//! `make conformance` runs this program through run.sh. `UIDMAP_REFERENCE` is a root file system with shadow's programs,
//! `UIDMAP_SUITE` their Debian suite. `UIDMAP_CASES` is the number of generated cases, `UIDMAP_SEED` their seed. `UIDMAP_CASE` is
//! the number of a single case to run and print in full.
#![allow(missing_docs, unreachable_pub)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::exit,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::too_many_lines,
    clippy::unused_self,
    clippy::unwrap_used,
    // This program uses only a part of the harness.
    dead_code
)]

#[path = "../harness/mod.rs"]
mod harness;

mod bench;
mod case;
mod deviation;
mod files;
mod generate;
mod reference;
mod table;
mod witness;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bench::{Bench, Suite};
use deviation::expected;
use generate::Made;
use harness::in_sandbox;
use table::Table;
use witness::Witness;

/// The number of cases for each result.
#[derive(Default)]
struct Tally(Mutex<BTreeMap<String, u64>>);

impl Tally {
    fn count(&self, what: impl Into<String>) {
        *self.0.lock().unwrap().entry(what.into()).or_default() += 1;
    }

    fn of(&self, what: &str) -> u64 {
        self.0.lock().unwrap().get(what).copied().unwrap_or_default()
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
    let name = std::env::var("UIDMAP_SUITE").unwrap();
    let suite = Suite::ALL
        .into_iter()
        .find(|suite| suite.name() == name)
        .expect("UIDMAP_SUITE must be a known Debian suite");
    let (table, tally) = (&Table::read(), &Tally::default());
    if let Some(case) = number("UIDMAP_CASE") {
        let tell = |bench: &Bench| compare(bench, table, &generate::case(case), tally, true);
        return in_sandbox(|sandbox| tell(&Bench::new(sandbox, &root, suite)));
    }
    for dispute in table.disputes(&Witness::all()) {
        tally.count("broken");
        println!("BROKEN docs/compatibility.md: {dispute}");
    }
    let (cases, seed) = (number("UIDMAP_CASES").unwrap_or(2000), number("UIDMAP_SEED").unwrap_or(1));
    let next = &AtomicU64::new(0);
    let work = |is_first| {
        in_sandbox(|sandbox| {
            let bench = Bench::new(sandbox, &root, suite);
            let witnesses = if is_first { Witness::all() } else { Vec::new() };
            witnesses.iter().filter(|one| one.is_broken(&bench)).for_each(|_| tally.count("broken"));
            while let Some(index) = Some(next.fetch_add(1, Relaxed)).filter(|index| *index < cases) {
                let made = generate::case(seed.wrapping_mul(1_000_003).wrapping_add(index));
                compare(&bench, table, &made, tally, false);
            }
        });
    };
    std::thread::scope(|scope| {
        let count = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        (0..count).for_each(|index| drop(scope.spawn(move || work(index == 0))));
    });
    for (what, seen) in tally.0.lock().unwrap().iter().filter(|(what, _)| what.starts_with("deviation")) {
        println!("{what}: {seen} cases");
    }
    let (accepted, unexplained, broken) = (tally.of("accepted"), tally.of("unexplained"), tally.of("broken"));
    println!(
        "conformance: {cases} cases from seed {seed}, {accepted} accepted by both, {unexplained} unexplained, {broken} broken"
    );
    std::process::exit(i32::from(unexplained + broken > 0 || accepted * 3 < cases));
}

fn compare(bench: &Bench, table: &Table, made: &Made, tally: &Tally, is_printed: bool) {
    let theirs = bench.theirs(&made.case);
    let (expected, deviations) = expected(made, bench.suite, table, |case| bench.ours(case));
    let is_expected = theirs == expected;
    if !is_expected {
        tally.count("unexplained");
    } else if deviations.is_empty() && theirs.status == Some(0) {
        tally.count("accepted");
    }
    for deviation in deviations.iter().filter(|_| is_expected) {
        tally.count(format!("deviation {deviation:2}"));
    }
    if is_printed || !is_expected {
        let (result, case) = (if is_expected { "AS EXPECTED" } else { "DIFFERENCE" }, &made.case);
        println!("{result} {case:#?}\n  ours:     {}\n  theirs:   {theirs}", bench.ours(case));
        println!("  expected: {expected}, by deviations {deviations:?}");
        println!("  again:    make conformance SUITES={} CASE={}", bench.suite.name(), case.label);
    }
}
