//! The choice of the passwd entry if several login names share the caller's uid. The tests provide a terminal, a utmp(5) file, and
//! a process with or without login uid.

use std::collections::BTreeSet;
use std::fs;
use std::mem::{offset_of, size_of};
use std::process::Stdio;

use libc::utmpx;
use nix::mount::{MsFlags, mount};
use nix::pty::openpty;
use nix::unistd::ttyname;

use super::harness::{ALICE, IdType, InstallMode, Outcome, ROOT, in_sandbox};

/// Writes a utmp entry: this user is logged in on this terminal.
fn log_in(line: &str, user: &str) {
    let mut record = vec![0; size_of::<utmpx>()];
    let mut put = |offset: usize, bytes: &[u8]| record[offset..][..bytes.len()].copy_from_slice(bytes);
    put(offset_of!(utmpx, ut_type), &libc::USER_PROCESS.to_ne_bytes());
    put(offset_of!(utmpx, ut_line), line.as_bytes());
    put(offset_of!(utmpx, ut_user), user.as_bytes());
    fs::write("/run/utmp", record).unwrap();
}

/// Runs a command as uid 1000 and gid 100 on a terminal where this user is logged in. `login_uid` is the content of
/// /proc/self/loginuid.
fn run_logged_in(user: &str, login_uid: &str, command: &[&str]) -> Outcome {
    let pty = openpty(None, None).unwrap();
    let terminal = ttyname(&pty.slave).unwrap();
    log_in(terminal.strip_prefix("/dev").unwrap().to_str().unwrap(), user);
    fs::write("/run/login-uid", login_uid).unwrap();

    let mut shell = ROOT.command("sh");
    shell.args(["-c", "mount --bind /run/login-uid /proc/$$/loginuid && exec \"$@\"", "sh"]);
    shell.args(["setpriv", "--reuid=1000", "--regid=100", "--clear-groups"]).stdin(pty.slave);
    Outcome::of(&shell.args(command).stderr(Stdio::piped()).output().unwrap())
}

/// The login group of Alice.Smith is 100, that of alice is 1000: the group shows which entry was used.
#[test]
fn the_entry_of_the_login_name_is_preferred_if_it_has_the_real_uid() {
    in_sandbox(|sandbox| {
        let no: Option<&str> = None;
        mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), no).unwrap();
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let program = sandbox.program(InstallMode::Setuid, id_type);
            let mut names = BTreeSet::new();
            for user in ["Alice.Smith", "alice", "bob", "ghost"] {
                // getlogin_r(3) of Debian 12 reads utmp if the login uid is empty, that of Debian 13 if it is -1. logname(1) shows it.
                for login_uid in ["", "4294967295", "1000"] {
                    let name = run_logged_in(user, login_uid, &["logname"]).stdout;
                    let target = sandbox.namespace(ALICE.with_gid(100));
                    let arguments = [program.to_str().unwrap(), &target.pid(), "0", "100000", "10"];
                    let outcome = run_logged_in(user, login_uid, &arguments);
                    let map = target.map(id_type);
                    if name == "Alice.Smith\n" {
                        assert_eq!(
                            (outcome.stderr.as_str(), map.as_str()),
                            ("", "0 100000 10"),
                            "{user} {login_uid}"
                        );
                    } else {
                        assert!(outcome.stderr.contains("gid:100 pw_gid:1000"), "{user}: {}", outcome.stderr);
                        assert_eq!((outcome.status, map.as_str()), (Some(1), ""), "{user} {login_uid}");
                    }
                    names.insert(name);
                }
            }
            for name in ["Alice.Smith\n", "alice\n", "bob\n", "ghost\n"] {
                assert!(names.contains(name), "{name:?}: {names:?}");
            }
        }
    });
}

/// utmp(5) has a name of this size without a NUL.
#[test]
fn the_longest_login_name_is_read() {
    in_sandbox(|sandbox| {
        let no: Option<&str> = None;
        mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), no).unwrap();
        sandbox.delegate("alice:100000:10\n");
        let longest = "a".repeat(libc::__UT_NAMESIZE);
        let passwd = fs::read_to_string("/etc/passwd").unwrap();
        sandbox.write("passwd", format!("{passwd}{longest}:x:1000:100::/:/bin/sh\n"));
        let program = sandbox.program(InstallMode::Setuid, IdType::Uid);
        let run = |login_uid| {
            let name = run_logged_in(&longest, login_uid, &["logname"]).stdout;
            let target = sandbox.namespace(ALICE.with_gid(100));
            let arguments = [program.to_str().unwrap(), &target.pid(), "0", "100000", "10"];
            (name, run_logged_in(&longest, login_uid, &arguments).status)
        };
        let runs = ["", "4294967295"].map(run);
        let read: Vec<_> = runs.iter().filter(|(name, _)| name.trim_end() == longest).collect();
        assert!(!read.is_empty() && read.iter().all(|(_, status)| *status == Some(0)), "{runs:?}");
    });
}
