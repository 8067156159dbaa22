//! The explanation of a failure: the lines `cause:` and `fix:` that follow shadow's message.
//!
//! [`explain`] runs after a failure, once all capabilities are given up, and changes neither the map nor the exit status.
//! [`evidence`] asks the kernel and reads the files again, with the caller's rights. [`causes`] decides from the evidence and
//! makes no system call. A [`cause`] holds the sentences.

pub(crate) mod cause;
pub(crate) mod causes;
pub(crate) mod evidence;

use crate::cli::Request;
use crate::error::Error;
use crate::id_type::IdType;
use crate::passwd::Passwd;
use crate::privileges::{InitialCredentials, PrivilegeError};
use evidence::Evidence;
use evidence::program::Program;

/// The lines that explain `error`; empty if no cause was found. `passwd` is the one that the run used: it remembers the names that
/// were looked up, so a database behind a network is not asked again.
pub(crate) fn explain(
    id_type: IdType,
    credentials: InitialCredentials,
    request: &Request,
    error: &Error,
    passwd: &impl Passwd,
) -> String {
    let program = Program::running(id_type);
    let evidence = Evidence::gather(id_type, credentials, request, error, program, passwd);
    causes::find(error, &evidence).iter().map(|cause| cause.lines(id_type)).collect()
}

/// The lines that explain a failed drop of privilege. No argument is read yet, and no evidence is gathered.
pub(crate) fn explain_drop(id_type: IdType, error: &Error) -> String {
    match error {
        Error::Privilege(PrivilegeError::KeepCaps) => causes::keep_caps_refused(id_type).lines(id_type),
        _ => String::new(),
    }
}
