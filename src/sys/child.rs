//! A child process without an exec, for uidmap-check: fork(2), and the inheritance from the parent.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;

use nix::errno::Errno;
use nix::unistd::{ForkResult, Pid, fork};

/// Runs `work` in a child process, which exits with the status that `work` returns.
///
/// # Errors
///
/// Those of fork(2).
pub(crate) fn start(work: impl FnOnce() -> i32) -> nix::Result<Pid> {
    // SAFETY: uidmap-check starts no thread, so no lock is held by another thread, and the child may call any function.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let status = work();
            // SAFETY: _exit(2) takes no pointer. Buffers and exit handlers of the parent are left alone.
            unsafe { libc::_exit(status) }
        }
    }
}

/// Replaces the environment.
pub(crate) fn set_environment<'a>(variables: impl IntoIterator<Item = (&'a OsStr, OsString)>) {
    let variables: Vec<_> = variables.into_iter().collect();
    super::process::clear_environment();
    for (name, value) in variables {
        // SAFETY: uidmap-check starts no thread, so no other thread reads the environment.
        unsafe { std::env::set_var(name, value) };
    }
}

/// Closes all descriptors but 0 to 2 when a program is started.
///
/// # Errors
///
/// Those of reading /proc/self/fd, and of fcntl(2).
pub(crate) fn close_on_exec() -> io::Result<()> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let descriptor = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        if let Some(descriptor @ 3..) = descriptor {
            // SAFETY: F_SETFD takes no pointer, and changes nothing but a flag.
            Errno::result(unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) })?;
        }
    }
    Ok(())
}
