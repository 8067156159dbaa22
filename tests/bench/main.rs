//! How long our programs and shadow's take, side by side on one private machine, and how that grows with the file.
//!
//! It measures and never fails because of a figure; it fails if a program does not do what it was started for, since the
//! time for that says nothing. Run by `make bench`, `make profile` and `make faults`:
//!
//! - `UIDMAP_OURS` is a directory with our programs, `UIDMAP_REFERENCE` one with those to compare with, and
//!   `UIDMAP_REFERENCE_VERSION` says which they are;
//! - `UIDMAP_RUNS` is a number of runs, where the time that a case takes should not decide;
//! - `UIDMAP_ONLY` is part of the name of the cases to measure, and `UIDMAP_CPU` the one CPU to do so on.
//!
//! The figures of a run of all cases are also written to `target/bench.md`, and the plot to `target/bench.svg`.
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
mod contender;
mod cost;
mod disk;
mod growth;
mod machine;
mod plot;
mod profile;
mod report;
mod samples;
mod survival;
mod timing;

use std::path::PathBuf;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use case::{Case, LAST};
use contender::Contender;
use harness::{Sandbox, in_sandbox};
use report::{Report, Row};
use timing::Runs;

/// A setting from the environment; an empty one is none.
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn main() {
    let directory = |name| setting(name).map(PathBuf::from);
    let (Some(ours), Some(reference)) = (directory("UIDMAP_OURS"), directory("UIDMAP_REFERENCE")) else {
        println!("skipped: UIDMAP_OURS and UIDMAP_REFERENCE do not both name a directory with programs");
        std::process::exit(i32::from(std::env::var_os("CI").is_some()));
    };
    // The machine is described by files in /etc that the private one has not.
    let machine = machine::describe(&ours);
    in_sandbox(|sandbox| {
        Contender::install(sandbox, &ours, &reference);
        if let Some(cpu) = setting("UIDMAP_CPU") {
            let mut cpus = CpuSet::new();
            cpus.set(cpu.parse().unwrap()).unwrap();
            // Of this thread, and so of all that it starts.
            sched_setaffinity(Pid::from_raw(0), &cpus).unwrap();
        }
        match std::env::args().nth(1).as_deref() {
            Some("profile") => profile::print(sandbox),
            Some("faults") => survival::print(sandbox),
            _ => measure(sandbox, machine),
        }
    });
}

fn measure(sandbox: &Sandbox, machine: String) {
    let mut users = std::fs::read_to_string(Sandbox::etc("passwd")).unwrap();
    users.push_str(&format!("last:x:{}:{}::/:/bin/sh\n", LAST.uid, LAST.gid));
    sandbox.write("passwd", users);
    disk::keep_files(sandbox);
    let only = setting("UIDMAP_ONLY");
    let runs = Runs::from_setting(setting("UIDMAP_RUNS").as_deref());
    let wanted = |name: &str| only.as_deref().is_none_or(|only| name.contains(only));
    let mut rows: Vec<Row> = Vec::new();
    for case in Case::all().iter().filter(|case| wanted(case.name)) {
        eprintln!("{} ...", case.name);
        rows.extend(timing::rows(sandbox, case, runs));
    }
    if wanted(cost::NAME) {
        eprintln!("{} ...", cost::NAME);
        rows.extend(cost::rows(sandbox));
    }
    let growth = if wanted(growth::NAME) { growth::measure(sandbox, runs) } else { Vec::new() };
    let report = Report { machine, rows, growth };
    println!("{}", report.markdown());
    if only.is_none() {
        report.write();
    }
}
