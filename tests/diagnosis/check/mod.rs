//! Causes that only uidmap-check can find.

pub mod delegation;
pub mod namespace;
pub mod path;
pub mod podman;
mod trial;

use std::process::Command;

use super::harness::{ALICE, Outcome, Person, Sandbox, finish, in_sandbox, must_succeed};

/// A PATH with working programs.
const GOOD: &str = "PATH=/mnt/Setuid:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs uidmap-check through a command, with these variables.
fn check(sandbox: &Sandbox, mut via: Command, environment: &[&str]) -> Outcome {
    finish(via.arg("env").args(environment).arg(sandbox.tool("uidmap-check")))
}

/// The row of a subject, with its causes and fixes, without indentation.
fn row(outcome: &Outcome, subject: &str) -> Vec<String> {
    let lines: Vec<&str> = outcome.stdout.lines().map(str::trim).collect();
    let is_row = |line: &str| {
        line.get(6..).and_then(|rest| rest.strip_prefix(subject)).is_some_and(|rest| rest.starts_with("  "))
    };
    let start =
        lines.iter().position(|line| is_row(line)).unwrap_or_else(|| panic!("{subject}: {outcome:?}"));
    let rest =
        lines[start + 1..].iter().take_while(|line| line.starts_with("cause: ") || line.starts_with("fix: "));
    std::iter::once(&lines[start]).chain(rest).map(|line| (*line).to_owned()).collect()
}

/// The first command of a row's fix.
fn command(rows: &[String]) -> String {
    let fix = rows.iter().find(|line| line.starts_with("fix: ")).unwrap_or_else(|| panic!("{rows:?}"));
    fix.split('`').nth(1).unwrap_or_else(|| panic!("{fix}")).to_owned()
}

/// Runs a command as a shell of this user does.
fn shell(user: Person, command: &str) {
    must_succeed(user.command("sh").args(["-c", command]));
}

/// The first finding that is bad, with its cause and fix, without indentation.
fn first_bad(outcome: &Outcome) -> Vec<String> {
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let lines = outcome.stdout.lines().map(str::trim).skip_while(|line| !line.starts_with("bad "));
    lines.take(3).map(str::to_owned).collect()
}

/// Whether the check passes, and the row is good.
#[track_caller]
fn passes(outcome: &Outcome, subject: &str) {
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let row = row(outcome, subject);
    assert!(row.len() == 1 && row[0].starts_with("ok "), "{outcome:?}");
}

#[test]
fn a_report_that_cannot_be_printed_is_no_verdict() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        for option in ["--", "--json"] {
            let mut command = ALICE.command("sh");
            command.args(["-c", "exec \"$@\" >/dev/full", "sh", "env", GOOD]);
            command.arg(sandbox.tool("uidmap-check")).arg(option);
            let outcome = finish(&mut command);
            assert_eq!(outcome.status, Some(2), "{outcome:?}");
            let message = "uidmap-check: the report cannot be printed: No space left on device\n";
            assert_eq!(outcome.stderr, message);
        }
    });
}
