//! The choice of the passwd entry if several login names share the caller's uid. The tests provide a terminal, a utmp(5) file, and
//! a process with or without login uid.

use std::fs;
use std::mem::{offset_of, size_of};
use std::process::Stdio;

use libc::utmpx;
use nix::mount::{MsFlags, mount};
use nix::pty::openpty;
use nix::unistd::ttyname;

use super::harness::{ALICE, IdType, InstallMode, Outcome, ROOT, Sandbox, in_sandbox};

/// Writes a utmp entry: this user is logged in on this terminal.
fn log_in(line: &str, user: &str) {
    let mut record = vec![0; size_of::<utmpx>()];
    let mut put = |offset: usize, bytes: &[u8]| record[offset..][..bytes.len()].copy_from_slice(bytes);
    put(offset_of!(utmpx, ut_type), &libc::USER_PROCESS.to_ne_bytes());
    put(offset_of!(utmpx, ut_line), line.as_bytes());
    put(offset_of!(utmpx, ut_user), user.as_bytes());
    fs::write("/run/utmp", record).unwrap();
}

/// Runs a program as uid 1000 and gid 100 on a terminal where this user is logged in. `login_uid` is the content of
/// /proc/self/loginuid.
fn run_logged_in(sandbox: &Sandbox, id_type: IdType, user: &str, login_uid: &str) -> (Outcome, String) {
    let pty = openpty(None, None).unwrap();
    let terminal = ttyname(&pty.slave).unwrap();
    log_in(terminal.strip_prefix("/dev").unwrap().to_str().unwrap(), user);
    fs::write("/run/login-uid", login_uid).unwrap();

    let target = sandbox.namespace(ALICE.with_gid(100));
    let mut shell = ROOT.command("sh");
    shell.args(["-c", "mount --bind /run/login-uid /proc/$$/loginuid && exec \"$@\"", "sh"]);
    shell.args(["setpriv", "--reuid=1000", "--regid=100", "--clear-groups"]).stdin(pty.slave);
    let program = sandbox.program(InstallMode::Setuid, id_type);
    let output = shell.arg(program).args([&target.pid(), "0", "100000", "10"]).stderr(Stdio::piped());
    let outcome = Outcome::of(&output.output().unwrap());
    (outcome, target.map(id_type))
}

/// The login group of Alice.Smith is 100, that of alice is 1000: the group shows which entry was used.
#[test]
fn the_entry_of_the_login_name_is_preferred_if_it_has_the_real_uid() {
    in_sandbox(|sandbox| {
        let no: Option<&str> = None;
        mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), no).unwrap();
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            for (user, login_uid, preferred) in [
                ("Alice.Smith", "", true),
                ("alice", "", false),
                ("bob", "", false),
                ("ghost", "", false),
                ("Alice.Smith", "1000", false),
                ("Alice.Smith", "4294967295", false),
            ] {
                let (outcome, map) = run_logged_in(sandbox, id_type, user, login_uid);
                if preferred {
                    assert_eq!((outcome.stderr.as_str(), map.as_str()), ("", "0 100000 10"), "{user}");
                } else {
                    assert!(outcome.stderr.contains("gid:100 pw_gid:1000"), "{user}: {}", outcome.stderr);
                    assert_eq!((outcome.status, map.as_str()), (Some(1), ""), "{user} {login_uid}");
                }
            }
        }
    });
}
