//! Causes of a missing capability: the program file, its mount, and the restrictions of the process.

use super::{Cause, Key};
use crate::escape::{escape, escape_path, plain_word};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::mounts::Mount;
use crate::explain::evidence::program::{FileCapabilities, Program};
use crate::id_type::IdType;

/// All causes that were found, those in the program file first.
pub(super) fn missing(evidence: &Evidence) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some((program, mount)) = &evidence.program {
        causes.extend(program_file(program, evidence));
        if program.is_on_nosuid {
            causes.push(nosuid(&escape_path(&program.path), mount.as_ref()));
        }
    }
    let process = &evidence.process;
    if process.no_new_privs == Some(true) {
        causes.push(no_new_privs());
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

/// The path of the program as one word of a command for root. `None` if another user could replace the program, or if a shell would
/// read the path as more than one word: root would then give the capability to another program, or run another command.
pub(super) fn command_path(program: &Program) -> Option<&str> {
    program.path.to_str().and_then(plain_word).filter(|_| program.only_root_can_replace)
}

/// The fix for a program without a [`command_path`].
const USE_PACKAGE: &str = "install the package, and call the program in /usr/bin";

/// The program file gives no capability for the map.
fn program_file(program: &Program, evidence: &Evidence) -> Option<Cause> {
    let path = escape_path(&program.path);
    let capability = format!("cap_set{}", evidence.id_type.word());
    let sentence = match program.capabilities? {
        _ if program.is_setuid_root() => return None,
        FileCapabilities::Sufficient => return None,
        FileCapabilities::Foreign(root) => return Some(foreign_capabilities(program, root, &capability)),
        FileCapabilities::Others => format!("{path} has file capabilities, but not {capability}"),
        FileCapabilities::Absent if !program.is_setuid() => {
            format!("{path} has neither the setuid bit nor file capabilities (mode {:04o})", program.mode)
        }
        FileCapabilities::Absent if evidence.process.overflow_uid == Some(program.owner) => {
            return Some(Cause::new(
                Key::Unprivileged,
                format!("{path} is setuid to a uid that is not mapped in this user namespace"),
                "install the package in this user namespace, so that root of this namespace owns the program",
            ));
        }
        FileCapabilities::Absent => {
            format!("{path} is setuid to uid {} and not to root, and has no file capabilities", program.owner)
        }
    };
    let fix = match command_path(program) {
        Some(path) => format!(
            "as root, run 'setcap {capability}=ep {path}', or 'chmod u+s {path}' where images lose file capabilities; \
             reinstalling the package does the same"
        ),
        None => USE_PACKAGE.to_owned(),
    };
    Some(Cause::new(Key::Unprivileged, sentence, fix))
}

fn foreign_capabilities(program: &Program, root: Option<u32>, capability: &str) -> Cause {
    let path = escape_path(&program.path);
    let owner = root.map_or(String::new(), |root| format!(", whose root is uid {root} here"));
    Cause::new(
        Key::ForeignCapabilities,
        format!("the file capabilities of {path} were set in another user namespace{owner}"),
        match command_path(program) {
            Some(path) => format!("as root, run 'setcap {capability}=ep {path}' in this user namespace"),
            None => USE_PACKAGE.to_owned(),
        },
    )
}

fn nosuid(path: &str, mount: Option<&Mount>) -> Cause {
    let point = mount.map_or("?".into(), |mount| escape(mount.point.as_bytes()));
    let elsewhere = "install the program on another file system";
    Cause::new(
        Key::Nosuid,
        format!("{path} is on a file system mounted nosuid ({point}), so the program gets no privilege"),
        match mount.and_then(|mount| plain_word(&mount.point)) {
            Some(point) => format!("{elsewhere}, or as root, run 'mount -o remount,suid {point}'"),
            None => elsewhere.to_owned(),
        },
    )
}

fn no_new_privs() -> Cause {
    Cause::new(
        Key::NoNewPrivs,
        "no_new_privs is set, so neither the setuid bit nor file capabilities give a program privilege",
        "start without no_new_privs: no --security-opt=no-new-privileges (podman, Docker), \
         allowPrivilegeEscalation: true (Kubernetes), NoNewPrivileges=no (systemd)",
    )
}

pub(super) fn bounding_set(id_type: IdType) -> Cause {
    Cause::new(
        Key::BoundingSet,
        format!(
            "CAP_SET{} is not in the bounding set, so no program can have it here",
            id_type.word().to_uppercase()
        ),
        "start the container with --cap-add=setuid,setgid (podman, Docker) or capabilities.add: [SETUID, SETGID] \
         (Kubernetes), or the service with both in CapabilityBoundingSet= (systemd)",
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
    let word = evidence.id_type.word().to_uppercase();
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
