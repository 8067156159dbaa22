//! The name under which the caller logged in, as getlogin(3) of the C library knows it.
//!
//! It matters where several names share a uid, since the entry of the login name is then the caller's. Kernels with
//! auditing keep a login uid per process; its name is that uid's first entry, which is found by the real uid as well, or
//! it is another user's and does not count. So only without such a uid there is something to find: who is
//! logged in at the terminal on stdin, as utmp(5) has it.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, stdin};
use std::mem::{offset_of, size_of};
use std::os::unix::ffi::OsStrExt;

use libc::utmpx;

use crate::config;

const UTMP: &str = "/var/run/utmp";
const LOGIN_UID: &str = "/proc/self/loginuid";

/// The login name, if it can be another than that of the real uid's entry.
#[must_use]
pub fn name() -> Option<OsString> {
    if !stdin().is_terminal() || has_login_uid() {
        return None;
    }
    let terminal = nix::unistd::ttyname(stdin()).ok()?;
    let line = terminal.strip_prefix("/dev").ok()?.as_os_str().as_bytes();
    user_at(&config::read(UTMP).ok()?, line)
}

/// Whether the kernel keeps login uids; 4294967295 says of this process that it has none, and nobody logged in.
fn has_login_uid() -> bool {
    std::fs::read_to_string(LOGIN_UID).is_ok_and(|uid| uid.trim_end().parse::<u32>().is_ok())
}

/// The user of the first session at this terminal.
fn user_at(records: &[u8], line: &[u8]) -> Option<OsString> {
    let user = records.chunks_exact(size_of::<utmpx>()).find_map(|record| {
        let field = |offset: usize| record.get(offset..);
        let kind = i16::from_ne_bytes(*field(offset_of!(utmpx, ut_type))?.first_chunk()?);
        let is_session = kind == libc::USER_PROCESS || kind == libc::LOGIN_PROCESS;
        let is_here = text(field(offset_of!(utmpx, ut_line))?)? == line;
        if is_session && is_here { text(field(offset_of!(utmpx, ut_user))?) } else { None }
    })?;
    (!user.is_empty()).then(|| OsStr::from_bytes(user).to_owned())
}

/// A field of 32 bytes, which ends before the first NUL if there is one.
fn text(field: &[u8]) -> Option<&[u8]> {
    const _: () = assert!(libc::__UT_LINESIZE == 32 && libc::__UT_NAMESIZE == 32);
    field.first_chunk::<32>()?.split(|byte| *byte == 0).next()
}

#[cfg(test)]
mod tests {
    use super::user_at;
    use libc::{DEAD_PROCESS, LOGIN_PROCESS, USER_PROCESS, utmpx};
    use std::mem::{offset_of, size_of};

    fn record(kind: i16, line: &str, user: &str) -> Vec<u8> {
        let mut record = vec![0; size_of::<utmpx>()];
        let mut put = |offset: usize, bytes: &[u8]| record[offset..][..bytes.len()].copy_from_slice(bytes);
        put(offset_of!(utmpx, ut_type), &kind.to_ne_bytes());
        put(offset_of!(utmpx, ut_line), line.as_bytes());
        put(offset_of!(utmpx, ut_user), user.as_bytes());
        record
    }

    #[test]
    fn the_first_session_at_the_terminal_names_the_user() {
        let long = "x".repeat(32);
        let records = [
            record(DEAD_PROCESS, "pts/1", "bob"),
            record(USER_PROCESS, "pts/11", "carol"),
            record(USER_PROCESS, "pts/1", "alicia"),
            record(USER_PROCESS, "pts/1", "dave"),
            record(LOGIN_PROCESS, "tty1", "LOGIN"),
            record(USER_PROCESS, "pts/2", ""),
            record(USER_PROCESS, "pts/3", &long),
        ]
        .concat();
        for (line, user) in [
            ("pts/1", Some("alicia")),
            ("tty1", Some("LOGIN")),
            ("pts/2", None),
            ("pts/3", Some(long.as_str())),
            ("pts/4", None),
            ("", None),
        ] {
            assert_eq!(user_at(&records, line.as_bytes()), user.map(Into::into), "{line}");
        }
        let cut_short = &records[..3 * size_of::<utmpx>() - 1];
        assert_eq!(user_at(cut_short, b"pts/1"), None);
        assert_eq!(user_at(b"", b"pts/1"), None);
    }
}
