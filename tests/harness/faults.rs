//! Fault injection: makes one system call of a run fail, or kills the program there.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use super::tracing::{traced, usual_name};
use super::{ALICE, IdType, Outcome, Sandbox, finish};

/// A run of a program by alice that writes a map with one range and succeeds.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub sandbox: &'a Sandbox,
    pub program: &'a PathBuf,
    pub id_type: IdType,
    pub map: &'static str,
}

/// A system call of a run.
#[derive(Debug)]
pub struct Call {
    /// The name on 64-bit machines.
    pub name: String,
    /// The name on this machine.
    traced_name: String,
    /// Counts the calls of this name from the start of strace(1), as its option `when=` does.
    nth: usize,
    pub line: String,
}

/// The result of a run.
#[derive(Debug)]
pub struct Fate {
    pub outcome: Outcome,
    /// True if the whole map is written; false if the map is empty.
    pub is_written: bool,
    /// `allow` or `deny`.
    pub setgroups: String,
}

impl Run<'_> {
    /// The system calls between the exec of the program and its exit.
    pub fn calls(self) -> Vec<Call> {
        let log = "/etc/rehearsal";
        let fate = self.fate(log, "trace=all");
        assert!(fate.is_written && fate.outcome.status == Some(0), "{fate:?}");
        let trace = fs::read_to_string(log).unwrap();
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut calls = Vec::new();
        for line in trace.lines() {
            let Some((_, call)) = line.split_once(' ') else { continue };
            let Some((name, _)) = call.trim_start().split_once('(') else { continue };
            let nth = counts.entry(name.to_owned()).or_default();
            *nth += 1;
            calls.push(Call {
                name: usual_name(name).to_owned(),
                traced_name: name.to_owned(),
                nth: *nth,
                line: line.to_owned(),
            });
        }
        // strace starts setpriv, which starts the program: the last exec is the program's.
        let exec = calls.iter().rposition(|call| call.name == "execve").unwrap();
        let mut calls = calls.split_off(exec + 1);
        let exit = calls.iter().position(|call| call.name == "exit_group").unwrap();
        calls.truncate(exit);
        calls
    }

    /// Repeats the run with this fault at this call.
    pub fn inject(self, call: &Call, fault: &str) -> Fate {
        let log = "/etc/strace";
        let injection = format!("inject={}:{fault}:when={}", call.traced_name, call.nth);
        let fate = self.fate(log, &injection);
        let trace = fs::read_to_string(log).unwrap();
        assert!(trace.contains("(INJECTED)") || trace.contains("SIGKILL"), "{injection}:\n{trace}");
        fate
    }

    fn fate(self, log: &str, expression: &str) -> Fate {
        let target = self.sandbox.namespace(ALICE);
        let outcome = finish(&mut traced(self.program, &target.pid(), self.map, log, expression));
        let map = target.map(self.id_type);
        assert!(map.is_empty() || map == self.map, "{expression}: {map} {outcome:?}");
        Fate { outcome, is_written: !map.is_empty(), setgroups: target.setgroups() }
    }
}

impl Call {
    /// Faults for this call in the syntax of strace(1): some of the errors that its manual page lists.
    pub fn faults(&self) -> Vec<String> {
        let errors: &[&str] = match self.name.as_str() {
            // brk(2) reports no error: a failure returns a break below the requested one.
            "brk" => return vec!["retval=0".to_owned()],
            "access" => &["EACCES", "ENOMEM"],
            "openat" | "openat2" => &["EACCES", "EMFILE", "ENFILE", "ENOENT", "ENOMEM", "ENOSYS"],
            "read" | "pread64" => &["EIO", "EINTR"],
            "write" => &["EIO", "EPERM", "ENOMEM", "EINTR"],
            "capset" | "capget" | "prctl" | "arch_prctl" => &["EPERM"],
            "fcntl" | "rt_sigaction" | "prlimit64" | "set_robust_list" => &["EINVAL"],
            "setresuid" => &["EAGAIN", "EPERM"],
            "getrandom" => &["ENOSYS", "EPERM", "EINTR"],
            "mmap" | "mprotect" | "munmap" | "newfstatat" | "fstat" | "fstatfs" => &["ENOMEM"],
            "rseq" => &["ENOSYS"],
            "ioctl" => &["ENOTTY", "EIO"],
            "socket" | "connect" => &["EACCES", "ENOBUFS"],
            _ => &["EIO"],
        };
        errors.iter().map(|error| format!("error={error}")).collect()
    }
}
