//! The target and the caller: processes that are gone, somebody else's, another group's, not dumpable; and a caller without a name.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::sys::stat::Mode;

use super::failure::Failure;
use super::harness::{
    ALICE, BOB, Kind, NOBODY_KNOWN, Person, ROOT, Way, World, in_world, must_succeed, setpriv,
};

fn alice() -> Command {
    ALICE.command("env")
}

const GONE: &str = "Could not open proc directory for target $pid: No such file or directory";
const FOREIGN: &str = "Target process is owned by a different user: ";

pub fn ended(world: &World, way: Way, kind: Kind) -> Failure {
    let pid = world.namespace(ALICE).pid();
    Failure::at(alice(), &world.program(way, kind), kind, &pid, "0 100000 10")
}

#[test]
fn a_process_that_has_ended_is_told() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        world.for_each_program(|way, kind| {
            ended(world, way, kind).says(&[
                GONE,
                "$usage",
                "cause: there is no process $pid: it has ended, or the PID is from another PID namespace",
                "fix: give the PID that the caller's /proc shows, while the process lives",
            ]);
            // By its directory, which was opened while it lived.
            let target = world.namespace(ALICE);
            let directory =
                open(Path::new(&format!("/proc/{}", target.pid())), OFlag::O_RDONLY, Mode::empty()).unwrap();
            fcntl(&directory, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
            drop(target);
            let word = format!("fd:{}", directory.as_raw_fd());
            let failure = Failure::at(alice(), &world.program(way, kind), kind, &word, "0 100000 10");
            // Root owns what is left of it.
            failure.says(&[
                &shown(ALICE, 1000, ROOT),
                "cause: the process of $pid has ended",
                "fix: keep the process alive until both of its maps are written",
            ]);
        });
    });
}

/// Inside it has a PID that is nobody's outside.
#[test]
fn a_pid_of_another_pid_namespace_is_nobodys_here() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        // Far from those that are given out next.
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
        let target = world.waiting(command.args([script.as_str(), "sh"]));
        assert_eq!(target.pid(), inside.to_string());
        for kind in Kind::BOTH {
            Failure::of(alice(), world, Way::Setuid, kind, &target, "0 100000 10").is_because(&[
                "there is no process $pid: it has ended, or the PID is from another PID namespace",
            ]);
        }
    });
}

pub fn of_bob(world: &World, way: Way, kind: Kind) -> Failure {
    Failure::of(alice(), world, way, kind, &world.namespace(BOB), "0 100000 10")
}

fn shown(caller: Person, login_gid: u32, owner: Person) -> String {
    format!(
        "{FOREIGN}uid:{0} pw_uid:{0} st_uid:{1}, gid:{2} pw_gid:{login_gid} st_gid:{3}",
        caller.uid, owner.uid, caller.gid, owner.gid
    )
}

#[test]
fn a_process_of_somebody_else_is_told_with_both_uids() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        world.for_each_program(|way, kind| {
            for (owner, failure) in [
                (BOB, of_bob(world, way, kind)),
                (ROOT, Failure::of(alice(), world, way, kind, &world.namespace(ROOT), "0 100000 10")),
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

/// A setuid program has made its caller's process somebody else's.
#[test]
fn a_process_that_changed_its_effective_uid_is_told() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        let target = world.waiting(ROOT.command("setpriv").args([
            "--ruid=1000",
            "--rgid=1000",
            "--clear-groups",
            "sh",
            "-pc",
            "echo $$; exec cat",
        ]));
        for kind in Kind::BOTH {
            let failure = Failure::of(alice(), world, Way::Caps, kind, &target, "0 100000 10");
            failure.begins(&shown(ALICE, 1000, ROOT));
            failure.is_because(&[
                "process $pid runs with the effective uid 0, although its real uid is the caller's, 1000",
            ]);
        }
    });
}

#[test]
fn a_uid_that_this_namespace_does_not_have_is_not_told_as_a_uid() {
    in_world(|world| {
        world.delegate("alice:1500:10\n");
        let nested = world.nested(2_000);
        let outside = Person { uid: 3000, gid: 3000 };
        let target = world.waiting(outside.command("unshare").args(["--user", "--"]));
        for kind in Kind::BOTH {
            Failure::of(nested.as_alice(), world, Way::Setuid, kind, &target, "0 1500 10")
                .is_because(&["process $pid belongs to a uid that is not mapped in this user namespace"]);
        }
    });
}

#[test]
fn a_process_of_another_group_is_told_with_how_to_join_it() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for kind in Kind::BOTH {
            let target = world.namespace(ALICE.with_gid(100));
            for (groups, fix) in [
                ("--clear-groups", "fix: start the process under gid 1000"),
                ("--groups=100", "fix: run $program under gid 100, with sg or newgrp"),
            ] {
                let mut command = ROOT.command("setpriv");
                command.args(["--reuid=1000", "--regid=1000", groups, "--"]);
                Failure::of(command, world, Way::Caps, kind, &target, "0 100000 10").says(&[
                    &shown(ALICE, 1000, ALICE.with_gid(100)),
                    "cause: process $pid has gid 100, and the caller has gid 1000",
                    fix,
                ]);
            }
        }
    });
}

const LOGIN_GROUP: &str = "the caller has gid 100, which is not the login group, 1000";

/// After newgrp(1), which the target was made after as well.
pub fn under_another_group(world: &World, way: Way, kind: Kind) -> Failure {
    Failure::new(|| ALICE.with_gid(100).command("env"), world, way, kind, "0 100000 10")
}

#[test]
fn a_caller_under_another_group_is_told_with_the_option_that_allows_it() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        let under_group = || ALICE.with_gid(100).command("env");
        world.for_each_program(|way, kind| {
            under_another_group(world, way, kind).says(&[
                &shown(ALICE.with_gid(100), 1000, ALICE.with_gid(100)),
                &format!("cause: {LOGIN_GROUP}"),
                "fix: start the process and $program under gid 1000, with sg or newgrp, or as root, set GRANT_AUX_GROUP_SUBIDS yes in \
                 /etc/login.defs",
            ]);
            // The target has the login group, and then a third one.
            Failure::of(under_group(), world, way, kind, &world.namespace(ALICE), "0 100000 10").says(&[
                &shown(ALICE.with_gid(100), 1000, ALICE),
                "cause: process $pid has gid 1000, and the caller has gid 100",
                "fix: run $program under gid 1000, with sg or newgrp",
            ]);
            let third = world.namespace(ALICE.with_gid(101));
            Failure::of(under_group(), world, way, kind, &third, "0 100000 10")
                .is_because(&["process $pid has gid 101, and the caller has gid 100", LOGIN_GROUP]);
        });
        // Granted, the group is no reason any more.
        world.write("login.defs", "GRANT_AUX_GROUP_SUBIDS yes\n");
        for kind in Kind::BOTH {
            Failure::new(under_group, world, Way::Unprivileged, kind, "0 100000 10")
                .is_because(&["$path has neither"]);
        }
    });
}

/// A namespace of alice's whose process runs a program that she may execute and not read.
pub fn not_dumpable(world: &World, way: Way, kind: Kind) -> Failure {
    let unreadable = "/mnt/unreadable";
    let mut install = Command::new("install");
    must_succeed(install.args(["--mode=0711", "/bin/dash", unreadable]));
    let mut unshare = ALICE.command("unshare");
    let target = world.waiting(unshare.args(["--user", "--", unreadable, "-c", "echo $$; read line"]));
    Failure::of(alice(), world, way, kind, &target, "0 100000 10")
}

#[test]
fn a_process_that_is_not_dumpable_is_told() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        world.for_each_program(|way, kind| {
            not_dumpable(world, way, kind).says(&[
                "open of $id_map failed: Permission denied",
                "cause: process $pid is not dumpable, so its files in /proc belong to uid 0 instead of the caller",
                "fix: have the process call prctl(PR_SET_DUMPABLE, 1) after it changed ids, or run a program that the caller may read",
            ]);
        });
    });
}

pub fn without_passwd_entry(world: &World, way: Way, kind: Kind) -> Failure {
    world.delegate("4711:100000:10\n");
    Failure::new(|| NOBODY_KNOWN.command("env"), world, way, kind, "0 100000 10")
}

#[test]
fn a_caller_without_passwd_entry_is_told_with_a_line_for_it() {
    in_world(|world| {
        world.for_each_program(|way, kind| {
            without_passwd_entry(world, way, kind).says(&[
                "Cannot determine your user name.",
                "cause: uid 4711 has no entry in the passwd database",
                "fix: add an entry, in the image, or at start where uids are random (OpenShift): 'echo \
                 user:x:4711:4711::/home/user:/bin/sh >>/etc/passwd'",
            ]);
        });
        // What the fix gives is an entry, and nothing is delegated to it yet.
        let mut passwd = fs::read_to_string("/etc/passwd").unwrap();
        passwd.push_str("user:x:4711:4711::/home/user:/bin/sh\n");
        world.write("passwd", passwd);
        world.delegate("");
        Failure::new(|| NOBODY_KNOWN.command("env"), world, Way::Setuid, Kind::Uid, "0 100000 10")
            .is_because(&["/etc/subuid has no line for user (uid 4711)"]);
    });
}

/// A passwd file that alice cannot read has her entry all the same; which of both it is cannot be told from the look-up.
#[test]
fn a_passwd_file_that_cannot_be_read_knows_nobody() {
    in_world(|world| {
        fs::set_permissions("/etc/passwd", fs::Permissions::from_mode(0o600)).unwrap();
        let target = world.namespace(ALICE);
        Failure::of(setpriv(&[]), world, Way::Setuid, Kind::Uid, &target, "0 100000 10").says(&[
            "Cannot determine your user name.",
            "cause: /etc/passwd cannot be read by uid 1000: Permission denied",
            "fix: as root, run 'chmod 0644 /etc/passwd'",
        ]);
    });
}
