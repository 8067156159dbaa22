//! The privilege of a program by its install mode and its caller.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::harness::{ALICE, IdType, InstallMode, Person, ROOT, Sandbox, in_sandbox, kernel, setpriv};

/// Runs the program through this command for a namespace of alice; returns the first line of stderr and the map.
fn through(
    sandbox: &Sandbox,
    via: Command,
    mode: InstallMode,
    id_type: IdType,
    ranges: &str,
) -> (String, String) {
    let target = sandbox.namespace(ALICE);
    let pid = target.pid();
    let words: Vec<&str> = std::iter::once(pid.as_str()).chain(ranges.split(' ')).collect();
    let outcome = sandbox.run_through(via, mode, id_type, &words);
    assert_eq!(outcome.status, Some(i32::from(target.map(id_type).is_empty())), "{}", outcome.stderr);
    (outcome.first_line().to_owned(), target.map(id_type))
}

/// setpriv(1), started by alice. Started by root, it would pass on capabilities that no_new_privs does not remove.
fn no_new_privs() -> Command {
    let mut command = ALICE.command("setpriv");
    command.args(["--no-new-privs", "--"]);
    command
}

fn not_permitted(id_type: IdType) -> String {
    format!("{}: write to {}_map failed: Operation not permitted", id_type.program(), id_type.word())
}

#[test]
fn an_unprivileged_program_maps_only_the_callers_own_id() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let attempt = sandbox.attempt(InstallMode::Unprivileged, id_type, ALICE, "0 1000 1");
            assert_eq!((attempt.outcome.stderr.as_str(), attempt.map.as_str()), ("", "0 1000 1"));
            sandbox.fails(InstallMode::Unprivileged, id_type, ALICE, "0 100000 10", &not_permitted(id_type));
        }
    });
}

#[test]
fn a_program_called_by_root_needs_no_privilege_of_its_own() {
    in_sandbox(|sandbox| {
        sandbox.delegate("root:100000:10\n");
        for id_type in IdType::BOTH {
            let attempt = sandbox.attempt(InstallMode::Unprivileged, id_type, ROOT, "0 100000 10");
            assert_eq!((attempt.outcome.stderr.as_str(), attempt.map.as_str()), ("", "0 100000 10"));
        }
    });
}

#[test]
fn ambient_capabilities_are_enough() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for (id_type, capability) in [(IdType::Uid, "+setuid"), (IdType::Gid, "+setgid")] {
            let options = ["--inh-caps", capability, "--ambient-caps", capability];
            let (error, map) =
                through(sandbox, setpriv(&options), InstallMode::Unprivileged, id_type, "0 100000 10");
            assert_eq!((error.as_str(), map.as_str()), ("", "0 100000 10"));
        }
    });
}

#[test]
fn the_capability_of_the_other_program_is_not_enough() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for (id_type, capability) in [(IdType::Uid, "+setgid"), (IdType::Gid, "+setuid")] {
            let options = ["--inh-caps", capability, "--ambient-caps", capability];
            let (error, map) =
                through(sandbox, setpriv(&options), InstallMode::Unprivileged, id_type, "0 100000 10");
            assert_eq!((error, map.as_str()), (not_permitted(id_type), ""));
        }
    });
}

#[test]
fn no_new_privs_removes_the_privilege_in_both_install_modes() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let (error, map) = through(sandbox, no_new_privs(), mode, id_type, "0 100000 10");
            assert_eq!((error, map.as_str()), (not_permitted(id_type), ""), "{mode:?}");
            let (error, map) = through(sandbox, no_new_privs(), mode, id_type, "0 1000 1");
            assert_eq!((error.as_str(), map.as_str()), ("", "0 1000 1"), "{mode:?}");
        });
    });
}

/// Otherwise the program would read files for alice that only root's group may read.
#[test]
fn a_group_that_the_setgid_bit_gives_is_dropped() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            fs::set_permissions(
                sandbox.program(InstallMode::Setuid, id_type),
                Permissions::from_mode(0o6755),
            )
            .unwrap();
            let attempt = sandbox.attempt(InstallMode::Setuid, id_type, ALICE, "0 100000 10");
            assert_eq!((attempt.outcome.stderr.as_str(), attempt.map.as_str()), ("", "0 100000 10"));
            let file = Sandbox::etc(id_type.subid());
            fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
            let message = format!("PROGRAM: cannot open {}: Permission denied", file.display());
            sandbox.fails(InstallMode::Setuid, id_type, ALICE, "0 100000 10", &message);
        }
    });
}

/// Effective file capabilities are not tested: the kernel refuses the exec (EPERM).
#[test]
fn both_install_modes_need_the_capability_in_the_bounding_set() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for (id_type, capability) in [(IdType::Uid, "-setuid"), (IdType::Gid, "-setgid")] {
            for mode in [InstallMode::Setuid, InstallMode::PermittedCaps] {
                let options = ["--bounding-set", capability];
                let (error, map) = through(sandbox, setpriv(&options), mode, id_type, "0 100000 10");
                assert_eq!((error, map.as_str()), (not_permitted(id_type), ""), "{mode:?}");
            }
        }
    });
}

#[test]
fn file_capabilities_need_not_be_effective() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let attempt = sandbox.attempt(InstallMode::PermittedCaps, id_type, ALICE, "0 1000 1 1 100000 10");
            assert_eq!(
                (attempt.outcome.stderr.as_str(), attempt.map.as_str()),
                ("", "0 1000 1; 1 100000 10")
            );
        }
    });
}

#[test]
fn no_other_capability_is_needed_in_the_bounding_set() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for (id_type, capability) in [(IdType::Uid, "-all,+setuid"), (IdType::Gid, "-all,+setgid")] {
            for mode in InstallMode::GOOD {
                let options = ["--bounding-set", capability];
                let (error, map) = through(sandbox, setpriv(&options), mode, id_type, "0 100000 10");
                assert_eq!((error.as_str(), map.as_str()), ("", "0 100000 10"), "{mode:?}");
            }
        }
    });
}

/// Linux requires CAP_SETFCAP since 5.12, and since 5.10.35, which is older than Debian 11's kernel.
#[test]
fn mapping_uid_0_of_the_parent_needs_cap_setfcap_and_gid_0_does_not() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:0:10\n");
        let asks = kernel() >= (5, 12) || kernel() == (5, 10);
        for (id_type, mode, works) in [
            (IdType::Uid, InstallMode::Setuid, true),
            (IdType::Uid, InstallMode::PermittedCaps, true),
            (IdType::Uid, InstallMode::Caps, !asks),
            (IdType::Gid, InstallMode::Setuid, true),
            (IdType::Gid, InstallMode::PermittedCaps, true),
            (IdType::Gid, InstallMode::Caps, true),
        ] {
            if works {
                assert_eq!(
                    sandbox.attempt(mode, id_type, ALICE, "5 1 2 0 0 1").map,
                    "5 1 2; 0 0 1",
                    "{id_type:?} {mode:?}"
                );
            } else {
                sandbox.fails(mode, id_type, ALICE, "5 1 2 0 0 1", &not_permitted(id_type));
            }
            assert_eq!(sandbox.attempt(mode, id_type, ALICE, "5 1 2").map, "5 1 2", "{id_type:?} {mode:?}");
        }
    });
}

#[test]
fn a_map_can_be_written_only_once() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let target = sandbox.namespace(ALICE);
            let run = |caller: Person| {
                sandbox.run(mode, id_type, caller, &[target.pid().as_str(), "0", "100000", "10"])
            };
            assert_eq!(run(ALICE).status, Some(0));
            let second = run(ALICE);
            assert_eq!((second.status, second.first_line()), (Some(1), not_permitted(id_type).as_str()));
            assert_eq!(target.map(id_type), "0 100000 10");
        });
    });
}
