//! uidmap-check(1): say whether rootless containers will work for the calling user.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

const ABOUT: &str = "Says whether rootless containers will work here for the calling user, and if not, why, and what to do. \
    The exit status is 0 if they will.";

fn main() -> ExitCode {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let options = Command::new("uidmap-check")
        .version(concat!("(uidmap-rs) ", env!("CARGO_PKG_VERSION")))
        .about(ABOUT)
        .arg(flag("json").help("Print JSON"))
        .arg(flag(uidmap::HOLD_NAMESPACE).exclusive(true).hide(true))
        .get_matches();
    if options.get_flag(uidmap::HOLD_NAMESPACE) {
        return uidmap::hold_namespace();
    }
    uidmap::check(options.get_flag("json"))
}
