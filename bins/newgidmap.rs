//! newgidmap(1): write a process's `gid_map` within what `/etc/subgid` delegates to the caller.

fn main() -> std::process::ExitCode {
    uidmap::run(uidmap::Kind::Gid)
}
