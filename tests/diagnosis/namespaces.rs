//! Causes in the user namespaces: unmapped ids, a map that is already written, and a target that is not in a child namespace.

use super::failure::{Failure, MIGRATE, NOT_PERMITTED, alice};
use super::harness::{ALICE, IdType, InstallMode, Namespace, Sandbox, in_sandbox};
use super::remedy_cases::with_lines;

/// A request in a user namespace that maps 0 to 65535, while the usual line delegates other ids.
pub fn not_mapped_here(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    sandbox.delegate("alice:100000:65536\n");
    let nested = sandbox.nested(65_536);
    Failure::new(|| nested.as_alice(), sandbox, mode, id_type, "0 1000 1 1 100000 65536")
}

const MORE_IDS: &str =
    "the user who created this user namespace, such as by starting a container, can give it more ids";

#[test]
fn ids_that_are_not_mapped_here_are_reported_with_the_mapped_ids() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            not_mapped_here(sandbox, mode, id_type).says(&[
                NOT_PERMITTED,
                "cause: the request includes $ids that are not mapped in this user namespace: 100000 to 165535; /proc/self/$id_map \
                 has 0 to 65535",
                // Bob has the id 1001.
                &format!(
                    "fix: as root, run `sed -i '1s/:100000:65536$/:1002:64534/' $subid`, and request these ids{MIGRATE}; then run \
                     uidmap-check, which reports whether images need more $ids; or {MORE_IDS}"
                ),
            ]);
        });
        // If a range is mapped in part, the other part is reported.
        sandbox.delegate("alice:1500:1000\n");
        let nested = sandbox.nested(2_000);
        Failure::new(|| nested.as_alice(), sandbox, InstallMode::Setuid, IdType::Uid, "0 1500 1000").is_because(&[
            "the request includes uids that are not mapped in this user namespace: 2000 to 2499; /proc/self/uid_map has 0 to 1999",
        ]);
        // A few ids are no remedy.
        let failure =
            Failure::new(|| nested.as_alice(), sandbox, InstallMode::Setuid, IdType::Uid, "0 1500 1000");
        failure.mentions(&format!(
            "fix: this user namespace has no room for 1000 more uids beside the accounts and the delegated ids; {MORE_IDS}\n"
        ));
    });
}

const BOUNDARY: &str = "range 2 of the request, $ids 1001 to 65999, crosses a boundary of this user namespace's own map: 30001 begins a \
    new line of /proc/self/$id_map, and the kernel accepts only ranges within one line";

/// In a namespace whose map has the ids from 0 to 66000 in three lines.
pub fn across_a_boundary(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    sandbox.delegate("alice:1001:64999\n");
    let namespace = with_lines(sandbox);
    Failure::new(|| namespace.as_alice(), sandbox, mode, id_type, "0 1000 1 1 1001 64999")
}

#[test]
fn a_range_across_a_boundary_of_the_own_map_is_reported_with_its_parts() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            across_a_boundary(sandbox, mode, id_type).says(&[
                NOT_PERMITTED,
                &format!("cause: {BOUNDARY}"),
                &format!(
                    "fix: request each part as a range of its own: 1 1001 29000, 29001 30001 35999; for clients that take one range \
                     from each line of $subid, as root, run `sed -i '1s/:1001:64999$/:1001:29000/' $subid && usermod --add-sub$ids \
                     30001-65999 alice`{MIGRATE}"
                ),
            ]);
        });
        // Adjacent lines of the file, which the client joined.
        sandbox.delegate("alice:1001:29000\nalice:30001:35999\n");
        let namespace = with_lines(sandbox);
        Failure::new(
            || namespace.as_alice(),
            sandbox,
            InstallMode::Caps,
            IdType::Uid,
            "0 1000 1 1 1001 64999",
        )
        .says(&[
            NOT_PERMITTED,
            &format!("cause: {BOUNDARY}"),
            "fix: request each part as a range of its own: 1 1001 29000, 29001 30001 35999",
        ]);
    });
}

#[test]
fn ranges_within_the_lines_of_the_own_map_are_written() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:1001:64999\n");
        let namespace = with_lines(sandbox);
        sandbox.for_each_program(|mode, id_type| {
            for (ranges, map) in [
                ("0 1000 1 1 1001 29000", "0 1000 1; 1 1001 29000"),
                ("0 30001 1000", "0 200000 1000"),
                ("0 30000 1 1 30001 1", "0 30000 1; 1 200000 1"),
            ] {
                let target = sandbox.waiting(namespace.as_alice().args(["unshare", "--user", "--"]));
                let words: Vec<&str> = ranges.split(' ').collect();
                let outcome = sandbox.run_through(
                    namespace.as_alice(),
                    mode,
                    id_type,
                    &[&[target.pid().as_str()], &words[..]].concat(),
                );
                assert_eq!((outcome.stderr.as_str(), target.map(id_type).as_str()), ("", map));
            }
            // A whole line of the map, and ids that no line has.
            sandbox.delegate("alice:60000:10000\n");
            Failure::new(|| namespace.as_alice(), sandbox, mode, id_type, "0 60000 10000").is_because(&[
                "the request includes $ids that are not mapped in this user namespace: 66001 to 69999",
            ]);
            sandbox.delegate("alice:1001:64999\n");
        });
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
                    "fix: have the process create a user namespace first, with unshare --user or CLONE_NEWUSER",
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
