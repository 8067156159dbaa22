//! Shadow's programs, in the root file system of the Debian release that they are from.

use std::ffi::OsStr;
use std::path::Path;

use nix::mount::{MsFlags, mount};

use super::harness::{Kind, Outcome, Person, ROOT, World, finish};

#[derive(Clone, Copy)]
pub struct Reference<'a>(&'a Path);

impl<'a> Reference<'a> {
    /// Gives the root file system the /etc and the /proc of this world.
    pub fn new(_world: &World, root: &'a Path) -> Self {
        let no: Option<&str> = None;
        for shared in ["etc", "proc"] {
            mount(Some(&Path::new("/").join(shared)), &root.join(shared), no, MsFlags::MS_BIND, no).unwrap();
        }
        Self(root)
    }

    pub fn run<S: AsRef<OsStr>>(self, kind: Kind, caller: Person, arguments: &[S]) -> Outcome {
        let mut command = ROOT.command("chroot");
        command.arg(format!("--userspec={}:{}", caller.uid, caller.gid)).arg("--groups=").arg(self.0);
        finish(command.arg(Path::new("/usr/bin").join(kind.program())).args(arguments))
    }
}
