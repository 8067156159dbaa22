//! The time of a run by the number of lines; the caller's line is the last one.

use super::case::Case;
use super::contender::{Contender, Program};
use super::harness::{InstallMode, Sandbox};
use super::samples::Samples;
use super::timing::{self, Runs};

pub const NAME: &str = "growth";

const LINES: [u32; 7] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

/// The times in microseconds for a file of this many lines.
#[derive(Debug)]
pub struct Point {
    pub lines: u32,
    ours: Samples,
    theirs: Samples,
    nothing: Samples,
}

impl Point {
    pub fn of(&self, program: Program) -> &Samples {
        match program {
            Program::Ours => &self.ours,
            Program::Reference => &self.theirs,
            Program::Nothing => &self.nothing,
        }
    }
}

/// Measures the setuid root mode, which Debian's programs have.
pub fn measure(sandbox: &Sandbox, runs: Runs) -> Vec<Point> {
    let mode = InstallMode::Setuid;
    let ours = Contender { program: Program::Ours, mode };
    let theirs = Contender { program: Program::Reference, mode };
    let point = |lines| {
        eprintln!("growth, {lines} lines ...");
        let samples =
            timing::measure(sandbox, &Case::of_lines(lines), &[ours, theirs, Contender::NOTHING], runs);
        let [ours, theirs, nothing] = samples.try_into().unwrap();
        Point { lines, ours, theirs, nothing }
    };
    LINES.into_iter().map(point).collect()
}
