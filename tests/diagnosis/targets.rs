//! Causes in the target and the caller: an ended process, another owner or group, a process that is not dumpable, no passwd entry.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::failure::{Failure, alice};
use super::harness::descriptor::{opened, pidfd, pidfds_can_be_resolved};
use super::harness::{
    ALICE, BOB, IdType, InstallMode, Person, ROOT, Sandbox, UNKNOWN_USER, in_sandbox, must_succeed, setpriv,
};

const GONE: &str = "Could not open proc directory for target $pid: No such file or directory";
const FOREIGN: &str = "Target process is owned by a different user: ";

pub fn ended(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    Failure::of(alice(), sandbox, mode, id_type, &sandbox.ended(), "0 100000 10")
}

#[test]
fn a_process_that_has_ended_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            ended(sandbox, mode, id_type).says(&[
                GONE,
                "$usage",
                "cause: there is no process $pid: it has ended, or the PID is from another PID namespace",
                "fix: give the PID that the caller's /proc shows, while the process lives",
            ]);
            // A descriptor of the directory in /proc, opened before the process ended.
            let target = sandbox.namespace(ALICE);
            let directory = opened(&format!("/proc/{}", target.pid()), OFlag::O_RDONLY);
            drop(target);
            let word = format!("fd:{}", directory.as_raw_fd());
            let failure =
                Failure::at(alice(), &sandbox.program(mode, id_type), id_type, &word, "0 100000 10");
            // Root owns the directory of an ended process.
            failure.says(&[
                &shown(ALICE, 1000, ROOT),
                "cause: the process of $pid has ended",
                "fix: keep the process alive until both of its maps are written",
            ]);
        });
    });
}

/// Root owns the files of a process that has ended and that its parent has not waited for, but not the directory.
#[test]
fn a_process_that_has_ended_and_was_not_waited_for_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let target = sandbox.namespace(ALICE);
        let directory = opened(&format!("/proc/{}", target.pid()), OFlag::O_RDONLY);
        let pidfd = pidfd(&target);
        let pid = Pid::from_raw(target.pid().parse().unwrap());
        kill(pid, Signal::SIGKILL).unwrap();
        waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
        let by_descriptor = |descriptor: &OwnedFd| format!("fd:{}", descriptor.as_raw_fd());
        let mut words = vec![
            (target.pid(), "cause: process $pid has ended"),
            (by_descriptor(&directory), "cause: the process of $pid has ended"),
        ];
        if pidfds_can_be_resolved() {
            words.push((by_descriptor(&pidfd), "cause: the process of $pid has ended"));
        }
        sandbox.for_each_program(|mode, id_type| {
            let program = sandbox.program(mode, id_type);
            for (word, cause) in &words {
                Failure::at(alice(), &program, id_type, word, "0 100000 10").says(&[
                    "open of $id_map failed: Permission denied",
                    cause,
                    "fix: keep the process alive until both of its maps are written",
                ]);
            }
        });
        // newgidmap opens setgroups before the map.
        let program = sandbox.program(InstallMode::Setuid, IdType::Gid);
        let failure = Failure::at(alice(), &program, IdType::Gid, &target.pid(), "0 1000 1");
        failure.begins("couldn't open process setgroups: Permission denied");
        failure.is_because(&["process $pid has ended"]);
    });
}

/// The target has a PID in its PID namespace that no process has outside.
#[test]
fn a_pid_of_another_pid_namespace_is_reported_as_missing() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        // A PID far from those that the kernel assigns next.
        let loadavg = fs::read_to_string("/proc/loadavg").unwrap();
        let last: u32 = loadavg.split_whitespace().last().unwrap().parse().unwrap();
        let far = 1_000 + (last + 15_000) % 30_000;
        let inside = (far..far + 1_000).find(|pid| !Path::new(&format!("/proc/{pid}")).exists()).unwrap();
        let mut command = ROOT.command("unshare");
        command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"]);
        let script = format!(
            "echo {} >/proc/sys/kernel/ns_last_pid; setpriv --reuid=1000 --regid=1000 --clear-groups unshare --user \"$@\"; true",
            inside - 1
        );
        let target = sandbox.waiting(command.args([script.as_str(), "sh"]));
        assert_eq!(target.pid(), inside.to_string());
        for id_type in IdType::BOTH {
            Failure::of(alice(), sandbox, InstallMode::Setuid, id_type, &target, "0 100000 10").is_because(
                &["there is no process $pid: it has ended, or the PID is from another PID namespace"],
            );
        }
    });
}

pub fn of_bob(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    Failure::of(alice(), sandbox, mode, id_type, &sandbox.namespace(BOB), "0 100000 10")
}

fn shown(caller: Person, login_gid: u32, owner: Person) -> String {
    format!(
        "{FOREIGN}uid:{0} pw_uid:{0} st_uid:{1}, gid:{2} pw_gid:{login_gid} st_gid:{3}",
        caller.uid, owner.uid, caller.gid, owner.gid
    )
}

#[test]
fn a_process_of_another_user_is_reported_with_both_uids() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            for (owner, failure) in [
                (BOB, of_bob(sandbox, mode, id_type)),
                (ROOT, Failure::of(alice(), sandbox, mode, id_type, &sandbox.namespace(ROOT), "0 100000 10")),
            ] {
                failure.says(&[
                    &shown(ALICE, 1000, owner),
                    &format!("cause: process $pid belongs to uid {}, and the caller is uid 1000", owner.uid),
                    &format!(
                        "fix: give the PID of a process of the caller, as the caller's /proc shows it, or run $program as \
                         uid {}",
                        owner.uid
                    ),
                ]);
            }
        });
    });
}

/// A setuid program runs with the real uid of the caller and the effective uid of root.
#[test]
fn a_process_that_changed_its_effective_uid_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let target = sandbox.waiting(ROOT.command("setpriv").args([
            "--ruid=1000",
            "--rgid=1000",
            "--clear-groups",
            "sh",
            "-pc",
            "echo $$; exec cat",
        ]));
        for id_type in IdType::BOTH {
            let failure = Failure::of(alice(), sandbox, InstallMode::Caps, id_type, &target, "0 100000 10");
            failure.begins(&shown(ALICE, 1000, ROOT));
            failure.is_because(&[
                "process $pid runs with the effective uid 0, although its real uid is the caller's, 1000",
            ]);
        }
    });
}

#[test]
fn an_owner_that_is_not_mapped_here_is_reported_without_a_uid() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:1500:10\n");
        let nested = sandbox.nested(2_000);
        let outside = Person { uid: 3000, gid: 3000 };
        let target = sandbox.waiting(outside.command("unshare").args(["--user", "--"]));
        for id_type in IdType::BOTH {
            Failure::of(nested.as_alice(), sandbox, InstallMode::Setuid, id_type, &target, "0 1500 10")
                .is_because(&["process $pid belongs to a uid that is not mapped in this user namespace"]);
        }
    });
}

#[test]
fn a_process_of_another_group_is_reported_with_the_gid_to_use() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let target = sandbox.namespace(ALICE.with_gid(100));
            for (groups, fix) in [
                ("--clear-groups", "fix: start the process under gid 1000"),
                ("--groups=100", "fix: run $program under gid 100, with sg or newgrp"),
            ] {
                let mut command = ROOT.command("setpriv");
                command.args(["--reuid=1000", "--regid=1000", groups, "--"]);
                Failure::of(command, sandbox, InstallMode::Caps, id_type, &target, "0 100000 10").says(&[
                    &shown(ALICE, 1000, ALICE.with_gid(100)),
                    "cause: process $pid has gid 100, and the caller has gid 1000",
                    fix,
                ]);
            }
        }
    });
}

const LOGIN_GROUP: &str = "the caller has gid 100, which is not the login group, 1000";

/// Caller and target both run under gid 100, as after newgrp(1).
pub fn under_another_group(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    Failure::new(|| ALICE.with_gid(100).command("env"), sandbox, mode, id_type, "0 100000 10")
}

#[test]
fn a_caller_outside_the_login_group_is_reported_with_the_login_defs_option() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let under_group = || ALICE.with_gid(100).command("env");
        sandbox.for_each_program(|mode, id_type| {
            under_another_group(sandbox, mode, id_type).says(&[
                &shown(ALICE.with_gid(100), 1000, ALICE.with_gid(100)),
                &format!("cause: {LOGIN_GROUP}"),
                "fix: start the process and $program under gid 1000, with sg or newgrp, or as root, set GRANT_AUX_GROUP_SUBIDS yes in \
                 /etc/login.defs",
            ]);
            // The target has the login group in this case, and a third group in the next one.
            Failure::of(under_group(), sandbox, mode, id_type, &sandbox.namespace(ALICE), "0 100000 10").says(&[
                &shown(ALICE.with_gid(100), 1000, ALICE),
                "cause: process $pid has gid 1000, and the caller has gid 100",
                "fix: run $program under gid 1000, with sg or newgrp",
            ]);
            let third = sandbox.namespace(ALICE.with_gid(101));
            Failure::of(under_group(), sandbox, mode, id_type, &third, "0 100000 10")
                .is_because(&["process $pid has gid 101, and the caller has gid 100", LOGIN_GROUP]);
        });
        // With GRANT_AUX_GROUP_SUBIDS, the group is not the cause.
        sandbox.write("login.defs", "GRANT_AUX_GROUP_SUBIDS yes\n");
        for id_type in IdType::BOTH {
            Failure::new(under_group, sandbox, InstallMode::Unprivileged, id_type, "0 100000 10")
                .is_because(&["$path has neither"]);
        }
    });
}

/// A target of alice that runs a program which alice may execute and not read.
pub fn not_dumpable(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    let unreadable = "/mnt/unreadable";
    let mut install = Command::new("install");
    must_succeed(install.args(["--mode=0711", "/bin/dash", unreadable]));
    let mut unshare = ALICE.command("unshare");
    let target = sandbox.waiting(unshare.args(["--user", "--", unreadable, "-c", "echo $$; read line"]));
    Failure::of(alice(), sandbox, mode, id_type, &target, "0 100000 10")
}

#[test]
fn a_process_that_is_not_dumpable_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            not_dumpable(sandbox, mode, id_type).says(&[
                "open of $id_map failed: Permission denied",
                "cause: process $pid is not dumpable, so its files in /proc belong to uid 0 instead of the caller",
                "fix: have the process call prctl(PR_SET_DUMPABLE, 1) after it changed ids, or run a program that the caller may read",
            ]);
        });
    });
}

pub fn without_passwd_entry(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    sandbox.delegate("4711:100000:10\n");
    of_unknown_user(sandbox, mode, id_type)
}

fn of_unknown_user(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    Failure::new(|| UNKNOWN_USER.command("env"), sandbox, mode, id_type, "0 100000 10")
}

const HOME: &str = "; podman and buildah need HOME, a directory that other users cannot write";

/// The line of a name that is in use would give the caller that name's delegation.
#[test]
fn a_line_for_the_passwd_file_has_a_name_that_is_free() {
    let other = "user4711:x:5555:5555::/:/bin/sh\n";
    let all = "user4711:x:1:1::/:\nuid4711:x:1:1::/:\nid4711:x:1:1::/:\n";
    let line = |name| format!("`echo {name}:x:4711:4711::/nonexistent:/bin/sh >>/etc/passwd`");
    let by_hand = "as root, add a line for uid 4711 to /etc/passwd, with a name that /etc/passwd, /etc/subuid and /etc/subgid do not have";
    for (passwd, subuid, subgid, expected) in [
        ("", "4711:100000:10\n", "", format!("as root, run {}", line("user4711"))),
        ("user47110:x:5555:5555::/:/bin/sh\n", "", "", format!("as root, run {}", line("user4711"))),
        (other, "", "", format!("as root, run {}", line("uid4711"))),
        ("", "user4711:100000:65536\n", "", format!("as root, run {}", line("uid4711"))),
        ("", "", "bob:1:1\nuser4711:100000:65536", format!("as root, run {}", line("uid4711"))),
        (other, "uid4711:1:1\n", "", format!("as root, run {}", line("id4711"))),
        (all, "", "", by_hand.to_owned()),
        (
            "late:x:1002:1002::/:/bin/sh",
            "",
            "",
            "as root, run `(echo; echo user4711:x:4711:4711::/nonexistent:/bin/sh) >>/etc/passwd`".to_owned(),
        ),
    ] {
        in_sandbox(|sandbox| {
            let text = fs::read_to_string("/etc/passwd").unwrap() + passwd;
            sandbox.write("passwd", text);
            sandbox.write("subuid", subuid);
            sandbox.write("subgid", subgid);
            for id_type in IdType::BOTH {
                of_unknown_user(sandbox, InstallMode::Setuid, id_type)
                    .mentions(&format!("fix: {expected}{HOME}\n"));
            }
        });
    }
    // The delegations of a name cannot be seen.
    in_sandbox(|sandbox| {
        fs::set_permissions("/etc/subgid", fs::Permissions::from_mode(0o600)).unwrap();
        of_unknown_user(sandbox, InstallMode::Setuid, IdType::Uid)
            .mentions(&format!("fix: {by_hand}{HOME}\n"));
    });
}

#[test]
fn a_caller_without_passwd_entry_is_reported_with_a_line_to_add() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            without_passwd_entry(sandbox, mode, id_type).says(&[
                "Cannot determine your user name.",
                "cause: uid 4711 has no entry in the passwd database",
                &format!(
                    "fix: as root, run `echo user4711:x:4711:4711::/nonexistent:/bin/sh >>/etc/passwd`{HOME}"
                ),
            ]);
        });
        // After the fix, the caller has an entry and no delegation.
        let mut passwd = fs::read_to_string("/etc/passwd").unwrap();
        passwd.push_str("user:x:4711:4711::/home/user:/bin/sh\n");
        sandbox.write("passwd", passwd);
        sandbox.delegate("");
        of_unknown_user(sandbox, InstallMode::Setuid, IdType::Uid)
            .is_because(&["/etc/subuid has no line for user (uid 4711)"]);
    });
}

/// The look-up returns no entry for a missing entry and for an unreadable file; the explanation distinguishes them.
#[test]
fn an_unreadable_passwd_file_is_reported() {
    in_sandbox(|sandbox| {
        fs::set_permissions("/etc/passwd", fs::Permissions::from_mode(0o600)).unwrap();
        let target = sandbox.namespace(ALICE);
        Failure::of(setpriv(&[]), sandbox, InstallMode::Setuid, IdType::Uid, &target, "0 100000 10").says(&[
            "Cannot determine your user name.",
            "cause: /etc/passwd cannot be read by uid 1000: Permission denied",
            "fix: as root, run `chmod 0644 /etc/passwd`",
        ]);
        fs::set_permissions("/etc", fs::Permissions::from_mode(0o700)).unwrap();
        Failure::of(setpriv(&[]), sandbox, InstallMode::Setuid, IdType::Uid, &target, "0 100000 10").says(&[
            "Cannot determine your user name.",
            "cause: /etc/passwd cannot be read by uid 1000: Permission denied; the directory /etc may not be searched",
            "fix: as root, run `chmod a+x /etc`",
        ]);
    });
}
