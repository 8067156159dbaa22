//! Evidence: the state of this process, its program file, the target, `/proc` and the delegations after a failure.
//!
//! All capabilities are given up before, so everything is read with the caller's rights. Evidence that cannot be read is `None`,
//! and no cause is derived from a `None`: a wrong cause is worse than shadow's message alone.

pub(crate) mod delegation;
pub(crate) mod mounts;
pub(crate) mod proc;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod target;

use std::os::unix::ffi::OsStrExt;

use libc::gid_t;
use nix::unistd::{Gid, getgroups};

use crate::caller::Caller;
use crate::cli::Request;
use crate::error::Error;
use crate::escape::escape;
use crate::files;
use crate::id_type::IdType;
use crate::map_range::{self, MapRange};
use crate::mapping::policy::PolicyError;
use crate::passwd::Passwd;
use crate::privileges::InitialCredentials;
use crate::reason::Reason;
use crate::sys::process::login_name;
use delegation::Delegation;
use mounts::Mount;
use proc::ProcEvidence;
use process::Process;
use program::Program;
use target::TargetEvidence;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) id_type: IdType,
    pub(crate) credentials: InitialCredentials,
    /// `None` if the real uid has no passwd entry.
    pub(crate) caller: Option<Caller>,
    /// Why /etc/passwd cannot be opened. The C library reports that as a missing entry.
    pub(crate) passwd_error: Option<Reason>,
    /// The first argument, escaped.
    pub(crate) target_argument: String,
    /// The ranges of the request; empty if they are malformed.
    pub(crate) ranges: Vec<MapRange>,
    pub(crate) process: Process,
    /// The program file, and its mount.
    pub(crate) program: Option<(Program, Option<Mount>)>,
    /// `None` if the target cannot be opened again.
    pub(crate) target: Option<TargetEvidence>,
    pub(crate) proc: ProcEvidence,
    /// Gathered only after a range was refused.
    pub(crate) delegation: Option<Delegation>,
    /// The caller's supplementary groups.
    pub(crate) groups: Vec<gid_t>,
}

impl Evidence {
    pub(crate) fn gather(
        id_type: IdType,
        credentials: InitialCredentials,
        request: &Request,
        error: &Error,
        passwd: &impl Passwd,
    ) -> Self {
        let caller = Caller::identify(credentials.uid, credentials.gid, login_name().as_deref(), passwd).ok();
        let delegation = match (error, &caller) {
            (Error::Policy(PolicyError::NotAllowed { range, .. }), Some(caller)) => {
                Delegation::examine(id_type, caller, *range, passwd)
            }
            _ => None,
        };
        let program = Program::running(id_type).map(|program| {
            let mount = Mount::of(&program.path);
            (program, mount)
        });
        Self {
            id_type,
            credentials,
            caller,
            passwd_error: files::open("/etc/passwd", 0).err().map(Reason::from),
            target_argument: escape(request.target.as_bytes()),
            ranges: map_range::parse(&request.ranges).unwrap_or_default(),
            process: Process::examine(id_type),
            program,
            target: TargetEvidence::examine(id_type, &request.target),
            proc: ProcEvidence::examine(id_type, error, &request.target),
            delegation,
            groups: getgroups().unwrap_or_default().into_iter().map(Gid::as_raw).collect(),
        }
    }

    /// The target, as the subject of a sentence.
    pub(crate) fn target_name(&self) -> String {
        let argument = plain_target(&self.target_argument);
        if argument.starts_with("fd:") {
            format!("the process of {argument}")
        } else {
            format!("process {argument}")
        }
    }

    /// The caller's name, escaped; the uid if there is no passwd entry.
    pub(crate) fn caller_name(&self) -> String {
        self.caller.as_ref().map_or(self.credentials.uid.to_string(), |caller| escape(&caller.name))
    }
}

/// A PID without the white space and the sign that strtoul(3) accepts before it.
fn plain_target(argument: &str) -> &str {
    argument.trim().trim_start_matches('+')
}
