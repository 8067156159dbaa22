//! Seccomp filters: a filter is reported if it refused the write, and not for failures of another cause.

use std::path::Path;
use std::process::Command;

use super::failure::{Failure, NOT_PERMITTED, set_capabilities};
use super::harness::{ALICE, IdType, InstallMode, ROOT, Sandbox, in_sandbox, must_succeed, setpriv};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/diagnosis/refuse.c");
const HELPER: &str = "/mnt/refuse";

fn compile() {
    if !Path::new(HELPER).exists() {
        must_succeed(Command::new("gcc").args(["-Wall", "-Werror", "-o", HELPER, SOURCE]));
    }
}

/// Prefix for a command of alice under a filter that root has installed.
pub fn filtered(what: &str) -> Command {
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
fn a_seccomp_filter_is_reported_if_no_other_cause_is_found() {
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
        // A missing privilege is no cause if the request needs none.
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
fn no_new_privs_is_reported_instead_of_a_seccomp_filter() {
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

/// Containers usually have a filter, so an active filter alone is no cause.
#[test]
fn a_seccomp_filter_that_allows_the_write_is_not_blamed() {
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

/// A run of alice with the securebit noroot: a setuid program gains no capability.
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

/// The program cannot see why it started without capability, so it lists possible reasons.
#[test]
fn no_seccomp_filter_is_blamed_for_privilege_that_securebits_remove() {
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

/// A run of alice with the locked securebit keep_caps.
pub fn without_keep_caps(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    Failure::of(
        setpriv(&["--securebits=+keep_caps_locked"]),
        sandbox,
        mode,
        id_type,
        &sandbox.namespace(ALICE),
        "0 100000 10",
    )
}

/// Prefix for a command of alice under a filter that denies prctl(2), which setpriv(1) needs.
fn without_prctl() -> Command {
    compile();
    let mut command = ROOT.command(HELPER);
    command.args(["prctl", "chroot", "--userspec=1000:1000", "/"]);
    command
}

#[test]
fn a_refused_keep_caps_is_reported_and_a_file_capability_needs_none() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let lines = [
                "Could not prctl(PR_SET_KEEPCAPS)",
                "cause: PR_SET_KEEPCAPS is refused, so a setuid program loses its capabilities when it leaves uid 0; the \
                 securebit keep_caps is locked, or a seccomp filter denies prctl(2)",
                "fix: as root, replace the setuid bit of the program by the file capability cap_set$id=ep (chmod u-s, then \
                 setcap), or remove SecureBits= and SystemCallFilter= from the unit (systemd)",
            ];
            without_keep_caps(sandbox, InstallMode::Setuid, id_type).says(&lines);
            let target = sandbox.namespace(ALICE);
            Failure::of(without_prctl(), sandbox, InstallMode::Setuid, id_type, &target, "0 100000 10")
                .says(&lines);
            let program = sandbox.program(InstallMode::Setuid, id_type);
            must_succeed(ROOT.command("chmod").arg("u-s").arg(&program));
            set_capabilities(ROOT.command("env"), &format!("cap_set{}=ep", id_type.word()), &program);
            for via in [setpriv(&["--securebits=+keep_caps_locked"]), without_prctl()] {
                let target = sandbox.namespace(ALICE);
                let words = [target.pid(), "0".into(), "100000".into(), "10".into()];
                let outcome = sandbox.run_through(via, InstallMode::Setuid, id_type, &words);
                assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""));
            }
        }
    });
}
