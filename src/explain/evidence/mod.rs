//! What is the case, as far as it has to do with the failure: the half that asks.
//!
//! Every fact may be missing, and from a missing one nothing is concluded. Nothing here needs, or has, any privilege, and
//! nothing here can fail.

pub(crate) mod delegation;
pub(crate) mod mounts;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod target;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::passwd::Passwd;
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};
use nix::unistd::{Gid, Pid, getgroups};

use crate::caller::Caller;
use crate::cli::Request;
use crate::error::Error;
use crate::escape::escape;
use crate::files;
use crate::id_type::IdType;
use crate::map_range::{self, MapRange};
use crate::mapping::policy::PolicyError;
use crate::mapping::target::TargetError;
use crate::mapping::write::WriteError;
use crate::privileges::InitialCredentials;
use crate::reason::Reason;
use crate::sys::process::login_name;
use delegation::Delegation;
use mounts::Mount;
use process::Process;
use program::Program;
use target::TargetEvidence;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// Which ids were to be mapped.
    pub(crate) id_type: IdType,
    /// What the program was given.
    pub(crate) credentials: InitialCredentials,
    /// Who called.
    pub(crate) caller: Option<Caller>,
    /// Why passwd(5) cannot be read, if it cannot: where it cannot, nobody is found in it.
    pub(crate) passwd: Option<Reason>,
    /// The target's word, fit to be shown.
    pub(crate) target_word: String,
    /// The ranges wanted; none if they are not well-formed.
    pub(crate) ranges: Vec<MapRange>,
    /// Our own process.
    pub(crate) process: Process,
    /// The program's file, and the mount that it is on.
    pub(crate) program: Option<(Program, Option<Mount>)>,
    /// The target, if it is there.
    pub(crate) target: Option<TargetEvidence>,
    /// `/proc`.
    pub(crate) proc: ProcEvidence,
    /// What is delegated; only where a range was refused.
    pub(crate) delegation: Option<Delegation>,
    /// The caller's supplementary groups.
    pub(crate) groups: Vec<u32>,
}

/// `/proc`, where the target is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcEvidence {
    /// Whether it is a proc file system at all.
    pub(crate) mounted: Option<bool>,
    /// The mount that the target's file is on: its map, unless it was another that failed.
    pub(crate) mount: Option<Mount>,
    /// Whether it shows another PID namespace than ours.
    pub(crate) foreign: bool,
    /// Whether the kernel knows a process with the target's PID in our PID namespace.
    pub(crate) pid_exists: bool,
}

impl Evidence {
    /// Asks the kernel and the files.
    pub(crate) fn gather(
        id_type: IdType,
        credentials: InitialCredentials,
        request: &Request,
        error: &Error,
        passwd: &impl Passwd,
    ) -> Self {
        let caller = Caller::identify(credentials.uid, credentials.gid, login_name().as_deref(), passwd).ok();
        let refused = match error {
            Error::Policy(PolicyError::NotAllowed { range, .. }) => caller.as_ref().zip(Some(*range)),
            _ => None,
        };
        let program = Program::running(id_type);
        Self {
            id_type,
            credentials,
            passwd: files::open("/etc/passwd", 0).err().map(Reason::from),
            target_word: escape(request.target.as_bytes()),
            ranges: map_range::parse(&request.ranges).unwrap_or_default(),
            process: Process::examine(id_type),
            program: program.map(|program| {
                let mount = Mount::of(&program.path);
                (program, mount)
            }),
            target: TargetEvidence::examine(id_type, &request.target),
            proc: ProcEvidence::examine(id_type, error, request),
            delegation: refused
                .and_then(|(caller, range)| Delegation::examine(id_type, caller, range, passwd)),
            groups: getgroups().unwrap_or_default().into_iter().map(Gid::as_raw).collect(),
            caller,
        }
    }

    /// The target, in words.
    pub(crate) fn target_name(&self) -> String {
        let word = self.target_word.trim().trim_start_matches('+');
        if word.starts_with("fd:") { format!("the process of {word}") } else { format!("process {word}") }
    }

    /// The caller's name, fit to be shown; the uid where there is none.
    pub(crate) fn caller_name(&self) -> String {
        self.caller.as_ref().map_or(self.credentials.uid.to_string(), |caller| escape(&caller.name))
    }
}

impl ProcEvidence {
    fn examine(id_type: IdType, error: &Error, request: &Request) -> Self {
        let own_pid = std::fs::read_link("/proc/self").ok();
        let mounted = statfs("/proc").ok().map(|status| status.filesystem_type() == PROC_SUPER_MAGIC);
        let word = request.target.to_str().map_or("", |word| word.trim().trim_start_matches('+'));
        let pid = match error {
            Error::Target(TargetError::NotFound { pid, .. }) => Some(*pid),
            _ => word.parse().ok(),
        };
        let directory = match (pid, word.strip_prefix("fd:")) {
            (Some(pid), _) => Some(PathBuf::from(format!("/proc/{pid}"))),
            (None, Some(descriptor)) => std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok(),
            (None, None) => None,
        };
        let directory = directory.filter(|directory| directory.starts_with("/proc"));
        let file = match error {
            Error::Write(WriteError::SetgroupsOpen(_) | WriteError::SetgroupsWrite(_)) => "setgroups",
            _ => id_type.map_file(),
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
