//! Why it failed, and what to do about it: what the programs say after shadow's own line.
//!
//! It runs after a failure alone, when all privilege is gone, and changes nothing about it. [`evidence`] asks the kernel and the
//! files once more what is the case; [`causes`] is a function from that to causes; a [`cause`] is two sentences.

pub(crate) mod cause;
pub(crate) mod causes;
pub(crate) mod evidence;

use crate::passwd::Passwd;

use crate::cli::Request;
use crate::error::Error;
use crate::id_type::IdType;
use crate::privileges::InitialCredentials;
use evidence::Evidence;

/// The lines to say after the message of this error; none where nothing is to be added. `users` are those of the run, so that
/// the user database is not asked again what it was asked before.
pub(crate) fn explain(
    id_type: IdType,
    credentials: InitialCredentials,
    request: &Request,
    error: &Error,
    passwd: &impl Passwd,
) -> String {
    let evidence = Evidence::gather(id_type, credentials, request, error, passwd);
    causes::conclude(error, &evidence).iter().map(|cause| cause.lines(id_type)).collect()
}
