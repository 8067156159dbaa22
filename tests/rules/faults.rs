//! Every system call of a run that succeeds fails once, and once the program is killed at it: the map is written whole or not
//! at all, a failure exits with 1 and says something, and none is taken for a success.

use std::path::Path;

use super::harness::faults::{Call, Fate};
use super::harness::tracing::MAP;
use super::harness::{Kind, Way, World, in_world};

fn for_each_program(test: fn(&World, &Path, Kind)) {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for way in Way::GOOD {
            for kind in Kind::BOTH {
                test(world, &world.program(way, kind), kind);
            }
        }
    });
}

/// The program's own calls, and not those of the loader and of the runtime before main.
fn own_calls(world: &World, program: &Path, kind: Kind) -> Vec<Call> {
    let mut calls = Call::all(world, program, kind);
    let main = calls.iter().position(|call| call.name == "getresuid").unwrap();
    calls.split_off(main)
}

#[test]
fn a_call_that_fails_leaves_the_map_whole_or_absent_and_is_told() {
    for_each_program(|world, program, kind| {
        for call in own_calls(world, program, kind) {
            for fault in call.faults() {
                let fate = call.inject(world, program, kind, &fault);
                let what = format!("{} {fault} {}: {fate:?}", program.display(), call.line);
                match fate.outcome.status {
                    Some(0) => assert_eq!(fate.map, MAP, "{what}"),
                    Some(1) => assert_ne!(fate.outcome.stderr, "", "{what}"),
                    _ => panic!("{what}"),
                }
                assert!(fate.map.is_empty() || fate.map == MAP, "{what}");
                assert!(!fate.outcome.stderr.contains("panicked"), "{what}");
            }
        }
    });
}

/// What comes before main is not ours to answer for; but it has written nothing.
#[test]
fn a_call_before_main_that_fails_leaves_the_map_whole_or_absent() {
    for_each_program(|world, program, kind| {
        let calls = Call::all(world, program, kind);
        for call in calls.iter().take_while(|call| call.name != "getresuid") {
            for fault in call.faults() {
                let fate = call.inject(world, program, kind, &fault);
                let expected = if fate.outcome.status == Some(0) { MAP } else { "" };
                assert_eq!(fate.map, expected, "{} {fault} {}: {fate:?}", program.display(), call.line);
            }
        }
    });
}

#[test]
fn killed_at_any_call_it_leaves_the_map_whole_or_absent() {
    for_each_program(|world, program, kind| {
        for call in own_calls(world, program, kind) {
            let fate = call.inject(world, program, kind, "signal=SIGKILL");
            assert_ne!(fate.outcome.status, Some(0), "{}", call.line);
            assert!(fate.map.is_empty() || fate.map == MAP, "{}: {fate:?}", call.line);
        }
    });
}

/// Privilege that cannot be put aside is a reason to stop, before anything else is done.
#[test]
fn what_cannot_be_dropped_ends_the_run() {
    for_each_program(|world, program, kind| {
        let calls = own_calls(world, program, kind);
        let drops = calls.iter().take_while(|call| !call.line.contains("/proc/")).filter(|call| {
            let name = call.name.as_str();
            matches!(name, "setresuid" | "setresgid" | "capset" | "capget" | "getresuid" | "getresgid")
        });
        let fates = drops.map(|call| (call, call.inject(world, program, kind, "error=EPERM")));
        for (call, Fate { outcome, map }) in fates {
            assert_eq!((outcome.status, map.as_str()), (Some(1), ""), "{}: {outcome:?}", call.line);
            assert!(outcome.first_line().contains(": Could not "), "{}: {outcome:?}", call.line);
        }
    });
}
