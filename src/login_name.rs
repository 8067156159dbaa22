//! The name under which the caller logged in.
//!
//! Several names may share a uid. The passwd entry of the login name is then the caller's, as in shadow.

use std::ffi::OsString;
use std::io::{IsTerminal, stdin};

use crate::sys::process;

/// The login name, if it can be another than the first one of the real uid.
///
/// Without a terminal on stdin, getlogin_r(3) knows the name of the kernel's login uid alone: its first entry, which a look-up by
/// uid finds as well, or the name of another user, which does not count.
pub(crate) fn login_name() -> Option<OsString> {
    if stdin().is_terminal() { process::login_name() } else { None }
}
