//! Why the program was started without the capability that it needs.

use super::{Cause, Key};
use crate::escape::{escape, escape_path, plain_word};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::mounts::Mount;
use crate::explain::evidence::program::{FileCapabilities, Program};
use crate::id_type::IdType;

/// All the reasons that were seen, the program's own first.
pub(super) fn missing(evidence: &Evidence) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some((program, mount)) = &evidence.program {
        causes.extend(offers_nothing(program, evidence));
        if program.nosuid {
            causes.push(nosuid(&escape_path(&program.path), mount.as_ref()));
        }
    }
    let process = &evidence.process;
    if process.no_new_privs == Some(true) {
        causes.push(no_new_privs());
    }
    if process.bounded == Some(false) {
        causes.push(bounding_set(evidence.id_type));
    }
    // It is to be told only of a program that would have had privilege otherwise.
    if process.traced == Some(true) && causes.is_empty() {
        causes.push(traced());
    }
    causes
}

/// For a copy that is not root's, or in a place whose name a shell would take apart.
const INSTALL: &str = "install the package, and call the program in /usr/bin";

/// The path of the program, as a word of a command that root is told to run. There is none where another user could put another
/// program in its place, and none where a shell would take the path apart.
pub(super) fn command_path(program: &Program) -> Option<&str> {
    program.path.to_str().and_then(plain_word).filter(|_| program.is_roots_alone)
}

/// What is wrong with the program's file, if anything is.
fn offers_nothing(program: &Program, evidence: &Evidence) -> Option<Cause> {
    use FileCapabilities::{Absent, Foreign, Others, Sufficient};

    let (id_type, path) = (evidence.id_type, escape_path(&program.path));
    let capabilities = program.capabilities?;
    if program.is_setuid_root() || capabilities == Sufficient {
        return None;
    }
    let install = match command_path(program) {
        Some(path) => format!(
            "as root, run 'setcap cap_set{}=ep {path}', or 'chmod u+s {path}' where images lose file \
             capabilities; reinstalling the package does it, too",
            id_type.word()
        ),
        None => INSTALL.to_owned(),
    };
    let setcap_here = match command_path(program) {
        Some(path) => {
            format!("as root, run 'setcap cap_set{}=ep {path}' in this user namespace", id_type.word())
        }
        None => INSTALL.to_owned(),
    };
    Some(match capabilities {
        Foreign(root) => {
            let whose = root.map_or(String::new(), |root| format!(", the one whose root is uid {root} here"));
            Cause::new(
                Key::ForeignCapabilities,
                format!("the file capabilities of {path} were set in another user namespace{whose}"),
                setcap_here,
            )
        }
        Absent if program.is_setuid() && evidence.process.overflow_uid == Some(program.owner) => Cause::new(
            Key::Unprivileged,
            format!("{path} is setuid to a uid that this user namespace does not have"),
            "install the package in this user namespace, so that the program belongs to its root",
        ),
        Absent if program.is_setuid() => Cause::new(
            Key::Unprivileged,
            format!(
                "{path} is setuid to uid {} and not to root, and has no file capabilities",
                program.owner
            ),
            install,
        ),
        Absent => Cause::new(
            Key::Unprivileged,
            format!("{path} has neither the setuid bit nor file capabilities (mode {:04o})", program.mode),
            install,
        ),
        Others | Sufficient => Cause::new(
            Key::Unprivileged,
            format!("{path} has file capabilities, but not cap_set{}", id_type.word()),
            install,
        ),
    })
}

fn no_new_privs() -> Cause {
    Cause::new(
        Key::NoNewPrivs,
        "no_new_privs is set, so neither the setuid bit nor file capabilities give a program privilege",
        "take it back where it was set: no --security-opt=no-new-privileges (podman, Docker), \
         allowPrivilegeEscalation: true (Kubernetes), NoNewPrivileges=no (systemd)",
    )
}

fn nosuid(path: &str, mount: Option<&Mount>) -> Cause {
    let point = mount.map_or("?".into(), |mount| escape(mount.point.as_bytes()));
    let elsewhere = "install the program elsewhere";
    let remount = mount.and_then(|mount| plain_word(&mount.point));
    Cause::new(
        Key::Nosuid,
        format!("{path} is on a file system that is mounted nosuid ({point}), so it gets no privilege"),
        match remount {
            Some(point) => format!("{elsewhere}, or as root run 'mount -o remount,suid {point}'"),
            None => elsewhere.to_owned(),
        },
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
         (Kubernetes), the service with both in CapabilityBoundingSet= (systemd)",
    )
}

/// The file offers it, and whoever took it left no trace: securebits, for one, can be asked for, but not after the fact.
pub(super) fn unexplained(evidence: &Evidence) -> Cause {
    let word = evidence.id_type.word().to_uppercase();
    Cause::without_fix(
        Key::Refused,
        format!(
            "the program was started without CAP_SET{word}, and what took it is not to be seen: securebits (noroot), a \
             security module, or a mount of another mount namespace can"
        ),
    )
}

fn traced() -> Cause {
    Cause::new(
        Key::Traced,
        "a debugger traces this program, and the kernel gives it no privilege then",
        "run it without the debugger, or the debugger as root",
    )
}

#[cfg(test)]
mod tests {
    use super::Key::{self, *};
    use super::missing;
    use crate::explain::causes::test_evidence::{evidence, program};
    use crate::explain::evidence::process::Process;
    use crate::explain::evidence::program::FileCapabilities::{Absent, Foreign, Others, Sufficient};

    fn process(no_new_privs: bool, bounded: bool, traced: bool) -> Process {
        Process {
            no_new_privs: Some(no_new_privs),
            bounded: Some(bounded),
            traced: Some(traced),
            ..Process::default()
        }
    }

    #[test]
    fn what_took_the_privilege_is_told_the_programs_own_part_first() {
        let sound = || process(false, true, false);
        for (mode, owner, capabilities, process, keys) in [
            (0o755, 0, Some(Absent), sound(), &[Unprivileged][..]),
            (0o4755, 1000, Some(Absent), sound(), &[Unprivileged]),
            (0o755, 0, Some(Others), sound(), &[Unprivileged]),
            (0o755, 0, Some(Foreign(Some(100_000))), sound(), &[ForeignCapabilities]),
            (0o755, 0, Some(Foreign(None)), sound(), &[ForeignCapabilities]),
            (0o4755, 0, Some(Foreign(None)), sound(), &[]),
            (0o4755, 0, Some(Absent), process(true, true, false), &[NoNewPrivs]),
            (0o755, 0, Some(Sufficient), process(true, true, false), &[NoNewPrivs]),
            (0o755, 0, Some(Absent), process(true, true, false), &[Unprivileged, NoNewPrivs]),
            (0o755, 0, Some(Absent), process(false, false, true), &[Unprivileged, BoundingSet]),
            (0o4755, 0, Some(Absent), process(true, false, true), &[NoNewPrivs, BoundingSet]),
            (0o4755, 0, Some(Absent), process(false, true, true), &[Traced]),
            (0o4755, 0, Some(Absent), sound(), &[]),
            (0o755, 0, None, process(true, true, false), &[NoNewPrivs]),
            (0o755, 0, None, Process::default(), &[]),
            (
                0o4755,
                65_534,
                Some(Absent),
                Process { overflow_uid: Some(65_534), ..sound() },
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
            program.nosuid = true;
        }
        assert_eq!(missing(&evidence)[0].key, Nosuid);
    }
}
