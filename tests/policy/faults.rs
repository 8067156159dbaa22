//! Makes each system call of a successful run fail once, and kills the program at each. The map must be complete or empty; a
//! failure must exit with 1 and print a message.

use super::harness::faults::{Call, Fate, Run};
use super::harness::{IdType, InstallMode, WRITTEN, in_sandbox};

/// The map of the caller's own gid, before which the program denies setgroups(2).
const OWN_GID: &str = "0 1000 1";

/// Runs a test for both programs in both install modes.
fn for_each_run(test: fn(Run)) {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for mode in InstallMode::GOOD {
            for (id_type, _, map) in WRITTEN {
                test(Run { sandbox, program: &sandbox.program(mode, id_type), id_type, map });
            }
        }
    });
}

/// The calls from main on, without those of the loader and of the runtime.
fn own_calls(run: Run) -> Vec<Call> {
    let mut calls = run.calls();
    let main = calls.iter().position(|call| call.name == "getresuid").unwrap();
    calls.split_off(main)
}

/// True for a call whose failure may leave the map complete: the C library has a fallback, or the call cleans up.
fn is_dispensable(call: &Call, fault: &str, map: &str) -> bool {
    match call.name.as_str() {
        // An interrupted read is repeated, and getrandom has a fallback. ioctl asks for a terminal; socket and connect look for nscd.
        // After brk, malloc uses mmap. lseek and statx find a buffer size. Without rt_sigaction, SIGPIPE keeps its action.
        "rt_sigaction" | "read" | "getrandom" | "ioctl" | "socket" | "connect" | "brk" | "lseek"
        | "close" | "statx" | "munmap" => true,
        // An interrupted write is repeated.
        "write" => call.line.contains("\"deny\""),
        // The test for an open standard descriptor, and a debug assertion of the standard library.
        "fcntl" => call.line.contains("F_GETFD"),
        "newfstatat" | "fstat" => {
            call.line.contains("/etc/nsswitch.conf")
                || call.line.contains("\"/\"")
                || call.line.contains("S_IFREG")
        }
        // The C library has a default for nsswitch.conf. The program itself accepts a missing file; after another error it still
        // maps the caller's own id.
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
            // Since glibc 2.41, getrandom(3) blocks all signals while it allocates memory for the vDSO's getrandom. After a
            // failure getrandom(3) uses the system call.
            let is_sigprocmask = call.name == "rt_sigprocmask";
            is_getrandoms ^= is_sigprocmask;
            let is_dispensable =
                |fault: &str| is_getrandoms || is_sigprocmask || is_dispensable(&call, fault, run.map);
            let cut_short = (call.name == "write").then(|| "retval=1".to_owned());
            for fault in call.faults().into_iter().chain(cut_short) {
                let fate = run.inject(&call, &fault);
                let context = format!("{} {fault} {}: {fate:?}", run.program.display(), call.line);
                match fate.outcome.status {
                    Some(0) => {
                        assert!(fate.is_written && is_dispensable(&fault), "{context}");
                        let expected = if run.map == OWN_GID { "deny" } else { "allow" };
                        assert_eq!(fate.setgroups, expected, "{context}");
                    }
                    Some(1) => {
                        assert_ne!(fate.outcome.stderr, "", "{context}");
                        // A failed drop of privilege after the write is a failure, too.
                        assert!(!fate.is_written || is_after_the_write, "{context}");
                    }
                    _ => panic!("{context}"),
                }
                assert!(!fate.outcome.stderr.contains("panicked"), "{context}");
            }
            is_after_the_write |= call.name == "write" && call.line.contains(run.map);
        }
    });
}

/// The loader and the runtime decide how a failure before main ends; the map must be empty.
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

/// The program stops at a failed drop, before it reads any input.
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
        let sets = ["capget", "capset", "capget", "capget", "capset", "capget", "capset"];
        // CAP_SETFCAP, which uid 0 has, is given up for a map without uid 0.
        let has_setfcap = run.id_type == IdType::Uid && !of_setuid.is_empty();
        let of_setfcap: &[&str] = if has_setfcap { &["capget", "capset"] } else { &[] };
        assert_eq!(names, [&["getresuid", "getresgid"], of_setuid, &sets, of_setfcap].concat());
        for call in drops {
            let Fate { outcome, is_written, .. } = run.inject(call, "error=EPERM");
            assert_eq!((outcome.status, is_written), (Some(1), false), "{}: {outcome:?}", call.line);
            assert!(outcome.first_line().contains(": Could not "), "{}: {outcome:?}", call.line);
        }
    });
}
