//! The compared programs, each installed in both modes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::harness::{IdType, InstallMode, Sandbox, must_succeed};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    Ours,
    /// The programs of shadow, or of the directory `REFERENCE`.
    Reference,
    /// A program that returns 0, linked dynamically to the C library as the others are. Installed without privilege.
    Nothing,
}

/// A program in an install mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    pub program: Program,
    pub mode: InstallMode,
}

const NOTHING: &str = "/mnt/nothing";

impl Contender {
    pub const NOTHING: Self = Self { program: Program::Nothing, mode: InstallMode::Unprivileged };

    /// Installs the programs of these two directories in both modes and without privilege, and the program that does nothing.
    pub fn install(_sandbox: &Sandbox, ours: &Path, reference: &Path) {
        for (program, built) in [(Program::Ours, ours), (Program::Reference, reference)] {
            for mode in [InstallMode::Setuid, InstallMode::Caps, InstallMode::Unprivileged] {
                let programs = IdType::BOTH.map(|id_type| built.join(id_type.program()));
                mode.install(programs, &Self { program, mode }.directory());
            }
        }
        let source = format!("{NOTHING}.c");
        fs::write(&source, "int main(void) { return 0; }\n").unwrap();
        must_succeed(Command::new("gcc").args(["-O2", "-o", NOTHING, &source]));
    }

    pub fn path(self, id_type: IdType) -> PathBuf {
        if self.program == Program::Nothing {
            NOTHING.into()
        } else {
            self.directory().join(id_type.program())
        }
    }

    fn directory(self) -> PathBuf {
        Path::new("/mnt").join(format!("{:?}", self.program)).join(format!("{:?}", self.mode))
    }
}
