//! Where the instructions of the one-line case go, by function, as callgrind counts them.
//!
//! A program that gains privilege by its exec cannot run in valgrind(1). So it is root who calls here, with a line of root's
//! own: the way of a request is the same, but for the change of ids.

use std::process::Command;

use super::case::Case;
use super::contender::{Contender, Program};
use super::harness::{Kind, ROOT, Way, World, finish};

const RANGES: &str = "0 0 1 1 100000 65536";

pub fn print(world: &World) {
    world.delegate("root:100000:65536\n");
    for (title, program) in [("ours", Program::Ours), ("reference", Program::Reference)] {
        let contender = Contender { program, way: Way::Unprivileged };
        let target = world.namespace(ROOT);
        let profile = World::etc(title);
        let mut valgrind = ROOT.command("valgrind");
        valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", profile.display()));
        let outcome =
            finish(valgrind.arg(contender.path(Kind::Uid)).arg(target.pid()).args(RANGES.split(' ')));
        let case = Case { ranges: RANGES.into(), ..Case::of_lines(1) };
        assert_eq!((target.map(Kind::Uid), outcome.status), (case.map(), Some(0)), "{outcome:?}");
        let mut annotate = Command::new("callgrind_annotate");
        let annotated = finish(annotate.args(["--threshold=80", "--auto=no"]).arg(&profile));
        println!("== {title}\n{}", annotated.stdout);
        assert_eq!(annotated.status, Some(0), "{annotated:?}");
    }
}
