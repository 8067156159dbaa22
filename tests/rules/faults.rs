//! Every system call of a run that succeeds fails once, and once the program is killed at it: the map is written whole or not
//! at all, a failure exits with 1 and says something, and none is taken for a success.

use std::collections::HashMap;
use std::fs;

use super::harness::{ALICE, Kind, Way, World, finish, in_world};
use super::tracing::traced;

const MAP: &str = "0 100000 10";

/// A call of the program: its name, and which of that name it is, counted from the start of strace, which is what
/// strace counts by.
struct Call {
    name: String,
    nth: usize,
    /// Whether it is the program's own, and not the loader's or the runtime's before main.
    is_own: bool,
    line: String,
}

/// The program's calls in a run that succeeds, but the last, which ends it.
fn calls(world: &World, kind: Kind) -> Vec<Call> {
    let target = world.namespace(ALICE);
    let log = "/etc/rehearsal";
    assert_eq!(
        finish(&mut traced(world, Way::Setuid, kind, &target.pid(), log, "trace=all")).status,
        Some(0)
    );
    let trace = fs::read_to_string(log).unwrap();
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((_, call)) = line.split_once(' ') else { continue };
        let Some((name, _)) = call.trim_start().split_once('(') else { continue };
        let nth = counts.entry(name.to_owned()).or_default();
        *nth += 1;
        calls.push(Call { name: name.to_owned(), nth: *nth, is_own: false, line: line.to_owned() });
    }
    let exec = calls.iter().rposition(|call| call.name == "execve").unwrap();
    let mut calls = calls.split_off(exec + 1);
    let exit = calls.iter().position(|call| call.name == "exit_group").unwrap();
    calls.truncate(exit);
    // The first thing in main.
    let main = calls.iter().position(|call| call.name == "getresuid").unwrap();
    calls.iter_mut().skip(main).for_each(|call| call.is_own = true);
    calls
}

/// What each call may fail with, as its manual page has it.
fn errors(name: &str) -> &'static [&'static str] {
    match name {
        "openat" => &["EACCES", "EMFILE", "ENOENT"],
        "read" => &["EIO", "EINTR"],
        "write" => &["EIO", "EPERM", "ENOMEM", "EINTR"],
        "capset" | "capget" | "prctl" => &["EPERM"],
        "setresuid" => &["EAGAIN", "EPERM"],
        "getrandom" => &["ENOSYS", "EPERM", "EINTR"],
        "mmap" | "mprotect" | "munmap" => &["ENOMEM"],
        "socket" | "connect" => &["EACCES", "ENOBUFS"],
        _ => &["EIO"],
    }
}

#[test]
fn a_call_that_fails_leaves_the_map_whole_or_absent_and_is_told() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for kind in Kind::BOTH {
            for call in calls(world, kind) {
                // A brk that fails returns where the break is, which is below what was asked for, and no error.
                let faults: Vec<String> = match call.name.as_str() {
                    "brk" => vec!["retval=0".to_owned()],
                    name => errors(name).iter().map(|error| format!("error={error}")).collect(),
                };
                for fault in faults {
                    let target = world.namespace(ALICE);
                    let injection = format!("inject={}:{fault}:when={}", call.name, call.nth);
                    let outcome = finish(&mut traced(
                        world,
                        Way::Setuid,
                        kind,
                        &target.pid(),
                        "/etc/strace",
                        &injection,
                    ));
                    let (map, what) = (target.map(kind), format!("{kind:?} {fault} {}", call.line));
                    assert!(map.is_empty() || map == MAP, "{what}: {map}");
                    match outcome.status {
                        Some(0) => assert_eq!(map, MAP, "{what}"),
                        Some(1) => assert_ne!(outcome.stderr, "", "{what}"),
                        // What comes before main is not ours to answer for; but it has written nothing.
                        status => {
                            assert!(!call.is_own && map.is_empty(), "{what}: {status:?} {}", outcome.stderr);
                        }
                    }
                    assert!(
                        !call.is_own || !outcome.stderr.contains("panicked"),
                        "{what}: {}",
                        outcome.stderr
                    );
                }
            }
        }
    });
}

#[test]
fn killed_at_any_call_it_leaves_the_map_whole_or_absent() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for kind in Kind::BOTH {
            for call in calls(world, kind).into_iter().filter(|call| call.is_own) {
                let target = world.namespace(ALICE);
                let injection = format!("inject={}:signal=SIGKILL:when={}", call.name, call.nth);
                let outcome =
                    finish(&mut traced(world, Way::Setuid, kind, &target.pid(), "/etc/strace", &injection));
                assert_ne!(outcome.status, Some(0), "{}", call.line);
                let map = target.map(kind);
                assert!(map.is_empty() || map == MAP, "{}: {map}", call.line);
            }
        }
    });
}

/// Privilege that cannot be put aside is a reason to stop, before anything else is done.
#[test]
fn what_cannot_be_dropped_ends_the_run() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for kind in Kind::BOTH {
            for call in calls(world, kind).into_iter().filter(|call| call.is_own) {
                if call.line.contains("/proc/") {
                    break;
                }
                let target = world.namespace(ALICE);
                let injection = format!("inject={}:error=EPERM:when={}", call.name, call.nth);
                let outcome =
                    finish(&mut traced(world, Way::Setuid, kind, &target.pid(), "/etc/strace", &injection));
                if matches!(
                    call.name.as_str(),
                    "setresuid" | "setresgid" | "capset" | "capget" | "getresuid" | "getresgid"
                ) {
                    assert_eq!(outcome.status, Some(1), "{}", call.line);
                    assert!(
                        outcome.first_line().contains(": Could not "),
                        "{}: {}",
                        call.line,
                        outcome.stderr
                    );
                    assert_eq!(target.map(kind), "", "{}", call.line);
                }
            }
        }
    });
}
