//! Why it failed, and what to do about it: what the programs say after shadow's own line.
//!
//! It runs after a failure alone, when all privilege is gone, and changes nothing about it. [`facts`] asks the kernel and the
//! files once more what is the case; [`conclude`] is a function from that to causes; a [`cause`] is two sentences.

pub mod cause;
pub mod conclude;
pub mod facts;

use users::Users;

use crate::cli::Request;
use crate::error::Error;
use crate::kind::Kind;
use crate::privilege::Start;
use facts::Facts;

/// The lines to say after the message of this error; none where nothing is to be added. `users` are those of the run, so that
/// the user database is not asked again what it was asked before.
#[must_use]
#[cold]
pub fn explain(kind: Kind, start: Start, request: &Request, error: &Error, users: &impl Users) -> String {
    let causes = conclude::conclude(error, &Facts::gather(kind, start, request, error, users));
    causes.iter().map(|cause| cause.lines(kind)).collect()
}
