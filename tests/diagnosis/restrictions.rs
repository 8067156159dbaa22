//! Causes in the restrictions of the process: no_new_privs, the bounding set, a debugger, a missing CAP_SETFCAP.

use std::process::Command;

use super::failure::{Failure, NOT_PERMITTED, alice, install};
use super::harness::{ALICE, IdType, InstallMode, ROOT, Sandbox, in_sandbox, setpriv};

/// setpriv(1), started by alice. Started by root, it would pass on capabilities that no_new_privs does not remove.
fn no_new_privs() -> Command {
    let mut command = ALICE.command("setpriv");
    command.args(["--no-new-privs", "--"]);
    command
}

fn without(capabilities: &str) -> Command {
    setpriv(&[&format!("--bounding-set={capabilities}")])
}

const NO_NEW_PRIVS: &str =
    "no_new_privs is set, so neither the setuid bit nor file capabilities give a program privilege";
const BOUNDING_SET: &str = "CAP_SET$ID is not in the bounding set, so no program can have it here";

pub fn with_no_new_privs(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    Failure::of(no_new_privs(), sandbox, mode, id_type, &sandbox.namespace(ALICE), "0 1000 1 1 100000 10")
}

#[test]
fn no_new_privs_is_reported_with_the_options_that_set_it() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            for mode in [InstallMode::Setuid, InstallMode::Caps, InstallMode::PermittedCaps] {
                with_no_new_privs(sandbox, mode, id_type).says(&[
                    NOT_PERMITTED,
                    &format!("cause: {NO_NEW_PRIVS}"),
                    "fix: start without no_new_privs: no --security-opt=no-new-privileges (podman, Docker), \
                     allowPrivilegeEscalation: true (Kubernetes), NoNewPrivileges=no and no option that implies yes (systemd)",
                ]);
            }
        }
    });
}

#[test]
fn no_new_privs_is_not_blamed_if_the_capability_is_present_or_not_needed() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let plain = sandbox.waiting(&mut alice());
            for mode in [InstallMode::Setuid, InstallMode::Caps] {
                Failure::of(no_new_privs(), sandbox, mode, id_type, &plain, "0 100000 10")
                    .is_because(&["process $pid is in the caller's own user namespace"]);
            }
            // The caller has an ambient capability, as Kubernetes can give it.
            let capability = if id_type == IdType::Uid { "+setuid" } else { "+setgid" };
            let ambient = ["--inh-caps", capability, "--ambient-caps", capability, "--no-new-privs"];
            let nested = sandbox.nested(2_000);
            sandbox.delegate("alice:100000:10\nalice:1500:10\n");
            let mut inside = nested.as_root();
            inside
                .arg("setpriv")
                .args(["--reuid=1000", "--regid=1000", "--clear-groups"])
                .args(ambient)
                .arg("--");
            let target = sandbox.waiting(nested.as_alice().args(["unshare", "--user", "--"]));
            Failure::of(inside, sandbox, InstallMode::Setuid, id_type, &target, "0 100000 10")
                .is_because(&["the request includes $ids that are not mapped in this user namespace"]);
        }
    });
}

pub fn out_of_the_bounding_set(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    let capability = format!("-set{}", id_type.word());
    Failure::of(without(&capability), sandbox, mode, id_type, &sandbox.namespace(ALICE), "0 100000 10")
}

/// Effective file capabilities are not tested: the kernel refuses the exec (EPERM).
#[test]
fn a_bounding_set_without_the_capability_is_reported_with_the_options_that_add_it() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            for mode in [InstallMode::Setuid, InstallMode::PermittedCaps] {
                out_of_the_bounding_set(sandbox, mode, id_type).says(&[
                    NOT_PERMITTED,
                    &format!("cause: {BOUNDING_SET}"),
                    "fix: start the container with --cap-add=setuid --cap-add=setgid (podman, Docker) or capabilities.add: \
                     [SETUID, SETGID] (Kubernetes), or the service with both in CapabilityBoundingSet= (systemd)",
                ]);
            }
        }
    });
}

#[test]
fn a_bounding_set_without_another_capability_is_not_blamed() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for (id_type, other) in [(IdType::Uid, "-all,+setuid"), (IdType::Gid, "-all,+setgid")] {
            let plain = sandbox.waiting(&mut alice());
            let own = sandbox.namespace(ALICE);
            assert_eq!(
                sandbox
                    .run(InstallMode::Setuid, id_type, ALICE, &[own.pid().as_str(), "0", "1000", "1"])
                    .status,
                Some(0)
            );
            for mode in [InstallMode::Setuid, InstallMode::Caps] {
                Failure::of(without(other), sandbox, mode, id_type, &plain, "0 100000 10")
                    .is_because(&["process $pid is in the caller's own user namespace"]);
            }
            // A map of the own id needs no capability, so the bounding set is not the cause.
            Failure::of(without("-all"), sandbox, InstallMode::Setuid, id_type, &own, "0 1000 1")
                .is_because(&["the $id_map of process $pid is already written"]);
        }
    });
}

#[test]
fn two_causes_are_reported_in_the_order_to_fix_them() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let nested = sandbox.nested(2_000);
        for id_type in IdType::BOTH {
            let neither = "$path has neither the setuid bit nor file capabilities";
            let not_here = "the request includes $ids that are not mapped in this user namespace";
            with_no_new_privs(sandbox, InstallMode::Unprivileged, id_type)
                .is_because(&[neither, NO_NEW_PRIVS]);
            out_of_the_bounding_set(sandbox, InstallMode::Unprivileged, id_type)
                .is_because(&[neither, BOUNDING_SET]);
            Failure::new(|| nested.as_alice(), sandbox, InstallMode::Unprivileged, id_type, "0 100000 10")
                .is_because(&[neither, not_here]);
            let restricted = || {
                let mut command = nested.as_alice();
                command.args(["setpriv", "--no-new-privs", "--"]);
                command
            };
            Failure::new(restricted, sandbox, InstallMode::Setuid, id_type, "0 100000 10")
                .is_because(&[NO_NEW_PRIVS, not_here]);
            let mut both = without(&format!("-set{}", id_type.word()));
            both.args(["setpriv", "--no-new-privs", "--"]);
            Failure::of(
                both,
                sandbox,
                InstallMode::Setuid,
                id_type,
                &sandbox.namespace(ALICE),
                "0 100000 10",
            )
            .is_because(&[NO_NEW_PRIVS, BOUNDING_SET]);
        }
    });
}

/// A run under strace(1) that alice started.
pub fn traced(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    Failure::of(
        strace(ALICE.command("strace")),
        sandbox,
        mode,
        id_type,
        &sandbox.namespace(ALICE),
        "0 100000 10",
    )
}

fn strace(mut strace: Command) -> Command {
    strace.args(["-qq", "-e", "trace=none", "-e", "signal=none", "-o", "/dev/null"]);
    strace
}

#[test]
fn a_debugger_is_reported_if_it_removed_the_privilege() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            for mode in [InstallMode::Setuid, InstallMode::Caps] {
                traced(sandbox, mode, id_type).says(&[
                    NOT_PERMITTED,
                    "cause: a debugger traces this program, so the kernel gives it no privilege",
                    "fix: run the program without the debugger, or run the debugger as root",
                ]);
            }
            // A debugger of root does not remove privilege.
            let mut roots = strace(ROOT.command("strace"));
            roots.args(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "--"]);
            let plain = sandbox.waiting(&mut alice());
            Failure::of(roots, sandbox, InstallMode::Setuid, id_type, &plain, "0 100000 10")
                .is_because(&["process $pid is in the caller's own user namespace"]);
            traced(sandbox, InstallMode::Unprivileged, id_type).is_because(&["$path has neither"]);
        }
    });
}

const SETFCAP: &str = "the request maps uid 0 of this user namespace, this kernel requires CAP_SETFCAP for that, and the \
    program was started without CAP_SETFCAP";

/// A map of uid 0 by a program that has only CAP_SETUID.
pub fn without_setfcap(sandbox: &Sandbox) -> Failure {
    Failure::of(alice(), sandbox, InstallMode::Caps, IdType::Uid, &sandbox.namespace(ALICE), "5 1 2 0 0 1")
}

#[test]
fn a_map_of_uid_0_without_cap_setfcap_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:0:10\n");
        without_setfcap(sandbox).says(&[
            NOT_PERMITTED,
            &format!("cause: {SETFCAP}"),
            "fix: delegate ids without 0 in $subid, because a process with uid 0 can do what root can; if that is meant, as root, run `setcap cap_setuid,cap_setfcap=ep $path`",
        ]);
        // A bounding set without CAP_SETFCAP, as in containers: neither install mode has the capability.
        for mode in [InstallMode::Setuid, InstallMode::Caps] {
            let target = sandbox.namespace(ALICE);
            Failure::of(without("-setfcap"), sandbox, mode, IdType::Uid, &target, "0 0 1").says(&[
                NOT_PERMITTED,
                &format!("cause: {SETFCAP}"),
                "fix: delegate ids without 0 in $subid, because a process with uid 0 can do what root can; if that is meant, start the container with --cap-add=setfcap (podman, Docker) or \
                 capabilities.add: [SETFCAP] (Kubernetes)",
            ]);
        }
        // A program without CAP_SETUID and CAP_SETFCAP: both causes are reported, CAP_SETUID first.
        let program = install(sandbox, IdType::Uid, "copy", &["--mode=0755"]);
        Failure::at(alice(), &program, IdType::Uid, &sandbox.namespace(ALICE).pid(), "0 0 1")
            .is_because(&["$path has neither", SETFCAP]);
    });
}

#[test]
fn cap_setfcap_is_not_blamed_if_it_is_present_or_not_needed() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:0:10\n");
        let mapped = sandbox.namespace(ALICE);
        let again = "the $id_map of process $pid is already written";
        for (mode, ranges) in [
            (InstallMode::Caps, "0 1 1"),
            (InstallMode::Setuid, "0 0 1"),
            (InstallMode::PermittedCaps, "0 0 1"),
        ] {
            sandbox.run(mode, IdType::Uid, ALICE, &[mapped.pid().as_str(), "0", "1", "1"]);
            Failure::of(alice(), sandbox, mode, IdType::Uid, &mapped, ranges).is_because(&[again]);
        }
        let mapped = sandbox.namespace(ALICE);
        sandbox.run(InstallMode::Caps, IdType::Gid, ALICE, &[mapped.pid().as_str(), "0", "0", "1"]);
        Failure::of(alice(), sandbox, InstallMode::Caps, IdType::Gid, &mapped, "0 0 1").is_because(&[again]);
        let restricted = without("-setfcap");
        let target = sandbox.namespace(ALICE);
        sandbox.delegate("alice:1:9\n");
        Failure::of(restricted, sandbox, InstallMode::Setuid, IdType::Uid, &target, "0 0 1")
            .begins("uid range [0-1) -> [0-1) not allowed");
    });
}
