//! System calls of a run that fail, one at a time.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::tracing::{MAP, traced};
use super::{ALICE, Kind, Outcome, World, finish};

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
    /// The map of the target.
    pub map: String,
}

impl Call {
    /// The calls of a run that succeeds, from the exec to the exit, these two not among them.
    pub fn all(world: &World, program: &Path, kind: Kind) -> Vec<Self> {
        let target = world.namespace(ALICE);
        let log = "/etc/rehearsal";
        let outcome = finish(&mut traced(program, &target.pid(), log, "trace=all"));
        assert_eq!((outcome.status, target.map(kind).as_str()), (Some(0), MAP), "{outcome:?}");
        let trace = fs::read_to_string(log).unwrap();
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut calls = Vec::new();
        for line in trace.lines() {
            let Some((_, call)) = line.split_once(' ') else { continue };
            let Some((name, _)) = call.trim_start().split_once('(') else { continue };
            let nth = counts.entry(name.to_owned()).or_default();
            *nth += 1;
            calls.push(Self { name: name.to_owned(), nth: *nth, line: line.to_owned() });
        }
        // strace starts setpriv, and setpriv the program.
        let exec = calls.iter().rposition(|call| call.name == "execve").unwrap();
        let mut calls = calls.split_off(exec + 1);
        let exit = calls.iter().position(|call| call.name == "exit_group").unwrap();
        calls.truncate(exit);
        calls
    }

    /// What may happen instead, as its manual page has it and strace(1) injects it.
    pub fn faults(&self) -> Vec<String> {
        let errors: &[&str] = match self.name.as_str() {
            // It returns where the break is, which is below what was asked for, and no error.
            "brk" => return vec!["retval=0".to_owned()],
            "openat" => &["EACCES", "EMFILE", "ENOENT"],
            "read" => &["EIO", "EINTR"],
            "write" => &["EIO", "EPERM", "ENOMEM", "EINTR"],
            "capset" | "capget" | "prctl" => &["EPERM"],
            "setresuid" => &["EAGAIN", "EPERM"],
            "getrandom" => &["ENOSYS", "EPERM", "EINTR"],
            "mmap" | "mprotect" | "munmap" => &["ENOMEM"],
            "socket" | "connect" => &["EACCES", "ENOBUFS"],
            _ => &["EIO"],
        };
        errors.iter().map(|error| format!("error={error}")).collect()
    }

    /// Another run, in which that happens.
    pub fn inject(&self, world: &World, program: &Path, kind: Kind, fault: &str) -> Fate {
        let target = world.namespace(ALICE);
        let injection = format!("inject={}:{fault}:when={}", self.name, self.nth);
        let outcome = finish(&mut traced(program, &target.pid(), "/etc/strace", &injection));
        Fate { outcome, map: target.map(kind) }
    }
}
