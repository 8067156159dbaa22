//! A new user namespace for the trials: a child process creates the namespace and waits.
//!
//! The child is this program, started a second time with a hidden option. The check itself must stay outside, because the kernel
//! accepts a map only from the parent namespace. The exec makes the child dumpable, so the user owns its files in `/proc`.

use std::io::{self, BufRead, BufReader, Read, Write, stdin, stdout};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use thiserror::Error;

use super::next_steps;
use super::report::Remedy;
use crate::explain::cause::Key;
use crate::explain::causes;
use crate::explain::evidence::process::Process;
use crate::reason::Reason;

/// The option of uidmap-check that runs [`hold_namespace`].
pub const HOLD_NAMESPACE: &str = "hold-namespace";

/// The file of the running program.
const OWN_FILE: &str = "/proc/self/exe";

/// The answer of the child if the namespace is created; otherwise the answer is an errno(3).
const READY: &str = "ready";

/// An answer is shorter.
const MAX_ANSWER: u64 = 64;

/// The answer of the child if all next steps were taken; otherwise the answer is a refusal.
const DONE: &str = "done";

/// Why there is no namespace.
#[derive(Debug, Error)]
pub(super) enum Refusal {
    /// unshare(2) failed.
    #[error("cannot be created: {}", Reason::from(*.0))]
    Create(Errno),
    /// Nothing is known about user namespaces.
    #[error("not tried: uidmap-check cannot start a process of its own: {0}")]
    Start(Reason),
}

impl Refusal {
    pub(super) fn remedies(&self, process: &Process) -> Vec<Remedy> {
        match self {
            Self::Create(errno) => {
                causes::no_namespace(*errno, process).into_iter().map(Into::into).collect()
            }
            Self::Start(reason) => not_started(*reason).into_iter().collect(),
        }
    }
}

fn not_started(reason: Reason) -> Option<Remedy> {
    match reason.errno() {
        Errno::ENOENT => Some(Remedy::new(
            Key::Proc,
            format!("{OWN_FILE} or /dev/null does not exist"),
            "have /proc and /dev mounted here, as in a usual container",
        )),
        Errno::EAGAIN | Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM => Some(Remedy {
            key: None,
            cause: "a limit on processes, open files or memory is reached".to_owned(),
            fix: Some("raise the limit; ulimit -a shows the limits of a shell".to_owned()),
        }),
        _ => None,
    }
}

/// The child in the new namespace.
#[derive(Debug)]
pub(super) struct Namespace {
    child: Child,
    answers: Option<BufReader<ChildStdout>>,
}

impl Namespace {
    /// Starts the child, and waits for its answer.
    pub(super) fn create() -> Result<Self, Refusal> {
        let mut command = Command::new(OWN_FILE);
        command
            .arg(format!("--{HOLD_NAMESPACE}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| Refusal::Start(error.into()))?;
        let answers = child.stdout.take().map(BufReader::new);
        let mut namespace = Self { child, answers };
        let answer = namespace.answer();
        if answer == READY {
            return Ok(namespace);
        }
        Err(Refusal::Create(answer.parse().map_or(Errno::EIO, Errno::from_raw)))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has the child take the steps that follow the maps.
    pub(super) fn take_next_steps(&mut self) -> Result<(), next_steps::Refusal> {
        if let Some(stdin) = &mut self.child.stdin {
            // If the child has ended, there is no answer either.
            let _ = stdin.write_all(b"\n");
        }
        match self.answer().as_str() {
            DONE => Ok(()),
            answer => Err(next_steps::decode(answer).unwrap_or(next_steps::Refusal {
                step: next_steps::Step::MountNamespace,
                errno: Errno::EIO,
            })),
        }
    }

    /// The label of the security module in the namespace; `None` if there is none.
    pub(super) fn security_label(&self) -> Option<String> {
        let label = std::fs::read_to_string(format!("/proc/{}/attr/current", self.pid())).ok()?;
        let label = label.trim_end_matches(['\n', '\0']);
        (!label.is_empty()).then(|| label.to_owned())
    }

    /// The next line of the child; empty if the child has ended.
    fn answer(&mut self) -> String {
        let mut answer = String::new();
        if let Some(answers) = &mut self.answers {
            // Another process of the user may have changed the child.
            let _ = answers.take(MAX_ANSWER).read_line(&mut answer);
        }
        answer.trim_end().to_owned()
    }
}

/// The child ends when its stdin is closed, also if this process is killed.
impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Creates a user namespace, answers on stdout, takes the next steps for each line of stdin, and ends with stdin.
#[must_use]
pub fn hold_namespace() -> ExitCode {
    let answer = match unshare(CloneFlags::CLONE_NEWUSER) {
        Ok(()) => READY.to_owned(),
        Err(errno) => io::Error::from(errno).raw_os_error().unwrap_or(libc::EIO).to_string(),
    };
    let mut answered = say(&answer);
    for line in stdin().lines() {
        answered = answered.and(line).and_then(|_| match next_steps::take() {
            Ok(()) => say(DONE),
            Err(refusal) => say(&next_steps::encode(refusal)),
        });
        if answered.is_err() {
            break;
        }
    }
    if answered.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(answer: &str) -> io::Result<()> {
    stdout().write_all(format!("{answer}\n").as_bytes())
}
