//! How the program is installed and called, and what privilege it has then.

use std::process::Command;

use super::harness::{ALICE, Kind, Person, ROOT, Way, World, in_world, kernel, setpriv};

/// Has the program started by this command for a namespace of alice's; gives the first line of stderr and the map.
fn through(world: &World, via: Command, way: Way, kind: Kind, ranges: &str) -> (String, String) {
    let target = world.namespace(ALICE);
    let pid = target.pid();
    let words: Vec<&str> = std::iter::once(pid.as_str()).chain(ranges.split(' ')).collect();
    let outcome = world.run_through(via, way, kind, &words);
    assert_eq!(outcome.status, Some(i32::from(target.map(kind).is_empty())), "{}", outcome.stderr);
    (outcome.first_line().to_owned(), target.map(kind))
}

/// Alice's own setpriv(1): root's would leave her capabilities that `no_new_privs` lets pass.
fn no_new_privs() -> Command {
    let mut command = ALICE.command("setpriv");
    command.args(["--no-new-privs", "--"]);
    command
}

fn not_permitted(kind: Kind) -> String {
    format!("{}: write to {}_map failed: Operation not permitted", kind.program(), kind.word())
}

#[test]
fn without_privilege_the_own_id_can_be_mapped_and_nothing_else() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for kind in Kind::BOTH {
            let attempt = world.attempt(Way::Unprivileged, kind, ALICE, "0 1000 1");
            assert_eq!((attempt.outcome.stderr.as_str(), attempt.map.as_str()), ("", "0 1000 1"));
            world.fails(Way::Unprivileged, kind, ALICE, "0 100000 10", &not_permitted(kind));
        }
    });
}

#[test]
fn called_by_root_it_needs_no_installation() {
    in_world(|world| {
        world.delegate("root:100000:10\n");
        for kind in Kind::BOTH {
            let attempt = world.attempt(Way::Unprivileged, kind, ROOT, "0 100000 10");
            assert_eq!((attempt.outcome.stderr.as_str(), attempt.map.as_str()), ("", "0 100000 10"));
        }
    });
}

#[test]
fn ambient_capabilities_are_enough() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for (kind, capability) in [(Kind::Uid, "+setuid"), (Kind::Gid, "+setgid")] {
            let options = ["--inh-caps", capability, "--ambient-caps", capability];
            let (error, map) = through(world, setpriv(&options), Way::Unprivileged, kind, "0 100000 10");
            assert_eq!((error.as_str(), map.as_str()), ("", "0 100000 10"));
        }
    });
}

#[test]
fn the_other_programs_capability_is_no_help() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for (kind, capability) in [(Kind::Uid, "+setgid"), (Kind::Gid, "+setuid")] {
            let options = ["--inh-caps", capability, "--ambient-caps", capability];
            let (error, map) = through(world, setpriv(&options), Way::Unprivileged, kind, "0 100000 10");
            assert_eq!((error, map.as_str()), (not_permitted(kind), ""));
        }
    });
}

#[test]
fn no_new_privs_takes_the_privilege_of_either_way() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        world.for_each_program(|way, kind| {
            let (error, map) = through(world, no_new_privs(), way, kind, "0 100000 10");
            assert_eq!((error, map.as_str()), (not_permitted(kind), ""), "{way:?}");
            let (error, map) = through(world, no_new_privs(), way, kind, "0 1000 1");
            assert_eq!((error.as_str(), map.as_str()), ("", "0 1000 1"), "{way:?}");
        });
    });
}

/// With effective file capabilities the kernel refuses the exec instead.
#[test]
fn neither_way_is_enough_without_the_capability_in_the_bounding_set() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for (kind, capability) in [(Kind::Uid, "-setuid"), (Kind::Gid, "-setgid")] {
            for way in [Way::Setuid, Way::PermittedCaps] {
                let options = ["--bounding-set", capability];
                let (error, map) = through(world, setpriv(&options), way, kind, "0 100000 10");
                assert_eq!((error, map.as_str()), (not_permitted(kind), ""), "{way:?}");
            }
        }
    });
}

#[test]
fn file_capabilities_need_not_be_effective() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for kind in Kind::BOTH {
            let attempt = world.attempt(Way::PermittedCaps, kind, ALICE, "0 1000 1 1 100000 10");
            assert_eq!(
                (attempt.outcome.stderr.as_str(), attempt.map.as_str()),
                ("", "0 1000 1; 1 100000 10")
            );
        }
    });
}

#[test]
fn no_other_capability_is_needed_in_the_bounding_set() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for (kind, capability) in [(Kind::Uid, "-all,+setuid"), (Kind::Gid, "-all,+setgid")] {
            for way in Way::GOOD {
                let options = ["--bounding-set", capability];
                let (error, map) = through(world, setpriv(&options), way, kind, "0 100000 10");
                assert_eq!((error.as_str(), map.as_str()), ("", "0 100000 10"), "{way:?}");
            }
        }
    });
}

/// Linux 5.12 and later, and 5.10.35 and later, which every 5.10 of Debian 11 is.
#[test]
fn the_parents_uid_0_needs_cap_setfcap_and_gid_0_does_not() {
    in_world(|world| {
        world.delegate("alice:0:10\n");
        let asks = kernel() >= (5, 12) || kernel() == (5, 10);
        for (kind, way, works) in [
            (Kind::Uid, Way::Setuid, true),
            (Kind::Uid, Way::PermittedCaps, true),
            (Kind::Uid, Way::Caps, !asks),
            (Kind::Gid, Way::Setuid, true),
            (Kind::Gid, Way::PermittedCaps, true),
            (Kind::Gid, Way::Caps, true),
        ] {
            if works {
                assert_eq!(
                    world.attempt(way, kind, ALICE, "5 1 2 0 0 1").map,
                    "5 1 2; 0 0 1",
                    "{kind:?} {way:?}"
                );
            } else {
                world.fails(way, kind, ALICE, "5 1 2 0 0 1", &not_permitted(kind));
            }
            assert_eq!(world.attempt(way, kind, ALICE, "5 1 2").map, "5 1 2", "{kind:?} {way:?}");
        }
    });
}

#[test]
fn a_map_is_written_once() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        world.for_each_program(|way, kind| {
            let target = world.namespace(ALICE);
            let run =
                |caller: Person| world.run(way, kind, caller, &[target.pid().as_str(), "0", "100000", "10"]);
            assert_eq!(run(ALICE).status, Some(0));
            let second = run(ALICE);
            assert_eq!((second.status, second.first_line()), (Some(1), not_permitted(kind).as_str()));
            assert_eq!(target.map(kind), "0 100000 10");
        });
    });
}
