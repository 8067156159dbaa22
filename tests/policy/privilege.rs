//! The capabilities at each step of a run, from a log of strace(1).

use std::fs;
use std::process::Command;

use super::harness::privileged::Privileged;
use super::harness::tracing::traced;
use super::harness::{ALICE, IdType, InstallMode, Person, ROOT, Sandbox, finish, in_sandbox};

/// Capability sets as strace prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sets {
    effective: String,
    permitted: String,
    inheritable: String,
}

impl Sets {
    fn none() -> Self {
        let none = "0".to_owned();
        Self { effective: none.clone(), permitted: none.clone(), inheritable: none }
    }
}

/// An open or a write, with the capability sets at that time.
#[derive(Debug)]
struct Step {
    call: String,
    held: Sets,
}

/// Traces a run; returns the steps from the first capset(2) on, the last capability sets, and the log.
fn follow(
    sandbox: &Sandbox,
    mode: InstallMode,
    id_type: IdType,
    caller: Person,
    ranges: &str,
) -> (Vec<Step>, Sets, String) {
    let target = sandbox.namespace(caller);
    let log = Sandbox::etc("trace");
    // Root starts strace: a program traced by an unprivileged user gains no privilege.
    let mut strace = ROOT.command("strace");
    strace
        .args(["-qq", "-s", "64", "-e", "trace=execve,capset,/^setresuid,openat,openat2,write", "-o"])
        .arg(&log);
    strace.args(["setpriv", "--inh-caps=+setuid,+setgid,+chown", "--clear-groups"]);
    strace.args([format!("--reuid={}", caller.uid), format!("--regid={}", caller.gid)]);
    let pid = target.pid();
    let words: Vec<&str> = std::iter::once(pid.as_str()).chain(ranges.split(' ')).collect();
    let outcome = sandbox.run_through(strace, mode, id_type, &words);
    assert_eq!((outcome.stderr.as_str(), outcome.status), ("", Some(0)), "{mode:?} {id_type:?}");

    let trace = fs::read_to_string(log).unwrap().replace("setresuid32(", "setresuid(");
    // strace starts setpriv, which starts the program: the last exec is the program's.
    let (_, run) = trace.rsplit_once("execve(").unwrap();
    let mut held = None;
    let mut steps = Vec::new();
    for call in run.lines() {
        if call.starts_with("capset(") {
            held = Some(sets(call));
        } else if let Some(held) = &held {
            steps.push(Step { call: call.to_owned(), held: Sets::clone(held) });
        }
    }
    (steps, held.unwrap(), run.to_owned())
}

fn sets(call: &str) -> Sets {
    let set = |name: &str| {
        let (_, rest) = call.split_once(&format!("{name}=")).unwrap();
        rest.split([',', '}']).next().unwrap().to_owned()
    };
    Sets { effective: set("effective"), permitted: set("permitted"), inheritable: set("inheritable") }
}

fn names(id_type: IdType) -> (&'static str, &'static str) {
    match id_type {
        IdType::Uid => ("1<<CAP_SETUID", "1<<CAP_SETUID|1<<CAP_SETFCAP"),
        IdType::Gid => ("1<<CAP_SETGID", "1<<CAP_SETGID"),
    }
}

/// Asserts that the capability is effective only for the open and the write of the map.
fn assert_raised_only_for_the_map(steps: &[Step], id_type: IdType, raised: &str) {
    let map_file = format!("\"{}_map\"", id_type.word());
    let raised_for: Vec<&str> =
        steps.iter().filter(|step| step.held.effective != "0").map(|step| step.call.as_str()).collect();
    let [open, write] = raised_for[..] else { panic!("{raised_for:?}") };
    assert!(open.starts_with("openat2(") && open.contains(&map_file), "{open}");
    assert!(write.starts_with("write("), "{write}");
    for step in steps {
        let expected = if raised_for.contains(&step.call.as_str()) { raised } else { "0" };
        assert_eq!(step.held.effective, expected, "{}", step.call);
    }
    let read = |path: &str| steps.iter().any(|step| step.call.contains(path) && step.held.inheritable == "0");
    for path in ["/etc/passwd", &format!("/etc/{}", id_type.subid()), "/proc/"] {
        assert!(read(path), "{path} is not opened after the drop");
    }
}

#[test]
fn capabilities_are_raised_only_to_open_and_write_the_map() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\nroot:100000:10\n");
        for caller in [ALICE, ROOT] {
            sandbox.for_each_program(|mode, id_type| {
                let (steps, end, run) = follow(sandbox, mode, id_type, caller, "0 100000 10");
                let (raised, most) = names(id_type);
                assert_raised_only_for_the_map(&steps, id_type, raised);
                assert_eq!(end, Sets::none());
                for step in steps.iter().filter(|step| step.call.contains("\"/etc/sub")) {
                    let held = step.held.permitted.as_str();
                    // With file capabilities, one capability is permitted.
                    assert!(held == raised || held == most, "{held} at {}", step.call);
                }
                let becomes_caller = format!("setresuid({0}, {0}, {0})", caller.uid);
                assert_eq!(
                    run.contains(&becomes_caller),
                    mode == InstallMode::Setuid && caller != ROOT,
                    "{run}"
                );
            });
        }
    });
}

#[test]
fn cap_setfcap_is_raised_only_for_a_map_of_uid_0() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:0:10\n");
        for (ranges, raised) in [("0 1 9", "1<<CAP_SETUID"), ("1 1 2 0 0 1", "1<<CAP_SETUID|1<<CAP_SETFCAP")]
        {
            let (steps, ..) = follow(sandbox, InstallMode::Setuid, IdType::Uid, ALICE, ranges);
            assert_raised_only_for_the_map(&steps, IdType::Uid, raised);
        }
        let (steps, ..) = follow(sandbox, InstallMode::Setuid, IdType::Gid, ALICE, "1 1 2 0 0 1");
        assert_raised_only_for_the_map(&steps, IdType::Gid, "1<<CAP_SETGID");
    });
}

#[test]
fn setgroups_is_denied_without_a_raised_capability() {
    in_sandbox(|sandbox| {
        let (steps, ..) = follow(sandbox, InstallMode::Setuid, IdType::Gid, ALICE, "0 1000 1");
        assert_raised_only_for_the_map(&steps, IdType::Gid, "1<<CAP_SETGID");
        assert!(steps.iter().any(|step| step.call.contains("\"setgroups\"")));
    });
}

/// From main on, six calls drop privilege, and three open, write and close the map. Before main, the loader reads only
/// libraries, which the caller cannot choose.
#[test]
fn only_nine_system_calls_have_privilege_and_none_reads_input() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let (target, map) = (sandbox.namespace(ALICE), "0 100000 10");
            let outcome = finish(&mut traced(
                &sandbox.program(mode, id_type),
                &target.pid(),
                map,
                "/etc/trace",
                "trace=all",
            ));
            assert_eq!((outcome.status, target.map(id_type).as_str()), (Some(0), map));
            let log = fs::read_to_string("/etc/trace").unwrap();
            // A debug assertion of the standard library calls fcntl(F_GETFD) before each close.
            let calls: Vec<&str> = log.lines().filter(|call| !call.contains("F_GETFD")).collect();
            let Privileged { calls_of_main, bytes_read, .. } = Privileged::of(&calls.join("\n"), mode);
            assert_eq!((calls_of_main, bytes_read), (9, 0), "{mode:?} {id_type:?}:\n{log}");
        });
    });
}

/// The explanation of a failure reads files with the caller's rights.
#[test]
fn all_capabilities_are_dropped_after_a_refused_write() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let (program, target) = (sandbox.program(mode, id_type), sandbox.namespace(ALICE));
            let run = |log: &str| {
                let calls = "trace=execve,capset,openat,write";
                finish(&mut traced(&program, &target.pid(), "0 100000 10", log, calls)).status
            };
            // The kernel accepts one write, so the second run fails.
            assert_eq!((run("/etc/first"), run("/etc/second")), (Some(0), Some(1)));
            let trace = fs::read_to_string("/etc/second").unwrap();
            let (_, after) = trace.rsplit_once(" EPERM ").unwrap();
            let (given_up, examined) = after.split_once("= 0\n").unwrap();
            assert_eq!(sets(given_up), Sets::none());
            assert!(examined.contains("/status"), "{examined}");
            assert!(!examined.contains("capset("), "{examined}");
        });
    });
}

#[test]
fn without_a_map_to_write_capabilities_are_given_up_before_any_text_is_printed() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            for arguments in [&["--help"][..], &["--version"], &[]] {
                let log = Sandbox::etc("trace");
                let mut strace = ROOT.command("strace");
                strace.args(["-qq", "-e", "trace=execve,capset,write", "-o"]).arg(&log);
                strace.args(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]);
                sandbox.run_through(strace, mode, id_type, arguments);
                let trace = fs::read_to_string(log).unwrap();
                let (before, printed) = trace.split_once("write(").unwrap();
                let (_, last) = before.rsplit_once("capset(").unwrap();
                assert_eq!(sets(last), Sets::none(), "{arguments:?}: {trace}");
                assert!(!printed.contains("capset("), "{arguments:?}: {trace}");
            }
        });
    });
}

/// Uid 0 cannot be left with a capability, and no map is written as root. With a file capability, uid 0 is not left.
#[test]
fn setuid_root_drops_all_under_the_locked_securebit_keep_caps() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for bits in ["--securebits=+keep_caps_locked", "--securebits=+keep_caps_locked,+no_setuid_fixup"] {
            sandbox.for_each_program(|mode, id_type| {
                let (target, log) = (sandbox.namespace(ALICE), Sandbox::etc("trace"));
                let mut strace = ROOT.command("strace");
                strace.args(["-qq", "-e", "trace=execve,capset,/^setresuid,write", "-o"]).arg(&log);
                strace.args(["setpriv", bits, "--reuid=1000", "--regid=1000", "--clear-groups"]);
                let words = [target.pid(), "0".into(), "100000".into(), "10".into()];
                let outcome = sandbox.run_through(strace, mode, id_type, &words);
                if mode == InstallMode::Caps {
                    assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{bits}");
                    assert_eq!(target.map(id_type), "0 100000 10");
                    return;
                }
                let message = format!("{}: Could not prctl(PR_SET_KEEPCAPS)", id_type.program());
                assert_eq!((outcome.status, outcome.first_line()), (Some(1), message.as_str()), "{bits}");
                assert_eq!(target.map(id_type), "");
                let trace = fs::read_to_string(log).unwrap();
                let (_, run) = trace.rsplit_once("execve(").unwrap();
                let (before, _) = run.split_once("write(2").unwrap();
                assert!(before.contains("(1000, 1000, 1000)"), "{trace}");
                let (_, last) = before.rsplit_once("capset(").unwrap();
                assert_eq!(sets(last), Sets::none(), "{trace}");
            });
        }
    });
}

/// Neither a successful nor a failed run starts another program.
#[test]
fn no_other_program_is_started() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for words in [
            &["--help"][..],
            &["--version"],
            &["1", "0", "100000", "10"],
            &["PID", "0", "1", "1"],
            &["PID", "0", "100000", "10"],
        ] {
            let target = sandbox.namespace(ALICE);
            let pid = target.pid();
            let words: Vec<&str> =
                words.iter().map(|word| if *word == "PID" { pid.as_str() } else { word }).collect();
            let log = Sandbox::etc("trace");
            let mut strace = ROOT.command("strace");
            strace.args(["-f", "-qq", "-e", "trace=execve,execveat,clone,clone3,fork,vfork", "-o"]).arg(&log);
            strace.args(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]);
            sandbox.run_through(strace, InstallMode::Setuid, IdType::Uid, &words);
            let trace = fs::read_to_string(log).unwrap();
            let (_, run) = trace.rsplit_once("newuidmap\"").unwrap();
            assert_eq!(run.lines().count(), 1, "{words:?}: {trace}");
        }
    });
}

/// Unused permitted capabilities are dropped before the explanation of the failure. A refused run raises no capability.
#[test]
fn a_refused_request_raises_no_capability_and_drops_all() {
    in_sandbox(|sandbox| {
        let target = sandbox.namespace(ALICE);
        let log = Sandbox::etc("trace");
        let mut strace: Command = ROOT.command("strace");
        strace.args(["-qq", "-e", "trace=execve,capset,openat", "-o"]).arg(&log);
        strace.args(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]);
        let words = [target.pid(), "0".into(), "100000".into(), "10".into()];
        let outcome = sandbox.run_through(strace, InstallMode::Setuid, IdType::Uid, &words);
        assert_eq!(outcome.status, Some(1));
        let trace = fs::read_to_string(log).unwrap();
        let (_, run) = trace.rsplit_once("execve(").unwrap();
        let effective: Vec<String> =
            run.lines().filter(|call| call.starts_with("capset(")).map(|call| sets(call).effective).collect();
        // Two calls lower the effective set, one clears the inheritable set, one drops CAP_SETFCAP, and one drops all.
        assert_eq!(effective, ["0"; 5], "{trace}");
        // The explanation reads the subid file after the last drop.
        let (_, end) = run.rsplit_once("capset(").unwrap();
        assert_eq!(sets(end).permitted, "0", "{trace}");
        assert!(end.contains("\"/etc/subuid\""), "{trace}");
    });
}
