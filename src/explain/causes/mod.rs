//! The decision from evidence to causes. No function here makes a system call.
//!
//! The cause that must be fixed first comes first. A second cause follows if it would make the next attempt fail.

mod client;
mod delegation;
mod denial;
mod free_ids;
mod ids;
mod overlap;
mod plugin;
mod privilege;
mod proc;
mod program_file;
mod request;
mod subid_file;
mod suggestion;
mod target;
#[cfg(test)]
mod test_evidence;
mod write;

pub(crate) use client::{USUAL_LIMIT, no_namespace, not_started};
pub(crate) use free_ids::{CONTAINER_MIN, NOBODY};
pub(crate) use plugin::{delegate_or_reach, unusable};
pub(crate) use privilege::keep_caps_refused;
pub(crate) use suggestion::{Recipient, line_owner, user_migrates};
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

/// A log shows few lines of each failure.
const MAX_CAUSES: usize = 2;

/// The causes of an error, as far as the evidence shows them.
pub(crate) fn find(error: &Error, evidence: &Evidence) -> Vec<Cause> {
    let mut causes = match error {
        Error::StandardDescriptors(_)
        | Error::Usage
        | Error::WorkingDirectory(_)
        | Error::Privilege(PrivilegeError::Kept) => Vec::new(),
        Error::Privilege(_) => vec![write::refused("the change of privilege", evidence)],
        Error::Target(error) => of_target_error(error, evidence),
        Error::Range(error) => of_range_error(error),
        // The entry is found now: the first look-up failed for a reason that has passed.
        Error::Caller(NoPasswdEntry) if evidence.caller.is_some() => Vec::new(),
        Error::Caller(NoPasswdEntry) => {
            let Evidence { credentials, accounts, place, passwd_file, .. } = evidence;
            vec![no_passwd_entry(credentials.uid, credentials.gid, accounts, place, passwd_file)]
        }
        Error::Policy(error @ PolicyError::ForeignTarget { .. }) => target::foreign(error, evidence),
        Error::Policy(PolicyError::NotAllowed { range, .. }) => delegation::not_allowed(*range, evidence),
        Error::Subid(SubidError::File { reason, .. }) => {
            subid_file::unreadable(*reason, evidence).into_iter().collect()
        }
        Error::Subid(SubidError::Unusable(unusable)) => {
            vec![plugin::unusable(unusable, evidence.nsswitch_denial.as_ref())]
        }
        Error::Write(error) => of_write_error(error, evidence),
    };
    causes.truncate(MAX_CAUSES);
    causes
}

fn of_target_error(error: &TargetError, evidence: &Evidence) -> Vec<Cause> {
    match error {
        TargetError::Bad(bad) => vec![request::bad_target(*bad, evidence)],
        TargetError::NotFound { pid, reason } => {
            proc::not_found(*pid, *reason, evidence).into_iter().collect()
        }
        TargetError::Status(_) => Vec::new(),
    }
}

fn of_range_error(error: &RangeError) -> Vec<Cause> {
    match error {
        RangeError::Missing => Vec::new(),
        RangeError::Incomplete { argc, .. } => vec![request::incomplete_range(*argc)],
        RangeError::Malformed(number) | RangeError::Overflow(number) => vec![request::bad_number(number)],
    }
}

fn of_write_error(error: &WriteError, evidence: &Evidence) -> Vec<Cause> {
    match error {
        WriteError::SetgroupsRead(_) | WriteError::SetgroupsSeek(_) | WriteError::Privilege(_) => Vec::new(),
        WriteError::SetgroupsOpen(reason)
        | WriteError::SetgroupsWrite(reason)
        | WriteError::MapOpen { reason, .. } => proc::not_writable(*reason, evidence),
        WriteError::MapWrite { reason, .. } => match reason.errno() {
            Errno::EINVAL => request::invalid_map(evidence),
            Errno::EPERM => write::not_permitted(evidence),
            Errno::ESRCH => vec![proc::ended(evidence)],
            _ => Vec::new(),
        },
    }
}
