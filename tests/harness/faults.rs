//! System calls of a run that fail, one at a time.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use super::tracing::traced;
use super::{ALICE, IdType, Outcome, Sandbox, finish};

/// A run of alice's that succeeds: of a program, which writes one range.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub sandbox: &'a Sandbox,
    pub program: &'a PathBuf,
    pub id_type: IdType,
    pub map: &'static str,
}

/// A call of a program: its name, and which of that name it is, counted from the start of strace, which is what
/// strace counts by.
#[derive(Debug)]
pub struct Call {
    pub name: String,
    nth: usize,
    pub line: String,
}

/// What became of a run.
#[derive(Debug)]
pub struct Fate {
    pub outcome: Outcome,
    /// Whether the target has the map; if not, it has none.
    pub is_written: bool,
    /// `allow` or `deny`.
    pub setgroups: String,
}

impl Run<'_> {
    /// Its calls, from the exec to the exit, these two not among them.
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
            calls.push(Call { name: name.to_owned(), nth: *nth, line: line.to_owned() });
        }
        // strace starts setpriv, and setpriv the program.
        let exec = calls.iter().rposition(|call| call.name == "execve").unwrap();
        let mut calls = calls.split_off(exec + 1);
        let exit = calls.iter().position(|call| call.name == "exit_group").unwrap();
        calls.truncate(exit);
        calls
    }

    /// The same run, in which that happens at one of its calls.
    pub fn inject(self, call: &Call, fault: &str) -> Fate {
        let log = "/etc/strace";
        let injection = format!("inject={}:{fault}:when={}", call.name, call.nth);
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
    /// What may happen instead, some of what its manual page has, as strace(1) injects it.
    pub fn faults(&self) -> Vec<String> {
        let errors: &[&str] = match self.name.as_str() {
            // It returns where the break is, which is below what was asked for, and no error.
            "brk" => return vec!["retval=0".to_owned()],
            "access" => &["EACCES", "ENOMEM"],
            "openat" | "openat2" => &["EACCES", "EMFILE", "ENFILE", "ENOENT", "ENOMEM", "ENOSYS"],
            "poll" => &["EINTR", "ENOMEM"],
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
