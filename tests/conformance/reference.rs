//! Runs shadow's programs in the root file system of a Debian suite.

use std::os::unix::fs::chroot;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::harness::{Outcome, Sandbox, finish};

/// A thread whose root directory is that of the suite, so that commands need no chroot(8).
pub struct Reference {
    commands: Sender<Command>,
    outcomes: Receiver<Outcome>,
}

impl Reference {
    /// Bind-mounts /etc, /proc, /dev and the plugins of this sandbox into the root file system. The thread is in the mount namespace
    /// of the sandbox and ends with the reference.
    pub fn new(_sandbox: &Sandbox, root: &Path, plugins: &Path) -> Self {
        let no: Option<&str> = None;
        for shared in ["/etc", "/proc", "/dev"].map(Path::new).into_iter().chain([plugins]) {
            let inside = root.join(shared.strip_prefix("/").unwrap());
            mount(Some(shared), &inside, no, MsFlags::MS_BIND, no).unwrap();
        }
        let (commands, to_run) = channel::<Command>();
        let (done, outcomes) = channel();
        let root = root.to_owned();
        thread::spawn(move || {
            // Threads share the root directory until unshare(CLONE_FS).
            unshare(CloneFlags::CLONE_FS).unwrap();
            chroot(root).unwrap();
            for mut command in to_run {
                if done.send(finish(&mut command)).is_err() {
                    return;
                }
            }
        });
        Self { commands, outcomes }
    }

    pub fn run(&self, command: Command) -> Outcome {
        self.commands.send(command).unwrap();
        self.outcomes.recv().unwrap()
    }
}
