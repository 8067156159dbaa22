//! A user namespace to try on: a process that makes one and waits.
//!
//! The process is this program a second time: unshare(2) changes the calling process, and the check needs its own namespace.

use std::io::{self, BufRead, BufReader, Read, Write, stdin, stdout};
use std::process::{Child, Command, ExitCode, Stdio};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use thiserror::Error;

use crate::reason::Reason;

/// The option of uidmap-check that starts the process.
pub const HOLD_NAMESPACE: &str = "hold-namespace";

/// The answer of the process when the namespace is made; otherwise the answer is an errno(3).
const READY: &str = "ready";

/// Why there is no namespace.
#[derive(Debug, Error)]
#[error("cannot be made: {}", Reason::from(*errno))]
pub(super) struct Refusal {
    /// From unshare(2), or from starting the process.
    pub(super) errno: Errno,
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Self { errno }
    }
}

/// The process in the new namespace.
#[derive(Debug)]
pub(super) struct Namespace(Child);

impl Namespace {
    /// Starts it, and waits until it is there.
    pub(super) fn make() -> Result<Self, Refusal> {
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

/// The process waits for the end of its stdin, so that it cannot outlive this one.
impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Makes a user namespace, answers on stdout, and waits until stdin is closed.
#[must_use]
pub fn hold_namespace() -> ExitCode {
    let number = |errno| io::Error::from(errno).raw_os_error().unwrap_or(libc::EIO);
    let answer = match unshare(CloneFlags::CLONE_NEWUSER) {
        Ok(()) => READY.to_owned(),
        Err(errno) => number(errno).to_string(),
    };
    let said = stdout().write_all(format!("{answer}\n").as_bytes());
    let waited = said.and_then(|()| stdin().read_to_end(&mut Vec::new()));
    if waited.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
