//! Descriptors of a target, which the programs inherit and take as `fd:N`.

use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::sys::stat::Mode;

use super::{ALICE, Namespace, Sandbox, kernel};

/// Clears FD_CLOEXEC, so that programs inherit the descriptor.
pub fn inherited(descriptor: impl Into<OwnedFd>) -> OwnedFd {
    let descriptor = descriptor.into();
    fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    descriptor
}

pub fn opened(path: &str, flags: OFlag) -> OwnedFd {
    inherited(open(path, flags, Mode::empty()).unwrap())
}

pub fn pidfd(target: &Namespace) -> OwnedFd {
    let pid = rustix::process::Pid::from_raw(target.pid().parse().unwrap()).unwrap();
    inherited(rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap())
}

/// True if a program that gained privilege by its exec may read its own fdinfo, which has the PID of a pidfd.
pub fn pidfds_can_be_resolved() -> bool {
    kernel() >= (5, 14)
}

/// The target's directory in a mount namespace of alice, where a file or directory is mounted over one of the target's. The mount
/// namespace lives as long as the first value.
pub fn covered(sandbox: &Sandbox, target: &Namespace, file: &str, cover: &str) -> (Namespace, OwnedFd) {
    let mount = format!("mount --bind {cover} /proc/{}/{file} && exec \"$@\"", target.pid());
    let mut unshare = ALICE.command("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "--", "sh", "-c"]);
    let holder = sandbox.waiting(unshare.args([mount.as_str(), "sh"]));
    let path = format!("/proc/{}/root/proc/{}", holder.pid(), target.pid());
    (holder, opened(&path, OFlag::O_PATH))
}
