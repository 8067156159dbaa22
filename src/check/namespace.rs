//! A new user namespace for the trials: a child process creates the namespace and waits.
//!
//! The child is this program, started a second time with a hidden option. The check itself must stay outside, because the kernel
//! accepts a map only from the parent namespace. To fork without an exec would need unsafe code.

use std::io::{self, BufRead, BufReader, Read, Write, stdin, stdout};
use std::process::{Child, Command, ExitCode, Stdio};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use thiserror::Error;

use crate::reason::Reason;

/// The option of uidmap-check that runs [`hold_namespace`].
pub const HOLD_NAMESPACE: &str = "hold-namespace";

/// The answer of the child if the namespace is created; otherwise the answer is an errno(3).
const READY: &str = "ready";

/// Why there is no namespace.
#[derive(Debug, Error)]
#[error("cannot be created: {}", Reason::from(*errno))]
pub(super) struct Refusal {
    /// Of unshare(2), or of starting the child.
    pub(super) errno: Errno,
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self { errno }
    }
}

/// The child in the new namespace.
#[derive(Debug)]
pub(super) struct Namespace(Child);

impl Namespace {
    /// Starts the child, and waits for its answer.
    pub(super) fn create() -> Result<Self, Refusal> {
        let mut command = Command::new("/proc/self/exe");
        command
            .arg(format!("--{HOLD_NAMESPACE}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let errno = |error: io::Error| Refusal::from(Reason::from(error).errno());
        let mut namespace = Self(command.spawn().map_err(errno)?);
        let mut answer = String::new();
        if let Some(stdout) = &mut namespace.0.stdout {
            BufReader::new(stdout).read_line(&mut answer).map_err(errno)?;
        }
        match answer.trim_end() {
            READY => Ok(namespace),
            number => Err(number.parse().map_or(Errno::EIO, Errno::from_raw).into()),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }
}

/// The child ends when its stdin is closed, also if this process is killed.
impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Creates a user namespace, answers on stdout, and waits until stdin is closed.
#[must_use]
pub fn hold_namespace() -> ExitCode {
    let answer = match unshare(CloneFlags::CLONE_NEWUSER) {
        Ok(()) => READY.to_owned(),
        Err(errno) => io::Error::from(errno).raw_os_error().unwrap_or(libc::EIO).to_string(),
    };
    let answered = stdout().write_all(format!("{answer}\n").as_bytes());
    let waited = answered.and_then(|()| stdin().read_to_end(&mut Vec::new()));
    if waited.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
