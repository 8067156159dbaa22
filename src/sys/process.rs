//! The state of this process: descriptors, signals, environment, login name.

use std::ffi::{CStr, OsString, c_char, c_int};
use std::io::{IsTerminal, stdin};
use std::os::unix::ffi::OsStringExt;
use std::sync::OnceLock;

use libc::size_t;
use nix::errno::Errno;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};

/// The size of `ut_user` in utmp(5), and one byte for the NUL.
const LONGEST_LOGIN_NAME: usize = libc::__UT_NAMESIZE + 1;

unsafe extern "C" {
    fn getlogin_r(name: *mut c_char, size: size_t) -> c_int;
}

/// Opens /dev/null for each of the descriptors 0 to 2 that is closed. Otherwise the next file to be opened would become stdin,
/// stdout or stderr, and a message would be written into it. For a program that gained privilege by its exec (AT_SECURE), the C
/// library has opened them (`__libc_check_standard_fds`), but not if the caller is root or has an ambient capability.
///
/// # Errors
///
/// Those of open(2).
pub(crate) fn open_standard_descriptors() -> nix::Result<()> {
    // SAFETY: getauxval(3) reads the auxiliary vector, which every process has.
    if unsafe { libc::getauxval(libc::AT_SECURE) } != 0 {
        return Ok(());
    }
    for descriptor in 0..=2 {
        // SAFETY: F_GETFD takes no pointer, and is an error for a number that is not open.
        let flags = Errno::result(unsafe { libc::fcntl(descriptor, libc::F_GETFD) });
        if flags == Err(Errno::EBADF) {
            // The lower descriptors are open, so open(2) returns this number.
            // SAFETY: the path is a C string. No Rust value owns the descriptor, so it stays open until the process exits.
            Errno::result(unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) })?;
        }
    }
    Ok(())
}

/// Ignores SIGPIPE, so that writing a message to a closed pipe is an error and does not end the program.
pub(crate) fn ignore_sigpipe() {
    // SAFETY: no handler is installed. The call fails for SIGKILL and SIGSTOP alone.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
}

/// The time limit, and the signals of a crash. A seccomp filter can send SIGSYS (`SECCOMP_RET_TRAP`); a filter that kills the process
/// cannot be handled.
const HANDLED: [Signal; 7] = [
    Signal::SIGALRM,
    Signal::SIGABRT,
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGSYS,
    Signal::SIGILL,
    Signal::SIGFPE,
];

/// The message of [`keep_message`].
static MESSAGE: OnceLock<String> = OnceLock::new();

/// Makes sure that a message is printed, and the exit status is 1, if the process does not print the message itself within `seconds`,
/// or crashes before. An NSS module or a plugin that is asked in between can hang and crash.
pub(crate) fn keep_message(message: String, seconds: u32) {
    if MESSAGE.set(message).is_err() {
        return;
    }
    for number in HANDLED {
        // SAFETY: the handler calls async-signal-safe functions alone. A failure leaves the default: the process ends.
        let _ = unsafe { signal(number, SigHandler::Handler(print_message)) };
    }
    // A caller may have blocked the signals (exec keeps the mask), and a crash would then end the process without the handler.
    let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&HANDLED.into_iter().collect::<SigSet>()), None);
    nix::unistd::alarm::set(seconds);
}

/// Ends the watch of [`keep_message`]. The process prints the message itself.
pub(crate) fn release_message() {
    nix::unistd::alarm::cancel();
}

extern "C" fn print_message(_signal: c_int) {
    let message = MESSAGE.get().map_or("", String::as_str);
    // SAFETY: the pointer and the length are those of a string that is never freed; both calls are async-signal-safe
    // (signal-safety(7)).
    unsafe {
        libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len());
        libc::_exit(libc::EXIT_FAILURE);
    }
}

/// Removes all environment variables; see clearenv(3).
pub(crate) fn clear_environment() {
    // SAFETY: newuidmap and newgidmap start no thread, and call this before an NSS module or plugin could. The standard library
    // copies each variable that it reads, so no reference into the environment exists.
    unsafe { libc::clearenv() };
}

/// The name under which the user logged in at the terminal on stdin; see getlogin_r(3). Several names may share a uid, and the passwd
/// entry of the login name is then the caller's, as in shadow.
///
/// Without a terminal, getlogin_r(3) returns the first passwd entry of the kernel's login uid. If that uid is the real one, the
/// look-up by uid finds the same entry. If it is another uid, the entry does not count. So the function is not called.
pub(crate) fn login_name() -> Option<OsString> {
    if !stdin().is_terminal() {
        return None;
    }
    let mut name = [0_u8; LONGEST_LOGIN_NAME];
    // SAFETY: the pointer and the size are those of the array, which outlives the call.
    let status = unsafe { getlogin_r(name.as_mut_ptr().cast(), name.len()) };
    if status != 0 {
        return None;
    }
    let name = CStr::from_bytes_until_nul(&name).ok()?;
    Some(OsString::from_vec(name.to_bytes().to_vec()))
}
