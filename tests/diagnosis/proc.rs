//! Causes in /proc: read-only, covered, not mounted, of another PID namespace, or mounted with hidepid.

use std::fs;
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::failure::{Failure, alice};
use super::harness::{
    ALICE, BOB, IdType, InstallMode, Namespace, ROOT, Sandbox, WRITTEN, in_sandbox, must_succeed, setpriv,
};

fn bind(source: &str, target: &str) {
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
}

fn fails(sandbox: &Sandbox, mode: InstallMode, id_type: IdType, target: &Namespace) -> Failure {
    Failure::of(alice(), sandbox, mode, id_type, target, "0 100000 10")
}

/// Runs the program while a read-only bind mount covers this path.
pub fn read_only(
    sandbox: &Sandbox,
    mode: InstallMode,
    id_type: IdType,
    path: impl Fn(&Namespace) -> String,
) -> Failure {
    let target = sandbox.namespace(ALICE);
    let path = path(&target);
    bind(&path, &path);
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(None::<&str>, path.as_str(), None::<&str>, flags, None::<&str>).unwrap();
    let failure = fails(sandbox, mode, id_type, &target);
    umount2(path.as_str(), MntFlags::MNT_DETACH).unwrap();
    failure
}

#[test]
fn a_read_only_mount_is_reported_with_its_mount_point() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let of_process = |target: &Namespace| format!("/proc/{}", target.pid());
            for (failure, point) in [
                (read_only(sandbox, mode, id_type, |_| "/proc".to_owned()), "/proc"),
                (read_only(sandbox, mode, id_type, of_process), "/proc/$pid"),
            ] {
                failure.says(&[
                    "open of $id_map failed: Read-only file system",
                    &format!("cause: {point} is mounted read-only"),
                    &format!(
                        "fix: as root, run `mount -o remount,rw {point}`; in a container, remove the option for a read-only /proc, \
                         such as a volume /proc:/proc:ro"
                    ),
                ]);
            }
            // For the map of the own gid, newgidmap writes the read-only file setgroups first.
            let target = sandbox.namespace(ALICE);
            let path = format!("/proc/{}", target.pid());
            bind(&path, &path);
            let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
            mount(None::<&str>, path.as_str(), None::<&str>, flags, None::<&str>).unwrap();
            Failure::of(alice(), sandbox, mode, id_type, &target, "0 1000 1").is_because(&["/proc/$pid is mounted read-only"]);
            umount2(path.as_str(), MntFlags::MNT_DETACH).unwrap();
        });
    });
}

/// Runs the program while a file that alice may write is mounted over the map.
pub fn covered_map(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    let target = sandbox.namespace(ALICE);
    fs::write("/etc/map", "").unwrap();
    must_succeed(Command::new("chown").args(["1000", "/etc/map"]));
    let map = format!("/proc/{}/{}_map", target.pid(), id_type.word());
    bind("/etc/map", &map);
    let failure = fails(sandbox, mode, id_type, &target);
    umount2(map.as_str(), MntFlags::MNT_DETACH).unwrap();
    assert_eq!(fs::read("/etc/map").unwrap(), b"", "the covering file was written");
    assert_eq!(target.map(id_type), "");
    failure
}

#[test]
fn a_file_mounted_over_the_map_is_reported_and_not_written() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            covered_map(sandbox, mode, id_type).says(&[
                "open of $id_map failed: Invalid cross-device link",
                "cause: /proc/$pid/$id_map is covered by a tmpfs mount",
                "fix: as root, run `umount /proc/$pid/$id_map`",
            ]);
            let target = sandbox.namespace(ALICE);
            let map = format!("/proc/{}/{}_map", target.pid(), id_type.word());
            bind("/dev/null", &map);
            fails(sandbox, mode, id_type, &target).is_because(&["/proc/$pid/$id_map is covered by a "]);
            umount2(map.as_str(), MntFlags::MNT_DETACH).unwrap();
            // A covered map of the other id type is not reported.
            let other =
                format!("/proc/{}/{}_map", target.pid(), if id_type == IdType::Uid { "gid" } else { "uid" });
            bind("/dev/null", &other);
            Failure::of(alice(), sandbox, InstallMode::Unprivileged, id_type, &target, "0 100000 10")
                .is_because(&["$path has neither"]);
            umount2(other.as_str(), MntFlags::MNT_DETACH).unwrap();
        });
    });
}

#[test]
fn a_file_mounted_over_setgroups_is_reported_and_not_written() {
    in_sandbox(|sandbox| {
        let target = sandbox.namespace(ALICE);
        fs::write("/etc/setgroups", "").unwrap();
        must_succeed(Command::new("chown").args(["1000", "/etc/setgroups"]));
        let setgroups = format!("/proc/{}/setgroups", target.pid());
        bind("/etc/setgroups", &setgroups);
        let failure = Failure::of(alice(), sandbox, InstallMode::Caps, IdType::Gid, &target, "0 1000 1");
        umount2(setgroups.as_str(), MntFlags::MNT_DETACH).unwrap();
        failure.begins("couldn't open process setgroups: Invalid cross-device link");
        failure.is_because(&["/proc/$pid/setgroups is covered by a tmpfs mount"]);
        assert_eq!(fs::read("/etc/setgroups").unwrap(), b"");
        assert_eq!((target.map(IdType::Gid).as_str(), target.setgroups().as_str()), ("", "allow"));
    });
}

/// A caller can arrange this in an own mount namespace and pass a descriptor of the directory there.
#[test]
fn a_file_of_another_process_mounted_over_the_map_is_not_written() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for mode in InstallMode::GOOD {
            for (id_type, file, ranges) in WRITTEN {
                let (target, other) = (sandbox.namespace(ALICE), sandbox.namespace(ALICE));
                let covered = format!("/proc/{}/{file}", target.pid());
                bind(&format!("/proc/{}/{file}", other.pid()), &covered);
                let failure = Failure::of(alice(), sandbox, mode, id_type, &target, ranges);
                umount2(covered.as_str(), MntFlags::MNT_DETACH).unwrap();
                failure.mentions("Invalid cross-device link");
                failure.is_because(&[&format!("{covered} is covered by a proc mount")]);
                for namespace in [&target, &other] {
                    assert_eq!(
                        (namespace.map(id_type).as_str(), namespace.setgroups().as_str()),
                        ("", "allow")
                    );
                }
            }
        }
    });
}

#[test]
fn a_file_system_mounted_over_the_process_directory_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let target = sandbox.namespace(ALICE);
            let directory = format!("/proc/{}", target.pid());
            mount(Some("tmpfs"), directory.as_str(), Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
            fails(sandbox, mode, id_type, &target).says(&[
                "Could not open proc directory for target $pid: No such file or directory",
                "$usage",
                "cause: /proc/$pid is covered by a tmpfs mount",
                "fix: as root, run `umount /proc/$pid`",
            ]);
            umount2(directory.as_str(), MntFlags::MNT_DETACH).unwrap();
        });
    });
}

/// Runs the program for this target after `change` has mounted over /proc.
fn with_another_proc(
    sandbox: &Sandbox,
    mode: InstallMode,
    id_type: IdType,
    target: &str,
    change: impl Fn(),
    via: Command,
) -> Failure {
    change();
    let failure = Failure::at(via, &sandbox.program(mode, id_type), id_type, target, "0 100000 10");
    umount2("/proc", MntFlags::MNT_DETACH).unwrap();
    failure
}

pub fn no_proc(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    let tmpfs = || mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    with_another_proc(sandbox, mode, id_type, &sandbox.namespace(ALICE).pid(), tmpfs, alice())
}

#[test]
fn a_missing_proc_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let causes = [
                "cause: no proc file system is mounted at /proc",
                "fix: as root, run `mount -t proc proc /proc`",
            ];
            no_proc(sandbox, InstallMode::Setuid, id_type).says(&[
                "Could not open proc directory for target $pid: No such file or directory",
                "$usage",
                causes[0],
                causes[1],
            ]);
            let tmpfs =
                || mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
            with_another_proc(sandbox, InstallMode::Setuid, id_type, "fd:0", tmpfs, alice())
                .says(&["$usage", causes[0], causes[1]]);
        }
    });
}

const ANOTHER: &str = "/proc shows another PID namespace than the caller's";

/// Alice in a new PID namespace with the /proc of the parent PID namespace.
pub fn old_proc(sandbox: &Sandbox, mode: InstallMode, id_type: IdType, pid: &str) -> Failure {
    let mut command = ROOT.command("unshare");
    command.args([
        "--pid",
        "--fork",
        "--kill-child",
        "setpriv",
        "--reuid=1000",
        "--regid=1000",
        "--clear-groups",
        "--",
    ]);
    Failure::at(command, &sandbox.program(mode, id_type), id_type, pid, "0 100000 10")
}

#[test]
fn a_proc_of_another_pid_namespace_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let fix = "fix: as root in this PID namespace, run `mount -t proc proc /proc`, or create the PID namespace with unshare \
            --pid --fork --mount-proc";
        let gone = "Could not open proc directory for target $pid: No such file or directory";
        sandbox.for_each_program(|mode, id_type| {
            let ended = sandbox.ended();
            old_proc(sandbox, mode, id_type, &ended.pid()).says(&[
                gone,
                "$usage",
                &format!("cause: {ANOTHER}"),
                fix,
            ]);
            // A process with PID 1 in the new PID namespace: in this /proc, PID 1 is init.
            old_proc(sandbox, mode, id_type, "1").is_because(&[ANOTHER]);
            // A PID as this /proc shows it is found, so the PID namespace is not the cause.
            let target = sandbox.namespace(ALICE);
            assert_eq!(
                sandbox.run(mode, id_type, ALICE, &[target.pid().as_str(), "0", "100000", "10"]).status,
                Some(0)
            );
            old_proc(sandbox, mode, id_type, &target.pid())
                .is_because(&["the $id_map of process $pid is already written"]);
        });
        // The reverse: /proc shows a PID namespace without the caller and without any other process.
        let mount_inside = || {
            let mut unshare = Command::new("unshare");
            must_succeed(unshare.args([
                "--pid",
                "--fork",
                "--kill-child",
                "mount",
                "-t",
                "proc",
                "proc",
                "/proc",
            ]));
        };
        for id_type in IdType::BOTH {
            let target = sandbox.namespace(ALICE);
            with_another_proc(sandbox, InstallMode::Setuid, id_type, &target.pid(), mount_inside, alice())
                .is_because(&[ANOTHER]);
        }
    });
}

fn hide_processes() {
    must_succeed(Command::new("mount").args(["-t", "proc", "-o", "hidepid=invisible", "proc", "/proc"]));
}

pub fn hidden(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    let target = sandbox.namespace(BOB);
    with_another_proc(sandbox, mode, id_type, &target.pid(), hide_processes, alice())
}

#[test]
fn a_hidden_process_is_distinguished_from_an_ended_process() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            hidden(sandbox, mode, id_type).says(&[
                "Could not open proc directory for target $pid: No such file or directory",
                "$usage",
                "cause: process $pid exists, but /proc is mounted with hidepid=invisible and does not show it",
                "fix: as root, run `mount -o remount,hidepid=0 /proc`; if the process is the caller's own, it is not dumpable",
            ]);
            let ended = sandbox.ended();
            with_another_proc(sandbox, mode, id_type, &ended.pid(), hide_processes, alice()).is_because(&["there is no process $pid"]);
            // A process of alice is visible to alice.
            let own = sandbox.namespace(ALICE);
            let unprivileged =
                with_another_proc(sandbox, InstallMode::Unprivileged, id_type, &own.pid(), hide_processes, setpriv(&[]));
            unprivileged.is_because(&["$path has neither"]);
        });
    });
}
