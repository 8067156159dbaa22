//! A child process without an exec, for uidmap-check: fork(2), and the inheritance from the parent.

use std::fs;
use std::io;

use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, Pid, fork};

/// Runs `work` in a child process, which exits with the status that `work` returns.
///
/// # Errors
///
/// Those of fork(2).
pub(crate) fn start(work: impl FnOnce() -> i32) -> nix::Result<Pid> {
    // SAFETY: the child may call any function, since no other thread holds a lock: uidmap-check starts no thread. The user database was
    // asked before; the C library's own modules start none either.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let status = work();
            // SAFETY: exit(3) takes no pointer.
            unsafe { libc::exit(status) }
        }
    }
}

/// Removes all environment variables but these.
pub(crate) fn keep_environment(kept: &[&str]) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| kept.iter().all(|kept| name != kept)) {
        // SAFETY: no other thread reads the environment, as in `start`.
        unsafe { std::env::remove_var(name) };
    }
}

/// Lets this process wait for its children, also if the caller ignored SIGCHLD; see waitpid(2).
pub(crate) fn wait_for_children() {
    // SAFETY: no handler is installed. The call fails for SIGKILL and SIGSTOP alone.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
}

/// Joins a new session keyring, without the keys of the old one; see keyctl(2).
///
/// # Errors
///
/// Those of keyctl(2). No error if the kernel has no keyrings, or a filter denies the call: programs that this process starts cannot
/// read a key either.
pub(crate) fn leave_session_keyring() -> nix::Result<()> {
    // SAFETY: the name of the keyring is a null pointer, which means one without a name.
    let joined = unsafe {
        libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<libc::c_char>())
    };
    match Errno::result(joined) {
        Ok(_) | Err(Errno::ENOSYS | Errno::EPERM) => Ok(()),
        Err(errno) => Err(errno),
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
