//! Causes in the user namespaces: unmapped ids, a map that is already written, and a target that is not in a child namespace.

use std::process::Command;

use super::failure::{Failure, NOT_PERMITTED};
use super::harness::{ALICE, IdType, InstallMode, Namespace, Sandbox, in_sandbox};

fn alice() -> Command {
    ALICE.command("env")
}

/// A request in a user namespace that maps 0 to 1999, while the usual line delegates other ids.
pub fn not_mapped_here(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    sandbox.delegate("alice:100000:65536\n");
    let nested = sandbox.nested(2_000);
    Failure::new(|| nested.as_alice(), sandbox, mode, id_type, "0 1000 1 1 100000 65536")
}

#[test]
fn ids_that_are_not_mapped_here_are_reported_with_the_mapped_ids() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            not_mapped_here(sandbox, mode, id_type).says(&[
                NOT_PERMITTED,
                "cause: the request includes $ids that are not mapped in this user namespace: 100000 to 165535; /proc/self/$id_map \
                 has 0 to 1999",
                "fix: write the line 'alice:1001:999' in $subid here, or start the outer container with more ids",
            ]);
        });
        // If a range is mapped in part, the other part is reported.
        sandbox.delegate("alice:1500:1000\n");
        let nested = sandbox.nested(2_000);
        Failure::new(|| nested.as_alice(), sandbox, InstallMode::Setuid, IdType::Uid, "0 1500 1000").is_because(&[
            "the request includes uids that are not mapped in this user namespace: 2000 to 2499; /proc/self/uid_map has 0 to 1999",
        ]);
    });
}

#[test]
fn ids_that_are_mapped_here_are_not_blamed() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:1500:100\n");
        sandbox.for_each_program(|mode, id_type| {
            let nested = sandbox.nested(2_000);
            let target = sandbox.waiting(nested.as_alice().args(["unshare", "--user", "--"]));
            let run = || {
                let mut command = nested.as_alice();
                command.arg("env");
                command
            };
            let outcome =
                sandbox.run_through(run(), mode, id_type, &[target.pid().as_str(), "0", "1500", "100"]);
            assert_eq!((outcome.stderr.as_str(), target.map(id_type).as_str()), ("", "0 1500 100"));
            Failure::of(run(), sandbox, mode, id_type, &target, "0 1500 100")
                .is_because(&["the $id_map of process $pid is already written"]);
            // A request for ids that are not delegated is refused before the map of this namespace is read.
            Failure::of(run(), sandbox, mode, id_type, &target, "0 1500 1000")
                .is_because(&["the request includes $ids that are not delegated to alice: 1600 to 2499"]);
        });
    });
}

pub fn already_mapped(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    let target = sandbox.namespace(ALICE);
    let words = [&target.pid(), "0", "100000", "10"];
    assert_eq!(sandbox.run(mode, id_type, ALICE, &words).status, Some(0));
    let failure = Failure::of(alice(), sandbox, mode, id_type, &target, "0 100000 10");
    assert_eq!(target.map(id_type), "0 100000 10");
    failure
}

#[test]
fn a_map_that_is_already_written_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            already_mapped(sandbox, mode, id_type).says(&[
                NOT_PERMITTED,
                "cause: the $id_map of process $pid is already written, and the kernel accepts one write",
                "fix: run $program once for each new user namespace",
            ]);
        });
    });
}

#[test]
fn the_map_of_the_other_id_type_is_not_blamed() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for (id_type, other) in [(IdType::Uid, IdType::Gid), (IdType::Gid, IdType::Uid)] {
            let target = sandbox.namespace(ALICE);
            let words = [&target.pid(), "0", "100000", "10"];
            assert_eq!(sandbox.run(InstallMode::Caps, other, ALICE, &words).status, Some(0));
            Failure::of(alice(), sandbox, InstallMode::Unprivileged, id_type, &target, "0 100000 10")
                .is_because(&["$path has neither"]);
            // The caller's own namespace has a complete map, too.
            let plain = sandbox.waiting(&mut alice());
            Failure::of(alice(), sandbox, InstallMode::Caps, id_type, &plain, "0 100000 10")
                .is_because(&["process $pid is in the caller's own user namespace"]);
        }
    });
}

pub fn same_namespace(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    Failure::of(alice(), sandbox, mode, id_type, &sandbox.waiting(&mut alice()), "0 100000 10")
}

#[test]
fn a_process_in_the_callers_namespace_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for mode in
            [InstallMode::Setuid, InstallMode::Caps, InstallMode::PermittedCaps, InstallMode::Unprivileged]
        {
            for id_type in IdType::BOTH {
                same_namespace(sandbox, mode, id_type).says(&[
                    NOT_PERMITTED,
                    "cause: process $pid is in the caller's own user namespace, not in a new one",
                    "fix: have the process create a user namespace first, with 'unshare --user' or CLONE_NEWUSER",
                ]);
            }
        }
    });
}

/// Two grandchild namespaces, made by alice in a middle namespace. In the first case no process remains in the middle namespace.
fn grandchildren(sandbox: &Sandbox) -> [Namespace; 2] {
    let middle = || {
        let mut unshare = ALICE.command("unshare");
        unshare.args(["--user", "--map-current-user", "--"]);
        unshare
    };
    let empty = sandbox.waiting(middle().args(["unshare", "--user", "--"]));
    let lived_in = sandbox.waiting(middle().args(["sh", "-c", "unshare --user -- \"$@\"; true", "sh"]));
    [empty, lived_in]
}

pub fn grandchild(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Vec<Failure> {
    let fails = |target: &Namespace| Failure::of(alice(), sandbox, mode, id_type, target, "0 100000 10");
    grandchildren(sandbox).iter().map(fails).collect()
}

#[test]
fn a_namespace_that_is_not_a_child_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for mode in [InstallMode::Setuid, InstallMode::Caps, InstallMode::Unprivileged] {
            for id_type in IdType::BOTH {
                for failure in grandchild(sandbox, mode, id_type) {
                    failure.says(&[
                        NOT_PERMITTED,
                        "cause: the user namespace of process $pid was not created in the caller's",
                        "fix: run $program in the parent namespace of that user namespace",
                    ]);
                }
            }
        }
    });
}

/// A process in the parent namespace is not in a child of the caller's namespace. The middle namespace is a child, and its map is
/// already written.
#[test]
fn the_parent_is_not_a_child_but_the_namespace_between_is() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\nalice:1500:10\n");
        let nested = sandbox.nested(2_000);
        for id_type in IdType::BOTH {
            let above = sandbox.waiting(&mut alice());
            Failure::of(nested.as_alice(), sandbox, InstallMode::Setuid, id_type, &above, "0 1500 10")
                .is_because(&["the user namespace of process $pid was not created in the caller's"]);
            let middle =
                sandbox.waiting(ALICE.command("unshare").args(["--user", "--map-current-user", "--"]));
            Failure::of(alice(), sandbox, InstallMode::Setuid, id_type, &middle, "0 100000 10")
                .is_because(&["the $id_map of process $pid is already written"]);
        }
    });
}
