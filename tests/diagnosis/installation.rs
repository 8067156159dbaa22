//! Causes in the file of the program: no setuid bit and no capabilities, a nosuid mount, capabilities of another user namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};

use super::failure::{Failure, NOT_PERMITTED, alice, install, set_capabilities};
use super::harness::{ALICE, IdType, InstallMode, ROOT, Sandbox, in_sandbox, must_succeed, setpriv};

fn root() -> Command {
    ROOT.command("env")
}

const NEITHER: &str = "$path has neither the setuid bit nor file capabilities (mode 0755)";
const INSTALL: &str = "fix: as root, run `setcap cap_set$id=ep $path`, or `chmod u+s $path` where images lose file \
    capabilities; reinstalling the package does the same";
/// The setuid bit has no effect beside file capabilities.
const SETCAP: &str = "fix: as root, run `setcap cap_set$id=ep $path`; reinstalling the package does the same";
const NO_COMMAND: &str = "fix: no command can contain this path; as root, install the package uidmap-rs, whose $program belongs to \
    root, and call that program";
/// The fix for a copy to which root should not give privilege.
const ELSEWHERE: &str = "fix: users other than root can change this file, so it must not get privilege; as root, install the \
    package uidmap-rs, whose $program belongs to root, and call that program";

pub fn without_privilege(sandbox: &Sandbox, id_type: IdType) -> Failure {
    Failure::new(alice, sandbox, InstallMode::Unprivileged, id_type, "0 100000 10")
}

#[test]
fn a_program_without_setuid_bit_and_capabilities_is_reported_with_its_mode() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            without_privilege(sandbox, id_type).says(&[NOT_PERMITTED, &format!("cause: {NEITHER}"), INSTALL]);
        }
    });
}

/// The failure of a copy of the program that `prepare` has changed.
fn copy(sandbox: &Sandbox, id_type: IdType, options: &[&str], prepare: impl Fn(&Path)) -> Failure {
    let program = install(sandbox, id_type, "copy", options);
    prepare(&program);
    Failure::at(alice(), &program, id_type, &sandbox.namespace(ALICE).pid(), "0 1000 1 1 100000 10")
}

#[test]
fn a_program_with_the_wrong_owner_or_capabilities_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let owned = copy(sandbox, id_type, &["--mode=4755", "--owner=1001"], |_| {});
            let cause = "cause: $path is setuid to uid 1001 and not to root, and has no file capabilities";
            owned.says(&[NOT_PERMITTED, cause, ELSEWHERE]);
            let others = copy(sandbox, id_type, &["--mode=0755"], |program| {
                let other = if id_type == IdType::Uid { "cap_setgid=ep" } else { "cap_setuid=ep" };
                set_capabilities(root(), other, program);
            });
            let cause = "cause: $path has file capabilities, but not cap_set$id";
            others.says(&[NOT_PERMITTED, cause, SETCAP]);
        }
    });
}

/// If others can write the path, root could give the capability to their program. A path with a backquote would
/// end the command in the message.
#[test]
fn no_command_is_advised_for_a_path_that_others_can_write_or_that_ends_the_command() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for (directory, owner, mode, is_advised) in [
            ("sound/copy", "0", "0755", true),
            ("w/a; touch pwned; echo `id`", "0", "0755", false),
            ("home/bin", "1000", "0755", false),
            ("home/other", "0", "0775", false),
            ("home/sticky", "0", "1777", true),
        ] {
            for id_type in IdType::BOTH {
                let program = install(sandbox, id_type, directory, &["--mode=0755"]);
                let parent = program.parent().unwrap();
                must_succeed(Command::new("chown").arg(owner).arg(parent));
                must_succeed(Command::new("chmod").arg(mode).arg(parent));
                let target = sandbox.namespace(ALICE);
                let failure = Failure::at(alice(), &program, id_type, &target.pid(), "0 100000 10");
                failure.says(&[
                    NOT_PERMITTED,
                    &format!("cause: {NEITHER}"),
                    match is_advised {
                        true => INSTALL,
                        false if directory.contains('`') => NO_COMMAND,
                        false => ELSEWHERE,
                    },
                ]);
            }
        }
        // Root owns the file, and others may write it.
        let program = install(sandbox, IdType::Uid, "written", &["--mode=0777"]);
        let target = sandbox.namespace(ALICE);
        Failure::at(alice(), &program, IdType::Uid, &target.pid(), "0 100000 10").mentions(ELSEWHERE);
    });
}

#[test]
fn the_program_file_is_not_blamed_if_privilege_is_unnecessary_or_inherited() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let fails = |via: Command, target: &_, ranges: &str| {
                Failure::of(via, sandbox, InstallMode::Unprivileged, id_type, target, ranges)
            };
            let plain = sandbox.waiting(&mut alice());
            fails(alice(), &plain, "0 100000 10")
                .is_because(&["process $pid is in the caller's own user namespace"]);
            let mapped = sandbox.namespace(ALICE);
            sandbox.run(InstallMode::Caps, id_type, ALICE, &[mapped.pid().as_str(), "0", "1000", "1"]);
            fails(alice(), &mapped, "0 1000 1")
                .is_because(&["the $id_map of process $pid is already written"]);
            let capability = if id_type == IdType::Uid { "+setuid" } else { "+setgid" };
            let ambient = setpriv(&["--inh-caps", capability, "--ambient-caps", capability]);
            fails(ambient, &mapped, "0 100000 10")
                .is_because(&["the $id_map of process $pid is already written"]);
        }
    });
}

/// Installs a setuid program and one with file capabilities on a tmpfs with these mount flags.
fn on_a_tmpfs(sandbox: &Sandbox, id_type: IdType, point: &str, flags: MsFlags) -> Vec<PathBuf> {
    fs::create_dir_all(point).unwrap();
    mount(Some("tmpfs"), point, Some("tmpfs"), flags, Some("mode=0755")).unwrap();
    let directory = Path::new(point).strip_prefix("/mnt").unwrap();
    let place = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let setuid = install(sandbox, id_type, &place("setuid"), &["--mode=4755"]);
    let caps = install(sandbox, id_type, &place("caps"), &["--mode=0755"]);
    set_capabilities(root(), &format!("cap_set{}=ep", id_type.word()), &caps);
    vec![setuid, caps]
}

const NOSUID: &str =
    "$path is on a file system mounted nosuid (/mnt/nosuid), so the program gets no privilege";

pub fn nosuid(sandbox: &Sandbox, id_type: IdType) -> Vec<Failure> {
    let programs = on_a_tmpfs(sandbox, id_type, "/mnt/nosuid", MsFlags::MS_NOSUID);
    let run =
        |program| Failure::at(alice(), program, id_type, &sandbox.namespace(ALICE).pid(), "0 100000 10");
    programs.iter().map(|program| run(program.as_path())).collect()
}

#[test]
fn a_nosuid_mount_is_reported_with_its_mount_point() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            for failure in nosuid(sandbox, id_type) {
                failure.says(&[
                    NOT_PERMITTED,
                    &format!("cause: {NOSUID}"),
                    "fix: install the program on another file system, or as root, run `mount -o remount,suid /mnt/nosuid`",
                ]);
            }
            let neither = install(sandbox, id_type, "nosuid/neither", &["--mode=0755"]);
            let target = sandbox.namespace(ALICE);
            Failure::at(alice(), &neither, id_type, &target.pid(), "0 100000 10")
                .is_because(&[NEITHER, NOSUID]);
        }
    });
}

#[test]
fn a_nosuid_mount_is_not_blamed_if_privilege_is_present_or_the_mount_is_elsewhere() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\nroot:100000:10\n");
        for id_type in IdType::BOTH {
            let [program, _] = &on_a_tmpfs(sandbox, id_type, "/mnt/nosuid", MsFlags::MS_NOSUID)[..] else {
                panic!()
            };
            let mapped = sandbox.namespace(ROOT);
            must_succeed(root().arg(program).args([&mapped.pid(), "0", "100000", "10"]));
            Failure::at(root(), program, id_type, &mapped.pid(), "0 100000 10")
                .is_because(&["the $id_map of process $pid is already written"]);
            let [program, _] = &on_a_tmpfs(sandbox, id_type, "/mnt/nosuid/suid", MsFlags::empty())[..] else {
                panic!()
            };
            let mut restricted = setpriv(&["--bounding-set=-setuid,-setgid"]);
            restricted.arg("env");
            Failure::at(restricted, program, id_type, &sandbox.namespace(ALICE).pid(), "0 100000 10")
                .is_because(&["CAP_SET$ID is not in the bounding set"]);
        }
    });
}

/// Alice sets file capabilities as root of a user namespace of her own.
fn with_capabilities_of_another_namespace(sandbox: &Sandbox, id_type: IdType) -> PathBuf {
    let program = install(sandbox, id_type, "foreign", &["--mode=0755", "--owner=1000", "--group=1000"]);
    let mut unshare = ALICE.command("unshare");
    unshare.args(["--user", "--map-root-user", "--"]);
    set_capabilities(unshare, &format!("cap_set{}=ep", id_type.word()), &program);
    program
}

pub fn foreign_capabilities(sandbox: &Sandbox, id_type: IdType) -> Failure {
    let program = with_capabilities_of_another_namespace(sandbox, id_type);
    Failure::at(alice(), &program, id_type, &sandbox.namespace(ALICE).pid(), "0 100000 10")
}

#[test]
fn file_capabilities_of_another_user_namespace_are_reported_with_its_root() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            foreign_capabilities(sandbox, id_type).says(&[
                NOT_PERMITTED,
                "cause: the file capabilities of $path were set in another user namespace, whose root is uid 1000 here",
                ELSEWHERE,
            ]);
            let roots = install(sandbox, id_type, "roots", &["--mode=0755"]);
            let capability = format!("cap_set{}=ep", id_type.word());
            must_succeed(Command::new("setcap").args(["-n", "1000", &capability]).arg(&roots));
            let target = sandbox.namespace(ALICE);
            let failure = Failure::at(alice(), &roots, id_type, &target.pid(), "0 100000 10");
            failure.mentions(SETCAP);
        }
    });
}

/// A user namespace that maps 2000 ids, without uid 0 of the parent namespace.
#[test]
fn privilege_from_an_unmapped_root_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:1500:10\n");
        let shifted = sandbox.namespace(ROOT);
        for id_type in IdType::BOTH {
            fs::write(format!("/proc/{}/{}_map", shifted.pid(), id_type.word()), "0 200000 2000").unwrap();
        }
        for id_type in IdType::BOTH {
            // File capabilities of the parent namespace are effective here. File capabilities with an unmapped root uid are not.
            let target = sandbox.waiting(shifted.as_alice().args(["unshare", "--user", "--"]));
            let words = [&target.pid(), "0", "1500", "10"];
            assert_eq!(
                sandbox.run_through(shifted.as_alice(), InstallMode::Caps, id_type, &words).status,
                Some(0)
            );
            let program = install(sandbox, id_type, "third", &["--mode=0755"]);
            must_succeed(
                Command::new("setcap").args(["-n", "300000", "cap_setuid,cap_setgid=ep"]).arg(&program),
            );
            let target = sandbox.waiting(shifted.as_alice().args(["unshare", "--user", "--"]));
            Failure::at(shifted.as_alice(), &program, id_type, &target.pid(), "0 1500 10").says(&[
                NOT_PERMITTED,
                "cause: the file capabilities of $path were set in another user namespace",
                // Root of this namespace does not own the file, so no setcap command is advised.
                ELSEWHERE,
            ]);
            let setuid =
                Failure::new(|| shifted.as_alice(), sandbox, InstallMode::Setuid, id_type, "0 1500 10");
            setuid.says(&[
                NOT_PERMITTED,
                "cause: $path is setuid to a uid that is not mapped in this user namespace",
                "fix: install the package in this user namespace, so that root of this namespace owns the program",
            ]);
        }
    });
}

#[test]
fn file_capabilities_of_another_namespace_are_not_blamed_on_a_setuid_program() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let program = with_capabilities_of_another_namespace(sandbox, id_type);
            must_succeed(Command::new("chown").arg("--no-dereference").arg("0").arg(&program));
            must_succeed(Command::new("chmod").arg("4755").arg(&program));
            // chown(2) has removed the capabilities.
            must_succeed(
                Command::new("setcap").args(["-n", "1000", "cap_setuid,cap_setgid=ep"]).arg(&program),
            );
            let mut restricted = ALICE.command("setpriv");
            restricted.args(["--no-new-privs", "--"]);
            Failure::at(restricted, &program, id_type, &sandbox.namespace(ALICE).pid(), "0 100000 10")
                .is_because(&["no_new_privs is set"]);
        }
    });
}
