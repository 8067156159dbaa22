//! The costs of a run other than time: memory, system calls, and privileged system calls.

use std::fs;

use super::case::{Case, Goal};
use super::contender::{Contender, Program};
use super::harness::privileged::Privileged;
use super::harness::tracing::traced;
use super::harness::{ALICE, InstallMode, Sandbox, finish};
use super::report::{Row, Unit};
use super::samples::Samples;

pub const NAME: &str = "memory, system calls and privilege";

const RUNS: usize = 11;

pub fn rows(sandbox: &Sandbox) -> Vec<Row> {
    let memory = |lines: u32, at_most: f64| {
        let case = Case::of_lines(lines);
        let name = if lines == 1 { "peak memory, 1 line" } else { "peak memory, 100,000 lines" };
        let goal = Goal { against: Program::Reference, at_most, aim: None };
        rows_of(sandbox, name, Unit::Kibibytes, goal, &case, peak_memory)
    };
    let one_line = Case::of_lines(1);
    let counted = |name, at_most, aim, measure| {
        let goal = Goal { against: Program::Reference, at_most, aim };
        rows_of(sandbox, name, Unit::Count, goal, &one_line, measure)
    };
    [
        memory(1, 1.0),
        memory(100_000, 0.25),
        counted("system calls, 1 line", 0.66, Some(0.6), system_calls),
        counted("system calls with privilege, 1 line", 0.4, None, calls_with_privilege),
        counted("bytes of input read with privilege, 1 line", 0.0, None, bytes_read_with_privilege),
    ]
    .concat()
}

fn rows_of(
    sandbox: &Sandbox,
    name: &str,
    unit: Unit,
    goal: Goal,
    case: &Case,
    measure: fn(&Sandbox, &Case, Contender) -> f64,
) -> Vec<Row> {
    sandbox.delegate(&case.file);
    let row = |mode| {
        let (mut ours, mut theirs) = (Samples::default(), Samples::default());
        for _ in 0..RUNS {
            ours.push(measure(sandbox, case, Contender { program: Program::Ours, mode }));
            theirs.push(measure(sandbox, case, Contender { program: goal.against, mode }));
        }
        Row { case: name.to_owned(), mode, unit, ours, theirs, goal }
    };
    InstallMode::GOOD.into_iter().map(row).collect()
}

/// The peak resident memory in KiB, as time(1) reports it from wait4(2). The peak includes the pages of the parent before the exec,
/// so the parent must be as small as time(1).
fn peak_memory(sandbox: &Sandbox, case: &Case, contender: Contender) -> f64 {
    let target = sandbox.namespace(case.caller);
    let mut time = ALICE.command("/usr/bin/time");
    time.args(["--format=%M"]).arg(contender.path(case.id_type));
    let outcome = finish(time.arg(target.pid()).args(case.ranges.split(' ')));
    assert_eq!(
        (target.map(case.id_type), outcome.status),
        (case.map(), Some(0)),
        "{contender:?}: {outcome:?}"
    );
    outcome.stderr.trim().parse().unwrap()
}

/// The number of system calls from the exec of the program to its exit, both included.
fn system_calls(sandbox: &Sandbox, case: &Case, contender: Contender) -> f64 {
    let log = trace(sandbox, case, contender);
    // strace starts setpriv, which starts the program: the last exec is the program's.
    let (_, run) = log.rsplit_once(" execve(").unwrap();
    number(run.lines().count())
}

fn calls_with_privilege(sandbox: &Sandbox, case: &Case, contender: Contender) -> f64 {
    number(Privileged::of(&trace(sandbox, case, contender), contender.mode).calls)
}

fn bytes_read_with_privilege(sandbox: &Sandbox, case: &Case, contender: Contender) -> f64 {
    number(Privileged::of(&trace(sandbox, case, contender), contender.mode).bytes_read)
}

fn number(count: usize) -> f64 {
    u32::try_from(count).unwrap().into()
}

/// The strace log of a run by alice.
fn trace(sandbox: &Sandbox, case: &Case, contender: Contender) -> String {
    let target = sandbox.namespace(ALICE);
    let log = "/etc/trace";
    let program = contender.path(case.id_type);
    let outcome = finish(&mut traced(&program, &target.pid(), &case.ranges, log, "trace=all"));
    assert_eq!(
        (target.map(case.id_type), outcome.status),
        (case.map(), Some(0)),
        "{contender:?}: {outcome:?}"
    );
    fs::read_to_string(log).unwrap()
}
