//! The place where the program runs: a fix names the options of a unit of systemd or of a container, and no command that cannot
//! be run there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};

use super::failure::{Failure, install};
use super::harness::{ALICE, IdType, InstallMode, Person, ROOT, Sandbox, finish, in_sandbox, must_succeed};

/// Alice in a unit of systemd: a file over /proc/PID/cgroup, which an exec keeps.
fn in_unit(unit: &str, options: &[&str]) -> Command {
    fs::write("/mnt/cgroup", format!("0::/system.slice/{unit}\n")).unwrap();
    let mut unshare = ROOT.command("unshare");
    let script = "mount --bind /mnt/cgroup /proc/$$/cgroup && exec \"$@\"";
    unshare.args(["--mount", "--propagation=private", "--", "sh", "-c", script, "sh"]);
    unshare.args(["setpriv", "--reuid=1000", "--clear-groups"]).args(options).arg("--");
    unshare
}

/// The marks of podman or Kubernetes.
fn in_container(mark: &str) {
    let no: Option<&str> = None;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), no).unwrap();
    let mark = Path::new(mark);
    fs::create_dir_all(mark.parent().unwrap()).unwrap();
    fs::write(mark, "").unwrap();
}

const PODMAN: &str = "/run/.containerenv";
const KUBERNETES: &str = "/run/secrets/kubernetes.io/serviceaccount";

fn without_new_privs(sandbox: &Sandbox, mut via: Command) -> Failure {
    // Root's setpriv would leave alice capabilities that no_new_privs lets pass.
    via.args(["setpriv", "--no-new-privs", "--"]);
    Failure::of(via, sandbox, InstallMode::Setuid, IdType::Uid, &sandbox.namespace(ALICE), "0 100000 10")
}

#[test]
fn no_new_privs_is_reported_with_the_options_of_the_place() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let failure = without_new_privs(sandbox, in_unit("ci.service", &["--regid=1000"]));
        failure.mentions("fix: ci.service or a program that it started has set the flag; the administrator of the unit can set \
                          NoNewPrivileges=no and remove the options that imply yes: DynamicUser=, ");
        failure.mentions("SystemCallFilter=, SystemCallLog=\n");
        // A session is no service.
        let session = in_unit("session-3.scope", &["--regid=1000"]);
        without_new_privs(sandbox, session).mentions("fix: start without no_new_privs: ");
        in_container(PODMAN);
        without_new_privs(sandbox, ALICE.command("env"))
            .mentions("fix: start the container without --security-opt=no-new-privileges\n");
    });
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        in_container(KUBERNETES);
        without_new_privs(sandbox, ALICE.command("env")).mentions("fix: set allowPrivilegeEscalation: true");
    });
}

#[test]
fn a_group_of_a_unit_is_reported_with_the_option() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let target = sandbox.namespace(ALICE.with_gid(100));
            let via = in_unit("ci.service", &["--regid=100"]);
            let failure = Failure::of(via, sandbox, InstallMode::Setuid, id_type, &target, "0 100000 10");
            failure.is_because(&["the caller has gid 100, which is not the login group, 1000"]);
            failure.mentions("fix: the administrator of ci.service can remove Group= from the unit, or set Group=1000: without the \
                              option, a unit has the login group of User=, or as root, set GRANT_AUX_GROUP_SUBIDS yes in");
            // The words are tried: the group, and the option of login.defs.
            sandbox.write("login.defs", "GRANT_AUX_GROUP_SUBIDS yes\n");
            let words = [target.pid(), "0".into(), "100000".into(), "10".into()];
            let outcome = sandbox.run_through(
                in_unit("ci.service", &["--regid=100"]),
                InstallMode::Setuid,
                id_type,
                &words,
            );
            assert_eq!(outcome.stderr, "");
            sandbox.write("login.defs", "");
            let target = sandbox.namespace(ALICE);
            let words = [target.pid(), "0".into(), "100000".into(), "10".into()];
            let outcome = sandbox.run_through(
                in_unit("ci.service", &["--regid=1000"]),
                InstallMode::Setuid,
                id_type,
                &words,
            );
            assert_eq!(outcome.stderr, "");
        }
    });
}

/// The map that `PrivateUsers=` gives, and one of a container.
#[test]
fn private_users_are_told_with_the_option() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let private = sandbox.namespace(ROOT);
        for id_type in IdType::BOTH {
            let map = format!("/proc/{}/{}_map", private.pid(), id_type.word());
            fs::write(map, "0 0 1\n1000 1000 1").unwrap();
        }
        let inside = |pid: &str| {
            let mut command = in_unit("ci.service", &["--regid=1000"]);
            // To enter takes root, so setpriv comes after.
            command = {
                let mut first = Command::new(command.get_program());
                let words: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
                let setpriv = words.iter().position(|word| word == "setpriv").unwrap();
                first
                    .args(&words[..setpriv])
                    .args(["nsenter", "--user", "--target", pid, "--"])
                    .args(&words[setpriv..]);
                first
            };
            command
        };
        for id_type in IdType::BOTH {
            let target = sandbox.waiting(private.as_alice().args(["unshare", "--user", "--"]));
            let via = inside(&private.pid());
            let failure = Failure::of(via, sandbox, InstallMode::Setuid, id_type, &target, "0 100000 10");
            failure.mentions("the administrator of ci.service can remove PrivateUsers= from the unit\n");
            let nested = sandbox.nested(2_000);
            let target = sandbox.waiting(nested.as_alice().args(["unshare", "--user", "--"]));
            let via = inside(&nested.pid());
            let failure = Failure::of(via, sandbox, InstallMode::Setuid, id_type, &target, "0 100000 10");
            failure.mentions("the user who created this user namespace, such as by starting a container, can give it more ids\n");
        }
    });
}

/// OpenShift's random uid, a directory that does not answer, and neither.
#[test]
fn a_missing_passwd_entry_is_reported_with_a_fix_for_the_place() {
    const UNKNOWN: Person = Person { uid: 1_000_650_000, gid: 0 };
    let fix = |sandbox: &Sandbox| {
        let target = sandbox.namespace(UNKNOWN);
        let mut command = UNKNOWN.command(sandbox.program(InstallMode::Setuid, IdType::Uid));
        let outcome = finish(command.args([&target.pid(), "0", "100000", "10"]));
        outcome.stderr.split_once("fix: ").expect(&outcome.stderr).1.trim_end().to_owned()
    };
    let command = "run `echo user1000650000:x:1000650000:0::/nonexistent:/bin/sh >>/etc/passwd`";
    let home = "; podman and buildah need HOME, a directory that other users cannot write";
    in_sandbox(|sandbox| {
        assert_eq!(fix(sandbox), format!("as root, {command}{home}"));
        must_succeed(Command::new("chmod").args(["0664", "/etc/passwd"]));
        let found = fix(sandbox);
        assert_eq!(
            found,
            format!("{command}, at each start of the container if uids are random (OpenShift){home}")
        );
        // The caller can do it.
        sandbox.delegate("1000650000:100000:10\n");
        let printed = found.split('`').nth(1).unwrap();
        must_succeed(UNKNOWN.command("sh").args(["-c", printed]));
        let outcome = sandbox.attempt(InstallMode::Setuid, IdType::Uid, UNKNOWN, "0 100000 10").outcome;
        assert_eq!(outcome.stderr, "");
    });
    in_sandbox(|sandbox| {
        in_container(KUBERNETES);
        assert!(
            fix(sandbox).starts_with(&format!(
                "as root in this container or its image, {command}; if uids are random"
            ))
        );
    });
    in_sandbox(|sandbox| {
        sandbox.write("nsswitch.conf", "passwd: files sss\n");
        let found = fix(sandbox);
        assert!(
            found.starts_with("check that the directory service behind sss runs and knows the user"),
            "{found}"
        );
        assert!(!found.contains('`'), "{found}");
    });
}

/// A copy in ~/bin, and a program in a usual place that gives privilege.
#[test]
fn a_copy_that_is_not_roots_gets_no_privilege_but_the_other_program_is_named() {
    for (other, is_named) in [
        ("setuid", true),
        ("caps", true),
        ("nothing", false),
        ("writable", false),
        ("a link through a directory of alice's", false),
    ] {
        in_sandbox(|sandbox| {
            sandbox.delegate("alice:100000:10\n");
            for id_type in IdType::BOTH {
                let copy = install(sandbox, id_type, "home/bin", &["--mode=0755", "--owner=1000"]);
                let no: Option<&str> = None;
                mount(Some("tmpfs"), "/usr/local/bin", Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))
                    .unwrap();
                let program = format!("/usr/local/bin/{}", id_type.program());
                let mode = match other {
                    "setuid" => "--mode=4755",
                    "writable" => "--mode=4777",
                    _ => "--mode=0755",
                };
                // The usual place that comes first may have another program.
                let usual = format!("/usr/bin/{}", id_type.program());
                if Path::new(&usual).exists() {
                    mount(Some("/dev/null"), usual.as_str(), no, MsFlags::MS_BIND, no).unwrap();
                }
                must_succeed(
                    Command::new("install")
                        .arg(mode)
                        .arg(sandbox.program(InstallMode::Unprivileged, id_type))
                        .arg(&program),
                );
                if other.starts_with("a link") {
                    let link = Path::new("/mnt/home/link").with_extension(id_type.word());
                    must_succeed(Command::new("chown").args(["1000", "/mnt/home"]));
                    symlink(sandbox.program(InstallMode::Setuid, id_type), &link).unwrap();
                    fs::remove_file(&program).unwrap();
                    symlink(&link, &program).unwrap();
                }
                if other == "caps" {
                    let capability = format!("cap_set{}=ep", id_type.word());
                    must_succeed(Command::new("setcap").arg(capability).arg(&program));
                }
                let target = sandbox.namespace(ALICE);
                let failure = Failure::at(ALICE.command("env"), &copy, id_type, &target.pid(), "0 100000 10");
                assert!(!failure.stderr().contains('`'), "{}", failure.stderr());
                failure.mentions(
                    "fix: users other than root can change this file, so it must not get privilege; ",
                );
                let named = format!(
                    "use {program}, which gives privilege: put /usr/local/bin first in PATH, or as root, remove $path\n"
                );
                if is_named {
                    failure.mentions(&named);
                    must_succeed(ALICE.command(&program).args([&target.pid(), "0", "100000", "10"]));
                } else {
                    failure.mentions("as root, install the package uidmap-rs");
                }
            }
        });
    }
}

/// A file that is mounted by itself, as a volume, and a read-only /etc.
#[test]
fn a_subid_file_that_no_command_can_change_gets_none() {
    let (file, no) = ("/etc/subuid", None::<&str>);
    for (place, reason) in [
        (file, "/etc/subuid is mounted here, so change the file where it is mounted from (a volume): "),
        (
            "/etc",
            "/etc/subuid is on a read-only file system, so change it where the image or the system is built: ",
        ),
    ] {
        for (lines, ranges, words) in [
            ("", "0 100000 10", "add the line alice:100000:65536; with podman"),
            ("alice:100000:9\n", "0 100000 10", "add the line alice:100009:65536; with podman"),
            (
                "alice:100000:9\nalice:100000:9\n",
                "0 100000 9 9 100000 9",
                "take the common ids out of line 2",
            ),
        ] {
            in_sandbox(|sandbox| {
                sandbox.delegate(lines);
                mount(Some(place), place, no, MsFlags::MS_BIND, no).unwrap();
                mount(no, place, no, MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY, no)
                    .unwrap();
                let target = sandbox.namespace(ALICE);
                let failure = Failure::of(
                    ALICE.command("env"),
                    sandbox,
                    InstallMode::Setuid,
                    IdType::Uid,
                    &target,
                    ranges,
                );
                assert!(!failure.stderr().contains('`'), "{}", failure.stderr());
                failure.mentions(words);
                if !words.starts_with("take") {
                    failure.mentions(reason);
                }
            });
        }
    }
    // In a nested namespace.
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        mount(Some(file), file, no, MsFlags::MS_BIND, no).unwrap();
        let nested = sandbox.nested(65_536);
        let target = sandbox.waiting(nested.as_alice().args(["unshare", "--user", "--"]));
        let ranges = "0 100000 65536";
        let failure =
            Failure::of(nested.as_alice(), sandbox, InstallMode::Setuid, IdType::Uid, &target, ranges);
        failure.mentions("(a volume): replace the caller's lines in /etc/subuid that delegate other ids by alice:1002:64534, and");
    });
}

/// As a store of Nix or an image that is mounted read-only.
#[test]
fn a_program_on_a_read_only_file_system_gets_no_command() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let program = install(sandbox, IdType::Uid, "store", &["--mode=0755"]);
        let (directory, no) = ("/mnt/store", None::<&str>);
        mount(Some(directory), directory, no, MsFlags::MS_BIND, no).unwrap();
        mount(no, directory, no, MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY, no).unwrap();
        let target = sandbox.namespace(ALICE);
        let failure = Failure::at(ALICE.command("env"), &program, IdType::Uid, &target.pid(), "0 100000 10");
        failure.mentions("fix: the file system is read-only, so the privilege is set where the file system or image is built; ");
        assert!(!failure.stderr().contains('`'), "{}", failure.stderr());
    });
}
