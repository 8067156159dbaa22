//! newuidmap(1): write a process's `uid_map` within what `/etc/subuid` delegates to the caller.

fn main() -> std::process::ExitCode {
    uidmap::run(uidmap::Kind::Uid)
}
