//! From facts to causes: the half that decides, and asks nothing.
//!
//! The first cause that applies is the one to mend first; where another one would stop the next try, it follows. From a fact
//! that is missing nothing is concluded.

mod check;
mod delegation;
mod privilege;
mod process;
mod request;
#[cfg(test)]
mod samples;
mod target;
mod write;

pub use check::{no_namespace, not_installed, not_started};
pub use target::no_passwd_entry;

use nix::errno::Errno;

use super::cause::{Cause, Key};
use super::facts::Facts;
use crate::error::Error;

/// More than two are no help to anybody.
const MOST_CAUSES: usize = 2;

/// Says why this error came, as far as the facts tell.
#[must_use]
pub fn conclude(error: &Error, facts: &Facts) -> Vec<Cause> {
    let mut causes = match error {
        Error::Usage
        | Error::WorkingDirectory(_)
        | Error::TargetStatus(_)
        | Error::SetgroupsRead(_)
        | Error::SetgroupsSeek(_)
        | Error::PrivilegeKept(_) => Vec::new(),
        Error::Privilege { .. } => vec![write::refused(facts)],
        Error::Target(bad) => vec![request::bad_target(*bad, facts)],
        Error::Malformed(number) | Error::Overflow(number) => vec![request::bad_number(number)],
        Error::RangeCount { argc, .. } => vec![request::missing_words(*argc)],
        Error::NoTarget { pid, reason } => process::not_found(*pid, *reason, facts).into_iter().collect(),
        // If it is found now, it was not missing: look-ups can fail.
        Error::NoUserName if facts.caller.is_some() => Vec::new(),
        Error::NoUserName => vec![target::no_user_name(facts)],
        Error::ForeignTarget { .. } => target::foreign(error, facts),
        Error::SubidFile { reason, .. } => delegation::unreadable(*reason, facts).into_iter().collect(),
        Error::Plugin(unusable) => vec![delegation::plugin_unusable(unusable)],
        Error::NotAllowed { extent, .. } => delegation::not_allowed(*extent, facts),
        Error::SetgroupsOpen(reason) | Error::SetgroupsWrite(reason) | Error::MapOpen { reason, .. } => {
            process::not_writable(*reason, facts)
        }
        Error::MapWrite { reason, .. } => match reason.errno() {
            Errno::EINVAL => request::invalid(facts),
            Errno::EPERM => write::not_permitted(facts),
            Errno::ESRCH => vec![process::ended(facts)],
            _ => Vec::new(),
        },
    };
    causes.truncate(MOST_CAUSES);
    causes
}
