//! uidmap-check(1): say whether the id maps of a user work.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command, value_parser};

const ABOUT: &str = "Says whether the id maps of the calling user work here, and if not, why, and what to do. The exit status is 0 if \
    they work, 1 if not, and 2 if nothing was checked.";

fn main() -> ExitCode {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let user = Arg::new("user").long("user").value_name("NAME").value_parser(value_parser!(OsString));
    let options = Command::new("uidmap-check")
        .version(concat!("(uidmap-rs) ", env!("CARGO_PKG_VERSION")))
        .about(ABOUT)
        .arg(user.help("Become this user, and check (root only)"))
        .arg(flag("json").help("Print JSON"))
        .arg(flag(uidmap::HOLD_NAMESPACE).exclusive(true).hide(true))
        .get_matches();
    if options.get_flag(uidmap::HOLD_NAMESPACE) {
        return uidmap::hold_namespace();
    }
    uidmap::check(options.get_one::<OsString>("user").map(OsString::as_os_str), options.get_flag("json"))
}
