//! Causes that only uidmap-check can find.

use std::process::Command;

use super::failure::install;
use super::harness::{ALICE, IdType, Sandbox, finish, in_sandbox};

/// The first finding that is bad, with its cause and fix, without indentation.
fn bad(sandbox: &Sandbox, mut via: Command, path: &str) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    via.args(["env", &format!("PATH={path}")]).arg(sandbox.tool("uidmap-check"));
    let outcome = finish(&mut via);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let lines = outcome.stdout.lines().map(str::trim).skip_while(|line| !line.starts_with("bad "));
    lines.take(3).map(str::to_owned).collect()
}

pub fn not_installed(sandbox: &Sandbox) -> Vec<String> {
    let alone = install(sandbox, IdType::Uid, "alone", &["--mode=4755"]);
    bad(sandbox, ALICE.command("env"), alone.parent().unwrap().to_str().unwrap())
}

/// uidmap-check in a user namespace that allows no further user namespaces.
pub fn no_namespace(sandbox: &Sandbox) -> Vec<String> {
    let nested = sandbox.nested(70_000);
    let mut inside = nested.as_root();
    inside.args(["sh", "-c", "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"", "sh", "setpriv"]);
    inside.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--"]);
    bad(sandbox, inside, "/mnt/Setuid:/usr/bin:/bin")
}

#[test]
fn a_missing_program_and_a_refused_user_namespace_are_reported() {
    in_sandbox(|sandbox| {
        assert_eq!(
            not_installed(sandbox)[1..],
            ["cause: newgidmap is not in PATH [not-installed]", "fix: install the package"]
        );
        assert!(no_namespace(sandbox)[1].starts_with("cause: a limit on user namespaces is reached"));
    });
}
