//! The state of the own process: descriptors, signals, environment, login name.

use std::ffi::{CStr, OsString, c_char, c_int};
use std::io::{IsTerminal, stdin};
use std::os::unix::ffi::OsStringExt;
use std::sync::OnceLock;

use libc::size_t;
use nix::errno::Errno;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};

/// The size of `ut_user` in utmp(5), and one byte for the NUL.
const LONGEST_LOGIN_NAME: usize = libc::__UT_NAMESIZE + 1;

unsafe extern "C" {
    fn getlogin_r(name: *mut c_char, size: size_t) -> c_int;
}

/// Opens /dev/null for each of the descriptors 0 to 2 that is closed. Otherwise the next file to be opened would become stdin,
/// stdout or stderr, and a message would be written into it. The C library does this for programs that gained privilege by their
/// exec (AT_SECURE), but not where root or an ambient capability calls.
///
/// # Errors
///
/// Those of poll(2) and open(2).
pub(crate) fn open_standard_descriptors() -> nix::Result<()> {
    let mut descriptors = [0, 1, 2].map(|fd| libc::pollfd { fd, events: 0, revents: 0 });
    // SAFETY: the pointer and the count are those of the array, which outlives the call.
    Errno::result(unsafe { libc::poll(descriptors.as_mut_ptr(), 3, 0) })?;
    for _ in descriptors.iter().filter(|descriptor| descriptor.revents & libc::POLLNVAL != 0) {
        // open(2) gives the lowest number that is free, and the closed ones are the lowest.
        // SAFETY: the path is a C string. Nobody owns the descriptor, which stays open until the exit.
        Errno::result(unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) })?;
    }
    Ok(())
}

/// Ignores SIGPIPE, so that writing a message to a closed pipe is an error and does not end the program.
pub(crate) fn ignore_sigpipe() {
    // SAFETY: no handler is installed. The call fails for SIGKILL and SIGSTOP alone.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
}

/// The message of [`keep_message`].
static MESSAGE: OnceLock<String> = OnceLock::new();

/// Makes sure that a message is printed, and the exit status is 1, if the process does not print the message itself within `seconds`,
/// or crashes before. An NSS module or a plugin that is asked in between can hang and crash.
pub(crate) fn keep_message(message: String, seconds: u32) {
    if MESSAGE.set(message).is_err() {
        return;
    }
    for number in [Signal::SIGALRM, Signal::SIGABRT, Signal::SIGSEGV, Signal::SIGBUS] {
        // SAFETY: the handler calls async-signal-safe functions alone. A failure leaves the default: the process ends.
        let _ = unsafe { signal(number, SigHandler::Handler(print_message)) };
    }
    // A caller may have blocked the signal (exec keeps the mask).
    let _ = SigSet::from(Signal::SIGALRM).thread_unblock();
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
    // SAFETY: the program has one thread, and the standard library copies each variable that it reads.
    unsafe { libc::clearenv() };
}

/// The name under which the user logged in at the terminal on stdin; see getlogin_r(3). Several names may share a uid, and the passwd
/// entry of the login name is then the caller's, as in shadow.
///
/// Without a terminal, getlogin_r(3) knows the name of the kernel's login uid alone: its first entry, which a look-up by uid finds
/// as well, or the name of another user, which does not count.
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
