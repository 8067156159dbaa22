//! What is held when: the system calls of whole runs, followed by strace(1).

use std::fs;
use std::process::Command;

use super::harness::privileged::Privileged;
use super::harness::tracing::traced;
use super::harness::{ALICE, IdType, InstallMode, Person, ROOT, Sandbox, finish, in_sandbox};

/// Capabilities as strace prints a set of them.
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

/// A file opened or written, and what was held then.
#[derive(Debug)]
struct Step {
    call: String,
    held: Sets,
}

/// Follows a run, from the program's own first change of capabilities on; also tells the last state.
fn follow(
    sandbox: &Sandbox,
    mode: InstallMode,
    id_type: IdType,
    caller: Person,
    ranges: &str,
) -> (Vec<Step>, Sets, String) {
    let target = sandbox.namespace(caller);
    let log = Sandbox::etc("trace");
    // Started by root, who may follow a program that gains privilege.
    let mut strace = ROOT.command("strace");
    strace
        .args(["-qq", "-s", "64", "-e", "trace=execve,capset,setresuid,openat,openat2,write", "-o"])
        .arg(&log);
    strace.args(["setpriv", "--inh-caps=+setuid,+setgid,+chown", "--clear-groups"]);
    strace.args([format!("--reuid={}", caller.uid), format!("--regid={}", caller.gid)]);
    let pid = target.pid();
    let words: Vec<&str> = std::iter::once(pid.as_str()).chain(ranges.split(' ')).collect();
    let outcome = sandbox.run_through(strace, mode, id_type, &words);
    assert_eq!((outcome.stderr.as_str(), outcome.status), ("", Some(0)), "{mode:?} {id_type:?}");

    let trace = fs::read_to_string(log).unwrap();
    // strace starts setpriv, and setpriv the program.
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

/// The capability is effective for the map's open and write, and for nothing else; other files are opened with none.
fn assert_raised_for_the_map_alone(steps: &[Step], id_type: IdType, raised: &str) {
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
        assert!(read(path), "{path} is opened after the drop");
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
                assert_raised_for_the_map_alone(&steps, id_type, raised);
                assert_eq!(end, Sets::none());
                for step in steps.iter().filter(|step| step.call.contains("\"/etc/sub")) {
                    let held = step.held.permitted.as_str();
                    // strace shows a single capability as 1<<N, and file capabilities grant no more than one.
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
            assert_raised_for_the_map_alone(&steps, IdType::Uid, raised);
        }
        let (steps, ..) = follow(sandbox, InstallMode::Setuid, IdType::Gid, ALICE, "1 1 2 0 0 1");
        assert_raised_for_the_map_alone(&steps, IdType::Gid, "1<<CAP_SETGID");
    });
}

#[test]
fn setgroups_is_denied_without_a_raised_capability() {
    in_sandbox(|sandbox| {
        let (steps, ..) = follow(sandbox, InstallMode::Setuid, IdType::Gid, ALICE, "0 1000 1");
        assert_raised_for_the_map_alone(&steps, IdType::Gid, "1<<CAP_SETGID");
        assert!(steps.iter().any(|step| step.call.contains("\"setgroups\"")));
    });
}

/// From main on there are six that put privilege aside or give it up, and open, write and close of the map. Before it, the
/// loader reads libraries, and nothing that a caller could have a hand in.
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
            // With debug assertions, the standard library looks at each descriptor that it closes.
            let calls: Vec<&str> = log.lines().filter(|call| !call.contains("F_GETFD")).collect();
            let Privileged { calls_of_main, bytes_read, .. } = Privileged::of(&calls.join("\n"), mode);
            assert_eq!((calls_of_main, bytes_read), (9, 0), "{mode:?} {id_type:?}:\n{log}");
        });
    });
}

/// What looks for the cause reads files, and has the caller's rights alone.
#[test]
fn all_capabilities_are_dropped_after_a_refused_write() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let (program, target) = (sandbox.program(mode, id_type), sandbox.namespace(ALICE));
            let run = |log: &str| {
                let calls = "trace=execve,capset,setresuid,openat,write";
                finish(&mut traced(&program, &target.pid(), "0 100000 10", log, calls)).status
            };
            // The kernel takes a map once.
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

/// Also where the run fails, and is explained.
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

/// Permitted capabilities that are not used are given up before the cause is looked for. A run that fails has none effective.
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
        // Twice to put aside, once for the inheritable set, once to give up.
        assert_eq!(effective, ["0"; 4], "{trace}");
        // And that before the cause is looked for.
        let (_, end) = run.rsplit_once("capset(").unwrap();
        assert_eq!(sets(end).permitted, "0", "{trace}");
        assert!(end.contains("\"/etc/subuid\""), "{trace}");
    });
}
