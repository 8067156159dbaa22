//! From evidence to causes: the half that decides, and asks nothing.
//!
//! The first cause that applies is the one to mend first; where another one would stop the next try, it follows. From a fact
//! that is missing nothing is concluded.

mod check;
mod delegation;
mod privilege;
mod process;
mod request;
mod target;
#[cfg(test)]
mod test_evidence;
mod write;

pub(crate) use check::{no_namespace, not_installed, not_started};
pub(crate) use target::no_passwd_entry;

use nix::errno::Errno;

use super::cause::{Cause, Key};
use super::evidence::Evidence;
use crate::caller::NoPasswdEntry;
use crate::error::Error;
use crate::map_range::RangeError;
use crate::mapping::policy::PolicyError;
use crate::mapping::target::TargetError;
use crate::mapping::write::WriteError;
use crate::privileges::PrivilegeError;
use crate::subid::SubidError;

/// More than two are no help to anybody.
const MOST_CAUSES: usize = 2;

/// Says why this error came, as far as the evidence tell.
pub(crate) fn conclude(error: &Error, evidence: &Evidence) -> Vec<Cause> {
    let mut causes = match error {
        Error::StandardDescriptors(_)
        | Error::WorkingDirectory(_)
        | Error::Privilege(PrivilegeError::Kept) => Vec::new(),
        Error::Privilege(_) => vec![write::refused(evidence)],
        Error::Target(error) => of_target(error, evidence),
        Error::Range(error) => of_range(error),
        // An entry that is found now was not missing: a look-up can fail.
        Error::Caller(NoPasswdEntry) if evidence.caller.is_some() => Vec::new(),
        Error::Caller(NoPasswdEntry) => vec![target::no_user_name(evidence)],
        Error::Policy(error @ PolicyError::ForeignTarget { .. }) => target::foreign(error, evidence),
        Error::Policy(PolicyError::NotAllowed { range, .. }) => delegation::not_allowed(*range, evidence),
        Error::Subid(SubidError::File { reason, .. }) => {
            delegation::unreadable(*reason, evidence).into_iter().collect()
        }
        Error::Subid(SubidError::Unusable(unusable)) => vec![delegation::plugin_unusable(unusable)],
        Error::Write(error) => of_write(error, evidence),
    };
    causes.truncate(MOST_CAUSES);
    causes
}

fn of_target(error: &TargetError, evidence: &Evidence) -> Vec<Cause> {
    match error {
        TargetError::Bad(bad) => vec![request::bad_target(*bad, evidence)],
        TargetError::NotFound { pid, reason } => {
            process::not_found(*pid, *reason, evidence).into_iter().collect()
        }
        TargetError::Status(_) => Vec::new(),
    }
}

fn of_range(error: &RangeError) -> Vec<Cause> {
    match error {
        RangeError::Missing => Vec::new(),
        RangeError::Incomplete { argc, .. } => vec![request::missing_words(*argc)],
        RangeError::Malformed(number) | RangeError::Overflow(number) => vec![request::bad_number(number)],
    }
}

fn of_write(error: &WriteError, evidence: &Evidence) -> Vec<Cause> {
    match error {
        WriteError::SetgroupsRead(_) | WriteError::SetgroupsSeek(_) | WriteError::Privilege(_) => Vec::new(),
        WriteError::SetgroupsOpen(reason)
        | WriteError::SetgroupsWrite(reason)
        | WriteError::MapOpen { reason, .. } => process::not_writable(*reason, evidence),
        WriteError::MapWrite { reason, .. } => match reason.errno() {
            Errno::EINVAL => request::invalid(evidence),
            Errno::EPERM => write::not_permitted(evidence),
            Errno::ESRCH => vec![process::ended(evidence)],
            _ => Vec::new(),
        },
    }
}
