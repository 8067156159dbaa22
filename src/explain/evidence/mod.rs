//! Evidence: the state of this process, its program file, the target, `/proc` and the delegations after a failure.
//!
//! All capabilities are given up before, so everything is read with the caller's rights. Evidence that cannot be read is `None`,
//! and no cause is derived from a `None`: a wrong cause is worse than shadow's message alone.

pub(crate) mod accounts;
pub(crate) mod delegation;
pub(crate) mod id_map;
mod lines;
pub(crate) mod malformed;
pub(crate) mod mounts;
mod owners;
pub(crate) mod passwd_file;
pub(crate) mod path;
pub(crate) mod place;
pub(crate) mod proc;
pub(crate) mod process;
pub(crate) mod program;
pub(crate) mod target;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use libc::gid_t;
use nix::unistd::{Gid, getgroups};

use crate::caller::Caller;
use crate::cli::Request;
use crate::error::Error;
use crate::escape::escape;
use crate::id_type::IdType;
use crate::map_range::{self, MapRange};
use crate::mapping::policy::PolicyError;
use crate::mapping::write::WriteError;
use crate::passwd::Passwd;
use crate::privileges::InitialCredentials;
use crate::sys::process::login_name;
use accounts::Accounts;
use delegation::{Delegation, Lines};
use mounts::Mount;
use passwd_file::PasswdFile;
use path::{Denial, LinkTarget};
use place::Place;
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
    /// The mount of the subid file.
    pub(crate) subid_mount: Option<Mount>,
    /// Another program of this name that has the privilege and can be used instead.
    pub(crate) other_program: Option<PathBuf>,
    pub(crate) place: Place,
    pub(crate) accounts: Accounts,
    /// Examined only if the real uid has no passwd entry.
    pub(crate) passwd_file: PasswdFile,
    /// Why the caller may not read the subid file.
    pub(crate) subid_denial: Option<Denial>,
    /// Why the caller may not read nsswitch.conf(5).
    pub(crate) nsswitch_denial: Option<Denial>,
    /// `None` if the subid file is no symbolic link, or if its target cannot be examined.
    pub(crate) subid_link: Option<LinkTarget>,
    /// Gathered only after a range was refused, by the policy or by the kernel.
    pub(crate) delegation: Option<Delegation>,
    /// The caller's supplementary groups.
    pub(crate) groups: Vec<gid_t>,
}

impl Evidence {
    /// `program`: the file of the program that failed.
    pub(crate) fn gather(
        id_type: IdType,
        credentials: InitialCredentials,
        request: &Request,
        error: &Error,
        program: Option<Program>,
        passwd: &impl Passwd,
    ) -> Self {
        let caller = Caller::identify(credentials.uid, credentials.gid, login_name().as_deref(), passwd).ok();
        let ranges = map_range::parse(&request.ranges).unwrap_or_default();
        let delegation = match (error, &caller) {
            (Error::Policy(PolicyError::NotAllowed { range, .. }), Some(caller)) => {
                Delegation::examine(id_type, caller, *range, passwd)
            }
            (Error::Write(WriteError::MapWrite { .. }), Some(caller)) => {
                Delegation::examine_file(id_type, caller, &ranges, passwd)
            }
            _ => None,
        };
        let program = program.map(|program| {
            let mount = Mount::of(&program.path);
            (program, mount)
        });
        Self {
            id_type,
            credentials,
            target_argument: escape(request.target.as_bytes()),
            ranges,
            process: Process::examine(id_type),
            other_program: program.as_ref().and_then(|(program, _)| program.find_other(id_type)),
            program,
            subid_mount: Mount::of(Path::new(id_type.subid_file())),
            place: Place::examine(),
            accounts: Accounts::examine(id_type),
            passwd_file: match caller {
                Some(_) => PasswdFile::default(),
                None => PasswdFile::examine(credentials.uid),
            },
            caller,
            subid_denial: Denial::of(id_type.subid_file()),
            nsswitch_denial: Denial::of("/etc/nsswitch.conf"),
            subid_link: LinkTarget::of(id_type.subid_file()),
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

    /// The lines of the subid file, if they were read.
    pub(crate) fn lines(&self) -> Option<&Lines> {
        self.delegation.as_ref()?.lines()
    }

    /// The caller's own id of this type.
    pub(crate) const fn own_id(&self) -> u32 {
        match self.id_type {
            IdType::Uid => self.credentials.uid,
            IdType::Gid => self.credentials.gid,
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
