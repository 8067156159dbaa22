//! Every system call of a run that succeeds fails once, and once the program is killed at it: the map is written whole or not
//! at all, a failure exits with 1 and says something, and none is taken for a success.

use super::harness::faults::{Call, Fate, Run};
use super::harness::{IdType, InstallMode, in_sandbox};

/// It is denied setgroups(2) first.
const OWN_GID: &str = "0 1000 1";

/// Of both programs in both ways.
fn for_each_run(test: fn(Run)) {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for mode in InstallMode::GOOD {
            for (id_type, map) in
                [(IdType::Uid, "0 100000 10"), (IdType::Gid, "0 100000 10"), (IdType::Gid, "0 1000 1")]
            {
                test(Run { sandbox, program: &sandbox.program(mode, id_type), id_type, map });
            }
        }
    });
}

/// The program's own calls, and not those of the loader and of the runtime before main.
fn own_calls(run: Run) -> Vec<Call> {
    let mut calls = run.calls();
    let main = calls.iter().position(|call| call.name == "getresuid").unwrap();
    calls.split_off(main)
}

/// A call without which a map may well be written: of the C library, which has another mode, or to clean up.
fn is_dispensable(call: &Call, fault: &str, map: &str) -> bool {
    match call.name.as_str() {
        // Asked again; no terminal; no nscd; another mode to have memory; how much there is to read; SIGPIPE kept as it was.
        "rt_sigaction" | "read" | "getrandom" | "ioctl" | "socket" | "connect" | "brk" | "lseek"
        | "close" | "statx" | "munmap" => true,
        // Interrupted, it is written again.
        "write" => call.line.contains("\"deny\""),
        // Debug assertions of the standard library.
        "fcntl" => call.line.contains("F_GETFD"),
        "newfstatat" | "fstat" => {
            call.line.contains("/etc/nsswitch.conf")
                || call.line.contains("\"/\"")
                || call.line.contains("S_IFREG")
        }
        // By the C library, which wants to know where users are. Our own opening may find no file; one that cannot be opened
        // leaves the caller's own id.
        "openat" => {
            let is_ours = call.line.contains("O_NOCTTY");
            call.line.contains("/etc/nsswitch.conf")
                && (!is_ours || fault == "error=ENOENT" || map == OWN_GID)
        }
        _ => false,
    }
}

#[test]
fn a_failed_system_call_is_reported_and_leaves_no_partial_map() {
    for_each_run(|run| {
        let mut is_after_the_write = false;
        let mut is_getrandoms = false;
        for call in own_calls(run) {
            // Since 2.41, glibc's getrandom(3) blocks all signals to allocate memory for the vDSO's getrandom. After a
            // failure the system call of that name does the work.
            let is_sigprocmask = call.name == "rt_sigprocmask";
            is_getrandoms ^= is_sigprocmask;
            let is_dispensable =
                |fault: &str| is_getrandoms || is_sigprocmask || is_dispensable(&call, fault, run.map);
            let cut_short = (call.name == "write").then(|| "retval=1".to_owned());
            for fault in call.faults().into_iter().chain(cut_short) {
                let fate = run.inject(&call, &fault);
                let what = format!("{} {fault} {}: {fate:?}", run.program.display(), call.line);
                match fate.outcome.status {
                    Some(0) => {
                        assert!(fate.is_written && is_dispensable(&fault), "{what}");
                        let expected = if run.map == OWN_GID { "deny" } else { "allow" };
                        assert_eq!(fate.setgroups, expected, "{what}");
                    }
                    Some(1) => {
                        assert_ne!(fate.outcome.stderr, "", "{what}");
                        // Privilege that cannot be given up is a failure though the map is there.
                        assert!(!fate.is_written || is_after_the_write, "{what}");
                    }
                    _ => panic!("{what}"),
                }
                assert!(!fate.outcome.stderr.contains("panicked"), "{what}");
            }
            is_after_the_write |= call.name == "write" && call.line.contains(run.map);
        }
    });
}

/// What comes before main is not ours to answer for; but it has written nothing.
#[test]
fn a_failed_system_call_before_main_leaves_no_partial_map() {
    for_each_run(|run| {
        for call in run.calls().iter().take_while(|call| call.name != "getresuid") {
            for fault in call.faults() {
                let fate = run.inject(call, &fault);
                let is_success = fate.outcome.status == Some(0);
                assert_eq!(
                    fate.is_written,
                    is_success,
                    "{} {fault} {}: {fate:?}",
                    run.program.display(),
                    call.line
                );
            }
        }
    });
}

#[test]
fn a_kill_at_any_system_call_leaves_no_partial_map() {
    for_each_run(|run| {
        for call in own_calls(run) {
            let fate = run.inject(&call, "signal=SIGKILL");
            assert_ne!(fate.outcome.status, Some(0), "{}", call.line);
        }
    });
}

/// Privilege that cannot be put aside is a reason to stop, before anything else is done.
#[test]
fn a_failed_privilege_drop_ends_the_run() {
    for_each_run(|run| {
        let calls = own_calls(run);
        let drops = calls.iter().take_while(|call| !call.line.contains("/proc/"));
        let drops: Vec<&Call> = drops
            .filter(|call| {
                ["cap", "getres", "prctl", "setres"].iter().any(|name| call.name.starts_with(name))
            })
            .collect();
        let names: Vec<&str> = drops.iter().map(|call| call.name.as_str()).collect();
        let of_setuid: &[&str] = if names.contains(&"setresuid") { &["prctl", "setresuid"] } else { &[] };
        let sets = ["capget", "capset", "capget", "capget", "capget", "capset", "capget", "capset"];
        assert_eq!(names, [&["getresuid", "getresgid"], of_setuid, &sets].concat());
        for call in drops {
            let Fate { outcome, is_written, .. } = run.inject(call, "error=EPERM");
            assert_eq!((outcome.status, is_written), (Some(1), false), "{}: {outcome:?}", call.line);
            assert!(outcome.first_line().contains(": Could not "), "{}: {outcome:?}", call.line);
        }
    });
}
