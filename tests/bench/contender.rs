//! The programs that are compared, each installed in both ways that work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::harness::{Kind, Way, World, must_succeed};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    Ours,
    /// Shadow's, unless the bench was given another directory.
    Reference,
    /// Linked dynamically to the C library, as the others are; returns 0. Installed without privilege.
    Nothing,
}

/// A program that is installed in some way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    pub program: Program,
    pub way: Way,
}

const NOTHING: &str = "/mnt/nothing";

impl Contender {
    pub const NOTHING: Self = Self { program: Program::Nothing, way: Way::Unprivileged };

    /// Installs the programs of these two directories, each in both ways and, for those who may not gain privilege, without any;
    /// and the program that does nothing.
    pub fn install(_world: &World, ours: &Path, reference: &Path) {
        for (program, built) in [(Program::Ours, ours), (Program::Reference, reference)] {
            for way in [Way::Setuid, Way::Caps, Way::Unprivileged] {
                let programs = Kind::BOTH.map(|kind| built.join(kind.program()));
                way.install(programs, &Self { program, way }.directory());
            }
        }
        let source = format!("{NOTHING}.c");
        fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        must_succeed(Command::new("gcc").args(["-O2", "-o", NOTHING, &source]));
    }

    pub fn path(self, kind: Kind) -> PathBuf {
        if self.program == Program::Nothing { NOTHING.into() } else { self.directory().join(kind.program()) }
    }

    fn directory(self) -> PathBuf {
        Path::new("/mnt").join(format!("{:?}", self.program)).join(format!("{:?}", self.way))
    }
}
