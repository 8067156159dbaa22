//! Changes of the target during a run. The target ends, and another process of the same user reuses its PID: the map of that
//! process must stay empty. Or the target hides its files in /proc.
//!
//! strace(1) stops the program after a chosen system call with SIGSTOP; the test changes the target and continues the program.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::thread::yield_now;

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use super::harness::descriptor::{opened, pidfd, pidfds_can_be_resolved};
use super::harness::tracing::traced;
use super::harness::{ALICE, IdType, InstallMode, Namespace, Outcome, Sandbox, in_sandbox, must_succeed};

/// Ends a process and starts another process of alice with the same PID.
fn reuse(sandbox: &Sandbox, ended: Namespace) -> Namespace {
    let pid = ended.pid();
    drop(ended);
    let before = pid.parse::<u32>().unwrap() - 1;
    // Processes of other tests may get this PID first, so the attempt is repeated.
    for _ in 0..10_000 {
        let mut last_pid = File::create("/proc/sys/kernel/ns_last_pid").unwrap();
        last_pid.write_all(before.to_string().as_bytes()).unwrap();
        let namespace = sandbox.namespace(ALICE);
        if namespace.pid() == pid {
            return namespace;
        }
    }
    panic!("no new process got the PID {pid}");
}

/// The argument that names a target, and the descriptor to keep open for it.
type Named = (String, Option<OwnedFd>);
type Naming = fn(&Namespace) -> Named;

fn by_pid(target: &Namespace) -> Named {
    (target.pid(), None)
}

fn by_directory(target: &Namespace) -> Named {
    by_descriptor(opened(&format!("/proc/{}", target.pid()), OFlag::O_RDONLY))
}

fn by_pidfd(target: &Namespace) -> Named {
    by_descriptor(pidfd(target))
}

fn by_descriptor(descriptor: OwnedFd) -> Named {
    (format!("fd:{}", descriptor.as_raw_fd()), Some(descriptor))
}

/// Counts the calls of this name in a run up to the first one in or after the line of the log that contains `marker`.
fn position(
    sandbox: &Sandbox,
    id_type: IdType,
    name: Naming,
    map: &str,
    (call, marker): (&str, &str),
) -> usize {
    let target = sandbox.namespace(ALICE);
    let (named, _held) = name(&target);
    let log = "/etc/rehearsal";
    let status = traced(
        &sandbox.program(InstallMode::Setuid, id_type),
        &named,
        map,
        log,
        &format!("trace=openat,{call}"),
    )
    .status()
    .unwrap();
    assert!(status.success());
    let trace = fs::read_to_string(log).unwrap();
    let (before, _) = trace.split_once(marker).unwrap();
    // The calls in the lines before the marker, and one more.
    let (before, _) = before.rsplit_once('\n').unwrap();
    before.matches(&format!(" {call}(")).count() + 1
}

/// Runs a program for this target and map. `change` changes the target after the system call that `moment` describes, as for
/// [`position`].
fn interrupted(
    sandbox: &Sandbox,
    (id_type, map): (IdType, &str),
    (target, name): (Namespace, Naming),
    moment: (&str, &str),
    change: fn(&Sandbox, Namespace) -> Namespace,
) -> (Outcome, Namespace) {
    let nth = position(sandbox, id_type, name, map, moment);
    let (call, _) = moment;
    let (named, _held) = name(&target);
    let log = "/etc/strace";
    mkfifo(log, Mode::S_IRWXU).unwrap();
    let injection = format!("inject={call}:signal=SIGSTOP:when={nth}");
    let mut strace = traced(&sandbox.program(InstallMode::Setuid, id_type), &named, map, log, &injection);
    let strace = strace.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(File::open(log).unwrap()).lines().map(Result::unwrap);
    let stopped = lines.find(|line| line.ends_with("--- stopped by SIGSTOP ---")).unwrap();
    let target = change(sandbox, target);
    let pid = stopped.split(' ').next().unwrap().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGCONT).unwrap();
    lines.for_each(drop);
    fs::remove_file(log).unwrap();
    (Outcome::of(&strace.wait_with_output().unwrap()), target)
}

#[test]
fn a_process_that_reuses_the_pid_during_the_run_gets_no_map() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let (subid, map) = (format!("/etc/{}", id_type.subid()), format!("{}_map", id_type.word()));
            // The kernel returns ESRCH or ENOENT: "No such process" or "No such file or directory".
            let not_opened = format!("open of {map} failed: No such ");
            let cases: [(Naming, _, _); 5] = [
                (by_pid, ("openat", subid.as_str()), Some(not_opened.as_str())),
                (by_directory, ("openat", &subid), Some(&not_opened)),
                // An open map file refers to the namespace of the ended process. The write succeeds and affects no process.
                (by_pid, ("openat2", &map), None),
                (by_pidfd, ("openat", &subid), Some(&not_opened)),
                // The PID came from the pidfd, and /proc/PID now belongs to the new process.
                (by_pidfd, ("read", "/fdinfo/"), Some("Could not open proc directory for target")),
            ];
            let count = if pidfds_can_be_resolved() { 5 } else { 3 };
            for (name, moment, refusal) in cases.into_iter().take(count) {
                let target = (sandbox.namespace(ALICE), name);
                let (outcome, reused) = interrupted(sandbox, (id_type, "0 100000 10"), target, moment, reuse);
                let as_expected = match refusal {
                    Some(refusal) => outcome.first_line().contains(refusal),
                    None => outcome.stderr.is_empty(),
                };
                assert!(as_expected, "{moment:?}: {}", outcome.stderr);
                assert_eq!(outcome.status, Some(i32::from(refusal.is_some())), "{moment:?}");
                assert_eq!((reused.map(id_type), reused.setgroups()), (String::new(), "allow".to_owned()));
            }
        }
    });
}

/// A program that alice may execute and not read, so its process is not dumpable.
const UNREADABLE: &str = "/mnt/unreadable";

/// Lets the target execute that program and waits until it has.
fn hide(_: &Sandbox, mut target: Namespace) -> Namespace {
    target.send_line();
    let comm = format!("/proc/{}/comm", target.pid());
    while fs::read_to_string(&comm).unwrap() != "unreadable\n" {
        yield_now();
    }
    target
}

/// CVE-2018-7169: with hidepid, the kernel returns ENOENT for the files of a process that is not dumpable. A program that takes
/// ENOENT for a kernel without setgroups file would leave setgroups(2) allowed.
#[test]
fn a_hidden_setgroups_file_is_an_error() {
    in_sandbox(|sandbox| {
        must_succeed(Command::new("install").args(["--mode=0711", "/bin/cat", UNREADABLE]));
        must_succeed(Command::new("mount").args(["-t", "proc", "-o", "hidepid=invisible", "proc", "/proc"]));
        let mut unshare = ALICE.command("unshare");
        unshare.args(["--user", "--", "sh", "-c", "read line; echo; read line; exec /mnt/unreadable"]);
        let name: Naming = by_pid;
        let target = (Namespace::of(unshare), name);
        let moment = ("openat", "/etc/subgid");
        let (outcome, hidden) = interrupted(sandbox, (IdType::Gid, "0 1000 1"), target, moment, hide);
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(outcome.first_line().contains("couldn't open process setgroups"), "{outcome:?}");
        assert_eq!((hidden.map(IdType::Gid), hidden.setgroups()), (String::new(), "allow".to_owned()));
    });
}
