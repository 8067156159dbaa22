//! What a run costs apart from time: memory, system calls, and what is done with privilege.

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

/// The KiB that were resident at most, from wait4(2), as time(1) tells. It is a small program of its own between, because
/// what the parent had resident when it forked would count, too.
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

/// How many there are from the program's exec on, that and the exit included.
fn system_calls(sandbox: &Sandbox, case: &Case, contender: Contender) -> f64 {
    let log = trace(sandbox, case, contender);
    // strace starts setpriv, and setpriv the program.
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

/// A whole run of alice's, as strace tells it.
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
