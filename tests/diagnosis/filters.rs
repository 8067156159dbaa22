//! Seccomp filters, real ones: what they refuse is theirs, and what else fails is not.

use std::path::Path;
use std::process::Command;

use super::failure::{Failure, NOT_PERMITTED};
use super::harness::{ALICE, IdType, InstallMode, ROOT, Sandbox, in_sandbox, must_succeed, setpriv};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/diagnosis/refuse.c");
const HELPER: &str = "/mnt/refuse";

fn compile() {
    if !Path::new(HELPER).exists() {
        must_succeed(Command::new("gcc").args(["-Wall", "-Werror", "-o", HELPER, SOURCE]));
    }
}

/// Alice, under a filter that root has set for her.
fn filtered(what: &str) -> Command {
    compile();
    let mut command = ROOT.command(HELPER);
    command.args([what, "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--"]);
    command
}

const FILTER: &str = "a seccomp filter is active and refused the write; no other cause was found";
const UNCONFINED: &str = "fix: start without the filter, or with one that allows the call: --security-opt \
    seccomp=unconfined (podman, Docker), seccompProfile.type: Unconfined (Kubernetes), no SystemCallFilter= (systemd)";

pub fn refused_by_a_filter(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    Failure::of(filtered("write"), sandbox, mode, id_type, &sandbox.namespace(ALICE), "0 1000 1 1 100000 10")
}

#[test]
fn what_a_filter_refuses_is_told_when_all_else_is_excluded() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            refused_by_a_filter(sandbox, mode, id_type).says(&[
                NOT_PERMITTED,
                &format!("cause: {FILTER}"),
                UNCONFINED,
            ]);
            let target = sandbox.namespace(ALICE);
            Failure::of(filtered("open"), sandbox, mode, id_type, &target, "0 100000 10").says(&[
                "open of $id_map failed: Operation not permitted",
                &format!("cause: {FILTER}"),
                UNCONFINED,
            ]);
            Failure::of(filtered("old"), sandbox, mode, id_type, &target, "0 100000 10").says(&[
                "open of $id_map failed: Function not implemented",
                "cause: a seccomp filter denies openat2(2), which this kernel has",
                "fix: use a seccomp profile that allows openat2, as the default profiles of podman and Docker do",
            ]);
        });
        // Needing no privilege and having none is no cause.
        for id_type in IdType::BOTH {
            Failure::of(
                filtered("write"),
                sandbox,
                InstallMode::Unprivileged,
                id_type,
                &sandbox.namespace(ALICE),
                "0 1000 1",
            )
            .is_because(&[FILTER]);
        }
    });
}

#[test]
fn a_filter_with_no_new_privs_is_not_the_first_to_mend() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        compile();
        sandbox.for_each_program(|mode, id_type| {
            let mut command = ALICE.command("setpriv");
            command.args(["--no-new-privs", "--", HELPER, "write"]);
            Failure::of(command, sandbox, mode, id_type, &sandbox.namespace(ALICE), "0 100000 10")
                .is_because(&["no_new_privs is set"]);
        });
    });
}

/// Every container has a filter.
#[test]
fn a_filter_that_lets_it_pass_is_not_blamed() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let fails = |target: &_, ranges: &str| {
                Failure::of(filtered("nothing"), sandbox, mode, id_type, target, ranges)
            };
            fails(&sandbox.waiting(&mut ALICE.command("env")), "0 100000 10")
                .is_because(&["process $pid is in the caller's own user namespace"]);
            let mut middle = ALICE.command("unshare");
            middle.args(["--user", "--map-current-user", "--", "unshare", "--user", "--"]);
            fails(&sandbox.waiting(&mut middle), "0 100000 10")
                .is_because(&["the user namespace of process $pid was not created in the caller's"]);
            let mapped = sandbox.namespace(ALICE);
            assert_eq!(
                sandbox.run(mode, id_type, ALICE, &[mapped.pid().as_str(), "0", "100000", "10"]).status,
                Some(0)
            );
            fails(&mapped, "0 100000 10").is_because(&["the $id_map of process $pid is already written"]);
        });
    });
}

/// Alice, whose setuid programs get no capabilities.
pub fn taken_by_securebits(sandbox: &Sandbox, id_type: IdType) -> Failure {
    Failure::of(
        setpriv(&["--securebits=+noroot"]),
        sandbox,
        InstallMode::Setuid,
        id_type,
        &sandbox.namespace(ALICE),
        "0 100000 10",
    )
}

/// Nor is a filter that is not there. What took the capability is not to be seen afterwards, and nothing is guessed.
#[test]
fn without_a_filter_none_is_blamed_for_what_securebits_take() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            taken_by_securebits(sandbox, id_type).says(&[
                NOT_PERMITTED,
                "cause: the program was started without CAP_SET$ID, for no visible reason; possible reasons: securebits \
                 (noroot), a security module, or a mount of another mount namespace",
            ]);
        }
    });
}
