//! The user namespaces: ours has not the ids, the target's has a map already, or is none that we may map.

use std::process::Command;

use super::failure::{Failure, NOT_PERMITTED};
use super::harness::{ALICE, Kind, Namespace, Way, World, in_world};

fn alice() -> Command {
    ALICE.command("env")
}

/// In a namespace with the ids from 0 to 1999, where the usual line delegates others.
pub fn not_mapped_here(world: &World, way: Way, kind: Kind) -> Failure {
    world.delegate("alice:100000:65536\n");
    let nested = world.nested(2_000);
    Failure::new(|| nested.as_alice(), world, way, kind, "0 1000 1 1 100000 65536")
}

#[test]
fn ids_that_this_namespace_does_not_have_are_told_with_those_that_it_has() {
    in_world(|world| {
        world.for_each_program(|way, kind| {
            not_mapped_here(world, way, kind).says(&[
                NOT_PERMITTED,
                "cause: the request includes $ids that are not mapped in this user namespace: 100000 to 165535; /proc/self/$id_map \
                 has 0 to 1999",
                "fix: write the line 'alice:1001:999' in $subid here, or start the outer container with more ids",
            ]);
        });
        // Of a range that is there in part, the part that is not is told.
        world.delegate("alice:1500:1000\n");
        let nested = world.nested(2_000);
        Failure::new(|| nested.as_alice(), world, Way::Setuid, Kind::Uid, "0 1500 1000").is_because(&[
            "the request includes uids that are not mapped in this user namespace: 2000 to 2499; /proc/self/uid_map has 0 to 1999",
        ]);
    });
}

#[test]
fn ids_that_are_here_are_not_blamed() {
    in_world(|world| {
        world.delegate("alice:1500:100\n");
        world.for_each_program(|way, kind| {
            let nested = world.nested(2_000);
            let target = world.waiting(nested.as_alice().args(["unshare", "--user", "--"]));
            let run = || {
                let mut command = nested.as_alice();
                command.arg("env");
                command
            };
            let outcome = world.run_through(run(), way, kind, &[target.pid().as_str(), "0", "1500", "100"]);
            assert_eq!((outcome.stderr.as_str(), target.map(kind).as_str()), ("", "0 1500 100"));
            Failure::of(run(), world, way, kind, &target, "0 1500 100")
                .is_because(&["the $id_map of process $pid is already written"]);
            // More than is delegated is refused before anybody asks what is here.
            Failure::of(run(), world, way, kind, &target, "0 1500 1000")
                .is_because(&["the request includes $ids that are not delegated to alice: 1600 to 2499"]);
        });
    });
}

pub fn already_mapped(world: &World, way: Way, kind: Kind) -> Failure {
    let target = world.namespace(ALICE);
    let words = [&target.pid(), "0", "100000", "10"];
    assert_eq!(world.run(way, kind, ALICE, &words).status, Some(0));
    let failure = Failure::of(alice(), world, way, kind, &target, "0 100000 10");
    assert_eq!(target.map(kind), "0 100000 10");
    failure
}

#[test]
fn a_map_that_was_written_before_is_told() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        world.for_each_program(|way, kind| {
            already_mapped(world, way, kind).says(&[
                NOT_PERMITTED,
                "cause: the $id_map of process $pid is already written, and the kernel accepts one write",
                "fix: run $program once for each new user namespace",
            ]);
        });
    });
}

#[test]
fn the_other_programs_map_is_not_blamed() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for (kind, other) in [(Kind::Uid, Kind::Gid), (Kind::Gid, Kind::Uid)] {
            let target = world.namespace(ALICE);
            let words = [&target.pid(), "0", "100000", "10"];
            assert_eq!(world.run(Way::Caps, other, ALICE, &words).status, Some(0));
            Failure::of(alice(), world, Way::Unprivileged, kind, &target, "0 100000 10")
                .is_because(&["$path has neither"]);
            // A whole map is there, of the namespace that is the caller's, too.
            let plain = world.waiting(&mut alice());
            Failure::of(alice(), world, Way::Caps, kind, &plain, "0 100000 10")
                .is_because(&["process $pid is in the caller's own user namespace"]);
        }
    });
}

pub fn same_namespace(world: &World, way: Way, kind: Kind) -> Failure {
    Failure::of(alice(), world, way, kind, &world.waiting(&mut alice()), "0 100000 10")
}

#[test]
fn a_process_that_made_no_namespace_is_told() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for way in [Way::Setuid, Way::Caps, Way::PermittedCaps, Way::Unprivileged] {
            for kind in Kind::BOTH {
                same_namespace(world, way, kind).says(&[
                    NOT_PERMITTED,
                    "cause: process $pid is in the caller's own user namespace, not in a new one",
                    "fix: have the process create a user namespace first, with 'unshare --user' or CLONE_NEWUSER",
                ]);
            }
        }
    });
}

/// A namespace in a namespace of alice's: no process is in the middle one, since one process made both; or one is.
fn grandchildren(world: &World) -> [Namespace; 2] {
    let middle = || {
        let mut unshare = ALICE.command("unshare");
        unshare.args(["--user", "--map-current-user", "--"]);
        unshare
    };
    let empty = world.waiting(middle().args(["unshare", "--user", "--"]));
    let lived_in = world.waiting(middle().args(["sh", "-c", "unshare --user -- \"$@\"; true", "sh"]));
    [empty, lived_in]
}

pub fn grandchild(world: &World, way: Way, kind: Kind) -> Vec<Failure> {
    let fails = |target: &Namespace| Failure::of(alice(), world, way, kind, target, "0 100000 10");
    grandchildren(world).iter().map(fails).collect()
}

#[test]
fn a_namespace_that_was_not_made_in_ours_is_told() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for way in [Way::Setuid, Way::Caps, Way::Unprivileged] {
            for kind in Kind::BOTH {
                for failure in grandchild(world, way, kind) {
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

/// From within the child, the parent's process is in none that could be mapped from there; and from outside, the middle one
/// is a child, whose map is there.
#[test]
fn above_is_not_a_child_either_and_the_one_between_is() {
    in_world(|world| {
        world.delegate("alice:100000:10\nalice:1500:10\n");
        let nested = world.nested(2_000);
        for kind in Kind::BOTH {
            let above = world.waiting(&mut alice());
            Failure::of(nested.as_alice(), world, Way::Setuid, kind, &above, "0 1500 10")
                .is_because(&["the user namespace of process $pid was not created in the caller's"]);
            let middle = world.waiting(ALICE.command("unshare").args(["--user", "--map-current-user", "--"]));
            Failure::of(alice(), world, Way::Setuid, kind, &middle, "0 100000 10")
                .is_because(&["the $id_map of process $pid is already written"]);
        }
    });
}
