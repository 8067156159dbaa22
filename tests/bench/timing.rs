//! Measures the time of one case from the start to the end of a program; the programs take turns.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::case::Case;
use super::contender::{Contender, Program};
use super::harness::{InstallMode, Namespace, Person, ROOT, Sandbox};
use super::report::{Row, Unit};
use super::samples::Samples;

/// The number of runs of a case.
#[derive(Clone, Copy, Debug)]
pub enum Runs {
    Fixed(usize),
    /// As many runs as fit into about this time, within limits.
    For(Duration),
}

const FEWEST: u32 = 15;
const MOST: u32 = 1000;
const WARM_UPS: u32 = 3;

impl Runs {
    pub fn from_setting(setting: Option<&str>) -> Self {
        setting.map_or(Self::For(Duration::from_secs(20)), |runs| Self::Fixed(runs.parse().unwrap()))
    }

    fn rounds(self, round: Duration) -> usize {
        match self {
            Self::Fixed(runs) => runs.max(1),
            Self::For(time) => {
                let rounds = u32::try_from(time.as_micros() / round.as_micros().max(1)).unwrap_or(MOST);
                rounds.clamp(FEWEST, MOST).try_into().unwrap()
            }
        }
    }
}

/// Measures a row for each goal and each mode.
pub fn rows(sandbox: &Sandbox, case: &Case, runs: Runs) -> Vec<Row> {
    let mut contenders: Vec<Contender> = Vec::new();
    for mode in InstallMode::GOOD {
        contenders.push(Contender { program: Program::Ours, mode });
        for goal in &case.goals {
            contenders.push(opponent(goal.against, mode));
        }
    }
    let samples = measure(sandbox, case, &contenders, runs);
    let of = |wanted: Contender| {
        let place = contenders.iter().position(|contender| *contender == wanted).unwrap();
        samples[place].clone()
    };
    let mut rows = Vec::new();
    for goal in &case.goals {
        for mode in InstallMode::GOOD {
            let against = if goal.against == Program::Nothing { ", against doing nothing" } else { "" };
            rows.push(Row {
                case: format!("{}{against}", case.name),
                mode,
                unit: Unit::Microseconds,
                ours: of(Contender { program: Program::Ours, mode }),
                theirs: of(opponent(goal.against, mode)),
                goal: *goal,
            });
        }
    }
    rows
}

fn opponent(program: Program, mode: InstallMode) -> Contender {
    if program == Program::Nothing { Contender::NOTHING } else { Contender { program, mode } }
}

/// A round has one run of each program. Every second round is in reverse order, so that no program always follows the same one.
pub fn measure(sandbox: &Sandbox, case: &Case, contenders: &[Contender], runs: Runs) -> Vec<Samples> {
    sandbox.delegate(&case.file);
    let started = Instant::now();
    for _ in 0..WARM_UPS {
        for contender in contenders {
            run(sandbox, case, *contender);
        }
    }
    let rounds = runs.rounds(started.elapsed() / WARM_UPS);
    let mut samples = vec![Samples::default(); contenders.len()];
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            let place = if round % 2 == 0 { turn } else { contenders.len() - 1 - turn };
            samples[place].push(run(sandbox, case, contenders[place]));
        }
    }
    samples
}

/// The time in microseconds of a run for a new namespace.
fn run(sandbox: &Sandbox, case: &Case, contender: Contender) -> f64 {
    let target = sandbox.namespace(case.caller);
    let (status, time) = timed(case, contender, &target);
    check(case, contender, &target, status);
    time.as_secs_f64() * 1e6
}

/// Measures only the start, the run and the end of the program. This thread takes the ids of the caller beforehand, so that the
/// program is started by posix_spawn(3): a fork(2) to change ids would add its own cost.
fn timed(case: &Case, contender: Contender, target: &Namespace) -> (ExitStatus, Duration) {
    let mut command = Command::new(contender.path(case.id_type));
    command.env_clear().arg(target.pid()).args(case.ranges.split(' '));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    become_person(case.caller);
    let started = Instant::now();
    let status = command.status();
    let time = started.elapsed();
    become_person(ROOT);
    (status.unwrap(), time)
}

/// Gives this thread the real and effective ids of the person. The saved ids stay 0 until the exec.
fn become_person(person: Person) {
    let (uid, gid) = (Uid::from_raw(person.uid), Gid::from_raw(person.gid));
    set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).unwrap();
    set_thread_groups(&[]).unwrap();
    set_thread_res_gid(gid, gid, Gid::ROOT).unwrap();
    set_thread_res_uid(uid, uid, Uid::ROOT).unwrap();
}

/// Asserts that the measured run had the expected result.
fn check(case: &Case, contender: Contender, target: &Namespace, status: ExitStatus) {
    let (map, code) = match contender.program {
        Program::Nothing => (String::new(), 0),
        Program::Ours | Program::Reference => (case.map(), i32::from(!case.is_allowed)),
    };
    assert_eq!((target.map(case.id_type), status.code()), (map, Some(code)), "{contender:?}: {}", case.name);
}
