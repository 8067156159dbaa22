//! Counts the instructions of the one-line case by function with callgrind.
//!
//! A program that gains privilege by its exec cannot run in valgrind(1). Root is therefore the caller, with a line of its own; only
//! the change of ids differs from a run of another user. valgrind of Debian 12 lacks openat2(2), with which our program opens the
//! map. The run fails there, and the instructions of the explanation are not counted.

use std::process::Command;

use super::case::Case;
use super::contender::{Contender, Program};
use super::harness::{IdType, InstallMode, ROOT, Sandbox, finish};

/// The first function of the explanation of a failure.
const EXPLANATION: &str = "uidmap::explain::explain*";

const NO_OPENAT2: &str = "newuidmap: open of uid_map failed: Function not implemented\n";

const RANGES: &str = "0 0 1 1 100000 65536";

pub fn print(sandbox: &Sandbox) {
    sandbox.delegate("root:100000:65536\n");
    for (title, program) in [("ours", Program::Ours), ("reference", Program::Reference)] {
        let contender = Contender { program, mode: InstallMode::Unprivileged };
        let target = sandbox.namespace(ROOT);
        let whole = Sandbox::etc(title);
        let before_the_cause = Sandbox::etc(&format!("{title}.1"));
        let mut valgrind = ROOT.command("valgrind");
        valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", whole.display()));
        valgrind.arg(format!("--dump-before={EXPLANATION}"));
        let outcome =
            finish(valgrind.arg(contender.path(IdType::Uid)).arg(target.pid()).args(RANGES.split(' ')));
        let profile = if program == Program::Ours && outcome.stderr.contains(NO_OPENAT2) {
            before_the_cause
        } else {
            let case = Case { ranges: RANGES.into(), ..Case::of_lines(1) };
            assert_eq!((target.map(IdType::Uid), outcome.status), (case.map(), Some(0)), "{outcome:?}");
            whole
        };
        let mut annotate = Command::new("callgrind_annotate");
        let annotated = finish(annotate.args(["--threshold=80", "--auto=no"]).arg(&profile));
        println!("== {title}\n{}", annotated.stdout);
        assert_eq!(annotated.status, Some(0), "{annotated:?}");
    }
}
