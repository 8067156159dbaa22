//! What is the case, as far as it has to do with the failure: the half that asks.
//!
//! Every fact may be missing, and from a missing one nothing is concluded. Nothing here needs, or has, any privilege, and
//! nothing here can fail.

pub mod delegation;
pub mod mounts;
pub mod process;
pub mod program;
pub mod target;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::kill;
use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};
use nix::unistd::{Gid, Pid, getgroups};
use users::Users;

use crate::caller::Caller;
use crate::cli::Request;
use crate::config;
use crate::error::{Error, Reason};
use crate::extent::{self, Extent};
use crate::kind::Kind;
use crate::login;
use crate::privilege::Start;
use crate::shown::shown;
use delegation::Delegation;
use mounts::Mount;
use process::Process;
use program::Program;
use target::TargetFacts;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Which ids were to be mapped.
    pub kind: Kind,
    /// What the program was given.
    pub start: Start,
    /// Who called.
    pub caller: Option<Caller>,
    /// Why passwd(5) cannot be read, if it cannot: where it cannot, nobody is found in it.
    pub passwd: Option<Reason>,
    /// The target's word, fit to be shown.
    pub target_word: String,
    /// The ranges wanted; none if they are not well-formed.
    pub extents: Vec<Extent>,
    /// Our own process.
    pub process: Process,
    /// The program's file, and the mount that it is on.
    pub program: Option<(Program, Option<Mount>)>,
    /// The target, if it is there.
    pub target: Option<TargetFacts>,
    /// `/proc`.
    pub proc: ProcFacts,
    /// What is delegated; only where a range was refused.
    pub delegation: Option<Delegation>,
    /// The caller's supplementary groups.
    pub groups: Vec<u32>,
}

/// `/proc`, where the target is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcFacts {
    /// Whether it is a proc file system at all.
    pub mounted: Option<bool>,
    /// The mount that the target's file is on: its map, unless it was another that failed.
    pub mount: Option<Mount>,
    /// Whether it shows another PID namespace than ours.
    pub foreign: bool,
    /// Whether the kernel knows a process with the target's PID in our PID namespace.
    pub pid_exists: bool,
}

impl Facts {
    /// Asks the kernel and the files.
    #[must_use]
    pub fn gather(kind: Kind, start: Start, request: &Request, error: &Error, users: &impl Users) -> Self {
        let caller = Caller::identify(start.uid, start.gid, login::name().as_deref(), users).ok();
        let refused = match error {
            Error::NotAllowed { extent, .. } => caller.as_ref().zip(Some(*extent)),
            _ => None,
        };
        let program = Program::running(kind);
        Self {
            kind,
            start,
            passwd: config::open_file("/etc/passwd", OFlag::empty()).err().map(Reason::from),
            target_word: shown(request.target.as_bytes()),
            extents: extent::parse(&request.ranges).unwrap_or_default(),
            process: Process::examine(kind),
            program: program.map(|program| {
                let mount = Mount::of(&program.path);
                (program, mount)
            }),
            target: TargetFacts::examine(kind, &request.target),
            proc: ProcFacts::examine(kind, error, request),
            delegation: refused.and_then(|(caller, extent)| Delegation::examine(kind, caller, extent, users)),
            groups: getgroups().unwrap_or_default().into_iter().map(Gid::as_raw).collect(),
            caller,
        }
    }

    /// The target, in words.
    #[must_use]
    pub fn target_name(&self) -> String {
        let word = self.target_word.trim().trim_start_matches('+');
        if word.starts_with("fd:") { format!("the process of {word}") } else { format!("process {word}") }
    }

    /// The caller's name, fit to be shown; the uid where there is none.
    #[must_use]
    pub fn caller_name(&self) -> String {
        self.caller.as_ref().map_or(self.start.uid.to_string(), |caller| shown(&caller.name))
    }
}

impl ProcFacts {
    fn examine(kind: Kind, error: &Error, request: &Request) -> Self {
        let own_pid = std::fs::read_link("/proc/self").ok();
        let mounted = statfs("/proc").ok().map(|status| status.filesystem_type() == PROC_SUPER_MAGIC);
        let word = request.target.to_str().map_or("", |word| word.trim().trim_start_matches('+'));
        let pid = match error {
            Error::NoTarget { pid, .. } => Some(*pid),
            _ => word.parse().ok(),
        };
        let directory = match (pid, word.strip_prefix("fd:")) {
            (Some(pid), _) => Some(PathBuf::from(format!("/proc/{pid}"))),
            (None, Some(descriptor)) => std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok(),
            (None, None) => None,
        };
        let directory = directory.filter(|directory| directory.starts_with("/proc"));
        let file = match error {
            Error::SetgroupsOpen(_) | Error::SetgroupsWrite(_) => "setgroups",
            _ => kind.map_file(),
        };
        Self {
            mounted,
            mount: Mount::of(&directory.unwrap_or_else(|| "/proc".into()).join(file)),
            // In one that is neither ours nor above ours, we are not.
            foreign: mounted == Some(true)
                && own_pid.is_none_or(|own| own != Path::new(&std::process::id().to_string())),
            // A process that may not be signalled exists, too.
            pid_exists: pid.is_some_and(|pid| pid > 0 && kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH)),
        }
    }
}
