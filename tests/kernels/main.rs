//! A test of a kernel setting that affects the whole machine. `make kernels` runs the test in a virtual machine with each of
//! Debian's kernels.
#![allow(missing_docs, unreachable_pub)]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unused_self,
    clippy::unwrap_used,
    // This test uses only a part of the harness.
    dead_code
)]

#[path = "../harness/mod.rs"]
mod harness;

use std::fs;
use std::process::Command;

use harness::{ALICE, IdType, InstallMode, Sandbox, finish, in_sandbox};

/// A setting of Debian's kernels: with 0, only processes with `CAP_SYS_ADMIN` may create user namespaces.
const SWITCH: &str = "/proc/sys/kernel/unprivileged_userns_clone";

/// Sets the switch to 0 until this value is dropped. The switch is global, so this file has a single test.
struct Forbidden;

impl Forbidden {
    fn now() -> Self {
        fs::write(SWITCH, "0").unwrap();
        Self
    }
}

impl Drop for Forbidden {
    fn drop(&mut self) {
        fs::write(SWITCH, "1").unwrap();
    }
}

/// The lines that uidmap-check prints to alice, without indentation, and true if it exited with 0.
fn check(sandbox: &Sandbox) -> (Vec<String>, bool) {
    let mut command: Command = ALICE.command(sandbox.tool("uidmap-check"));
    let outcome = finish(command.env("PATH", "/mnt/Setuid:/usr/bin:/bin"));
    let lines = outcome.stdout.lines().map(|line| line.trim().to_owned()).collect();
    (lines, outcome.status == Some(0))
}

#[test]
fn forbidden_user_namespaces_are_reported_and_existing_ones_can_be_mapped() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        assert!(check(sandbox).1);
        let made_before: Vec<_> = (0..4).map(|_| sandbox.namespace(ALICE)).collect();
        let forbidden = Forbidden::now();
        let unshare = finish(ALICE.command("unshare").args(["--user", "true"]));
        assert_eq!(unshare.stderr, "unshare: unshare failed: Operation not permitted\n");
        let (lines, good) = check(sandbox);
        assert!(!good);
        for line in [
            "bad   user namespace  cannot be created: Operation not permitted",
            "cause: kernel.unprivileged_userns_clone is 0, so only root can create user namespaces [no-namespace]",
            "fix: as root, run `echo 1 >/proc/sys/kernel/unprivileged_userns_clone`, and correct the setting in /etc/sysctl.d",
            "note  restrictions    kernel.unprivileged_userns_clone is 0",
            "The id maps of alice do not work.",
        ] {
            assert!(lines.iter().any(|found| found == line), "{line}\n{}", lines.join("\n"));
        }
        for (target, (mode, id_type)) in made_before
            .iter()
            .zip(InstallMode::GOOD.into_iter().flat_map(|mode| IdType::BOTH.map(|id_type| (mode, id_type))))
        {
            let outcome = sandbox.run(mode, id_type, ALICE, &[target.pid().as_str(), "0", "100000", "10"]);
            assert_eq!(
                (outcome.stderr.as_str(), target.map(id_type).as_str()),
                ("", "0 100000 10"),
                "{mode:?}"
            );
        }
        drop(forbidden);
        assert!(check(sandbox).1);
    });
}
