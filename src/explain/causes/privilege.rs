//! Causes of a missing capability: the mount of the program file, and the restrictions of the process.

use super::program_file::{program_file, use_other_program};
use super::{Cause, Key, free_ids};
use crate::escape::{escape, escape_path, shell_word};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::mounts::Mount;
use crate::explain::evidence::place::Container;
use crate::explain::evidence::program::Program;
use crate::id_type::IdType;

/// All causes that were found, those in the program file first.
pub(super) fn missing(evidence: &Evidence) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some((program, mount)) = &evidence.program {
        causes.extend(program_file(program, evidence));
        if program.is_on_nosuid {
            causes.push(nosuid(program, mount.as_ref(), evidence));
        }
    }
    let process = &evidence.process;
    if process.no_new_privs == Some(true) {
        causes.push(no_new_privs(evidence));
    }
    if process.bounding_set_has_capability == Some(false) {
        causes.push(bounding_set(evidence.id_type));
    }
    // A debugger makes a difference only if the exec would have given privilege otherwise.
    if process.is_traced == Some(true) && causes.is_empty() {
        causes.push(traced());
    }
    causes
}

fn nosuid(program: &Program, mount: Option<&Mount>, evidence: &Evidence) -> Cause {
    let path = escape_path(&program.path);
    let point = mount.map_or("?".into(), |mount| escape(mount.point.as_bytes()));
    let sentence =
        format!("{path} is on a file system mounted nosuid ({point}), so the program gets no privilege");
    Cause::new(Key::Nosuid, sentence, with_suid(program, mount, evidence))
}

/// File systems on which only root changes the owner of a file.
const OWNED_BY_ROOT: [&str; 5] = ["ext4", "xfs", "btrfs", "tmpfs", "overlay"];

fn with_suid(program: &Program, mount: Option<&Mount>, evidence: &Evidence) -> String {
    let place = &evidence.place;
    if mount.is_some_and(|mount| mount.point == "/") {
        return match (place.container, &place.service) {
            (Some(_), _) => "the administrator of the container engine can mount its storage without nosuid (the file system of the \
                             storage, and mountopt in storage.conf)"
                .to_owned(),
            // systemd mounts nosuid in services with no_new_privs.
            (None, Some(unit)) if evidence.process.no_new_privs == Some(true) => no_new_privs_in(unit),
            (None, _) => "the administrator of this root file system can mount it without nosuid; for a container, the storage of \
                          the container engine"
                .to_owned(),
        };
    }
    let is_trusted = program.only_root_can_replace
        && mount.is_some_and(|mount| OWNED_BY_ROOT.contains(&mount.file_system.as_str()))
        && free_ids::has_all_ids(evidence);
    let elsewhere = match &evidence.other_program {
        Some(_) => use_other_program("no program there gets privilege", program, evidence),
        None => "install the program on another file system".to_owned(),
    };
    match mount.and_then(|mount| shell_word(mount.point.as_bytes())).filter(|_| is_trusted) {
        Some(point) => format!("{elsewhere}, or as root, run `mount -o remount,suid {point}`"),
        None => elsewhere,
    }
}

/// Options that imply `NoNewPrivileges=yes`, in units that do not run as root; see systemd.exec(5).
const IMPLYING_OPTIONS: &str = "DynamicUser=, LockPersonality=, MemoryDenyWriteExecute=, PrivateDevices=, ProtectClock=, \
    ProtectHostname=, ProtectKernelLogs=, ProtectKernelModules=, ProtectKernelTunables=, RestrictAddressFamilies=, \
    RestrictNamespaces=, RestrictRealtime=, RestrictSUIDSGID=, SystemCallArchitectures=, SystemCallFilter=, SystemCallLog=";

fn no_new_privs_in(unit: &str) -> String {
    format!(
        "{unit} or a program that it started has set the flag; the administrator of the unit can set NoNewPrivileges=no and remove \
         the options that imply yes: {IMPLYING_OPTIONS}"
    )
}

fn no_new_privs(evidence: &Evidence) -> Cause {
    let place = &evidence.place;
    let fix = match (place.container, &place.service) {
        (Some(Container::Podman), _) => "start the container without --security-opt=no-new-privileges".to_owned(),
        (Some(Container::Kubernetes), _) => {
            "set allowPrivilegeEscalation: true in the container's securityContext; if a policy forbids that, the administrator of \
             the cluster can change the policy"
                .to_owned()
        }
        (None, Some(unit)) => no_new_privs_in(unit),
        (None, None) => "start without no_new_privs: no --security-opt=no-new-privileges (podman, Docker), \
                         allowPrivilegeEscalation: true (Kubernetes), NoNewPrivileges=no and no option that implies yes (systemd)"
            .to_owned(),
    };
    Cause::new(
        Key::NoNewPrivs,
        "no_new_privs is set, so neither the setuid bit nor file capabilities give a program privilege",
        fix,
    )
}

pub(super) fn bounding_set(id_type: IdType) -> Cause {
    Cause::new(
        Key::BoundingSet,
        format!(
            "CAP_SET{} is not in the bounding set, so no program can have it here",
            id_type.word().to_ascii_uppercase()
        ),
        "start the container with --cap-add=setuid --cap-add=setgid (podman, Docker) or capabilities.add: [SETUID, SETGID] \
         (Kubernetes), or the service with both in CapabilityBoundingSet= (systemd)",
    )
}

/// The fix is the same for both reasons: without the setuid bit, the program has no uid 0 to leave.
pub(crate) fn keep_caps_refused(id_type: IdType) -> Cause {
    Cause::new(
        Key::Refused,
        "PR_SET_KEEPCAPS is refused, so a setuid program loses its capabilities when it leaves uid 0; the securebit keep_caps is \
         locked, or a seccomp filter denies prctl(2)",
        format!(
            "as root, replace the setuid bit of the program by the file capability cap_set{}=ep (chmod u-s, then setcap), or remove \
             SecureBits= and SystemCallFilter= from the unit (systemd)",
            id_type.word()
        ),
    )
}

fn traced() -> Cause {
    Cause::new(
        Key::Traced,
        "a debugger traces this program, so the kernel gives it no privilege",
        "run the program without the debugger, or run the debugger as root",
    )
}

/// The file gives the capability, and no restriction was found. The sentence names the restrictions that are not examined.
pub(super) fn unexplained(evidence: &Evidence) -> Cause {
    let word = evidence.id_type.word().to_ascii_uppercase();
    Cause::without_fix(
        Key::Refused,
        format!(
            "the program was started without CAP_SET{word}, for no visible reason; possible reasons: securebits (noroot), a \
             security module, or a mount of another mount namespace"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::Key::{self, *};
    use super::missing;
    use crate::explain::causes::test_evidence::{evidence, program};
    use crate::explain::evidence::Evidence;
    use crate::explain::evidence::place::{Container, Place};
    use crate::explain::evidence::process::Process;
    use crate::explain::evidence::program::FileCapabilities::{Absent, Foreign, Others, Sufficient};

    fn process(no_new_privs: bool, in_bounding_set: bool, is_traced: bool) -> Process {
        Process {
            no_new_privs: Some(no_new_privs),
            bounding_set_has_capability: Some(in_bounding_set),
            is_traced: Some(is_traced),
            ..Process::default()
        }
    }

    fn fix(change: impl FnOnce(&mut Evidence)) -> String {
        missing(&evidence(change)).remove(0).fix.unwrap()
    }

    #[test]
    fn a_root_file_system_mounted_nosuid_is_reported_with_its_administrator() {
        for (container, service, no_new_privs, beginning) in [
            (
                Some(Container::Podman),
                None,
                false,
                "the administrator of the container engine can mount its storage",
            ),
            (None, Some("ci.service"), true, "ci.service or a program that it started has set the flag"),
            (None, Some("ci.service"), false, "the administrator of this root file system can"),
            (None, None, false, "the administrator of this root file system can"),
        ] {
            let fix = fix(|evidence| {
                evidence.place = Place { service: service.map(str::to_owned), container };
                evidence.process.no_new_privs = Some(no_new_privs);
                evidence.program = program(0o4755, 0, Some(Absent));
                if let Some((program, _)) = &mut evidence.program {
                    program.is_on_nosuid = true;
                }
            });
            assert!(fix.starts_with(beginning), "{fix}");
        }
    }

    #[test]
    fn each_restriction_is_a_cause_and_the_program_file_comes_first() {
        let unrestricted = || process(false, true, false);
        for (mode, owner, capabilities, process, keys) in [
            (0o755, 0, Some(Absent), unrestricted(), &[Unprivileged][..]),
            (0o4755, 1000, Some(Absent), unrestricted(), &[Unprivileged]),
            (0o755, 0, Some(Others), unrestricted(), &[Unprivileged]),
            (0o755, 0, Some(Foreign(Some(100_000))), unrestricted(), &[ForeignCapabilities]),
            (0o755, 0, Some(Foreign(None)), unrestricted(), &[ForeignCapabilities]),
            (0o4755, 0, Some(Foreign(None)), unrestricted(), &[]),
            (0o4755, 0, Some(Absent), process(true, true, false), &[NoNewPrivs]),
            (0o755, 0, Some(Sufficient), process(true, true, false), &[NoNewPrivs]),
            (0o755, 0, Some(Absent), process(true, true, false), &[Unprivileged, NoNewPrivs]),
            (0o755, 0, Some(Absent), process(false, false, true), &[Unprivileged, BoundingSet]),
            (0o4755, 0, Some(Absent), process(true, false, true), &[NoNewPrivs, BoundingSet]),
            (0o4755, 0, Some(Absent), process(false, true, true), &[Traced]),
            (0o4755, 0, Some(Absent), unrestricted(), &[]),
            (0o755, 0, None, process(true, true, false), &[NoNewPrivs]),
            (0o755, 0, None, Process::default(), &[]),
            (
                0o4755,
                65_534,
                Some(Absent),
                Process { overflow_uid: Some(65_534), ..unrestricted() },
                &[Unprivileged],
            ),
        ] {
            let evidence = evidence(|evidence| {
                evidence.program = program(mode, owner, capabilities);
                evidence.process = process.clone();
            });
            let found: Vec<Key> = missing(&evidence).iter().map(|cause| cause.key).collect();
            assert_eq!(found, keys, "{mode:o} {owner} {capabilities:?} {process:?}");
        }
        let mut evidence = evidence(|evidence| evidence.program = program(0o4755, 0, Some(Absent)));
        if let Some((program, _)) = &mut evidence.program {
            program.is_on_nosuid = true;
        }
        assert_eq!(missing(&evidence)[0].key, Nosuid);
    }
}
