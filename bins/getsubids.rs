//! getsubids(1): list the ids that are delegated to a user.

fn main() -> std::process::ExitCode {
    uidmap::getsubids()
}
