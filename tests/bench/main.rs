//! Measures our programs and those of shadow in one sandbox, and the growth of the time with the size of the subid file.
//!
//! The benchmark fails if a program does not write the expected map, and never because of a figure. `make bench`,
//! `make profile` and `make faults` run it with these settings:
//!
//! - `UIDMAP_OURS`: the directory of our programs; `UIDMAP_REFERENCE`: the directory of the programs to compare with;
//!   `UIDMAP_REFERENCE_VERSION`: their version;
//! - `UIDMAP_RUNS`: the number of runs of each case; by default the time decides;
//! - `UIDMAP_ONLY`: a part of the names of the cases to measure; `UIDMAP_CPU`: the CPU to use.
//!
//! A run of all cases also writes the figures to `target/bench.md` and the plot to `target/bench.svg`.
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
    // This program uses only a part of the harness.
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

/// A setting from the environment; `None` if it is empty.
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn main() {
    let directory = |name| setting(name).map(PathBuf::from);
    let (Some(ours), Some(reference)) = (directory("UIDMAP_OURS"), directory("UIDMAP_REFERENCE")) else {
        println!("skipped: UIDMAP_OURS and UIDMAP_REFERENCE do not both name a directory with programs");
        std::process::exit(i32::from(std::env::var_os("CI").is_some()));
    };
    // The description needs files in /etc that the sandbox does not have.
    let machine = machine::describe(&ours);
    in_sandbox(|sandbox| {
        Contender::install(sandbox, &ours, &reference);
        if let Some(cpu) = setting("UIDMAP_CPU") {
            let mut cpus = CpuSet::new();
            cpus.set(cpu.parse().unwrap()).unwrap();
            // The affinity of this thread, which child processes inherit.
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
