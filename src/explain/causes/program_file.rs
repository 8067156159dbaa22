//! Causes in the program file: without setuid bit and file capabilities, or with others; and the commands that give privilege.

use std::os::unix::ffi::OsStrExt;

use super::{Cause, Key};
use crate::escape::{escape_path, shell_word};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::mounts::Mount;
use crate::explain::evidence::program::{FileCapabilities, Program};

/// The path of the program as one word of a command for root. `None` if another user could replace the program, because root would
/// then give the capability to another program; or if no command can contain the path.
pub(super) fn command_path(program: &Program) -> Option<String> {
    shell_word(program.path.as_os_str().as_bytes()).filter(|_| program.only_root_can_replace)
}

/// The fix for a program without a [`command_path`], and for a program on a file system that cannot be written.
pub(super) fn use_other_program(reason: &str, program: &Program, evidence: &Evidence) -> String {
    let name = evidence.id_type.program();
    let Some(other) = &evidence.other_program else {
        return format!(
            "{reason}; as root, install the package uidmap-rs, whose {name} belongs to root, and call that program"
        );
    };
    let directory = other.parent().map_or(String::new(), escape_path);
    let remove = if is_read_only(evidence) {
        String::new()
    } else {
        format!(", or as root, remove {}", escape_path(&program.path))
    };
    format!(
        "{reason}; use {}, which gives privilege: put {directory} first in PATH{remove}",
        escape_path(other)
    )
}

/// Whether the program's file system is mounted read-only.
fn is_read_only(evidence: &Evidence) -> bool {
    let mount = evidence.program.as_ref().and_then(|(_, mount)| mount.as_ref());
    mount.is_some_and(Mount::is_read_only)
}

/// The commands that give the program the privilege. The setuid bit grants no capability on a file with file capabilities
/// (`handle_privileged_root` in security/commoncap.c).
fn give_privilege(program: &Program, evidence: &Evidence, capability: &str) -> String {
    if is_read_only(evidence) {
        let reason =
            "the file system is read-only, so the privilege is set where the file system or image is built";
        return use_other_program(reason, program, evidence);
    }
    if program.path.as_os_str().as_bytes().ends_with(b" (deleted)") {
        return "try again: the running program file was removed or replaced".to_owned();
    }
    let Some(path) = command_path(program) else {
        let reason = if program.only_root_can_replace {
            "no command can contain this path"
        } else {
            "users other than root can change this file, so it must not get privilege"
        };
        return use_other_program(reason, program, evidence);
    };
    let setuid = if program.capabilities == Some(FileCapabilities::Absent) {
        format!(", or `chmod u+s {path}` where images lose file capabilities")
    } else {
        String::new()
    };
    format!("as root, run `setcap {capability}=ep {path}`{setuid}; reinstalling the package does the same")
}

/// The program file gives no capability for the map.
pub(super) fn program_file(program: &Program, evidence: &Evidence) -> Option<Cause> {
    let path = escape_path(&program.path);
    let capability = format!("cap_set{}", evidence.id_type.word());
    let sentence = match program.capabilities? {
        FileCapabilities::Sufficient => return None,
        FileCapabilities::Others if program.is_setuid_root() => {
            format!(
                "{path} has file capabilities, but not {capability}, and the setuid bit has no effect beside them"
            )
        }
        FileCapabilities::Others => format!("{path} has file capabilities, but not {capability}"),
        _ if program.is_setuid_root() => return None,
        FileCapabilities::Foreign(root) => {
            return Some(foreign_capabilities(program, root, &capability, evidence));
        }
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
    Some(Cause::new(Key::Unprivileged, sentence, give_privilege(program, evidence, &capability)))
}

fn foreign_capabilities(
    program: &Program,
    root: Option<u32>,
    capability: &str,
    evidence: &Evidence,
) -> Cause {
    let path = escape_path(&program.path);
    let owner = root.map_or(String::new(), |root| format!(", whose root is uid {root} here"));
    Cause::new(
        Key::ForeignCapabilities,
        format!("the file capabilities of {path} were set in another user namespace{owner}"),
        give_privilege(program, evidence, capability),
    )
}

#[cfg(test)]
mod tests {
    use super::program_file;
    use crate::explain::causes::test_evidence::{evidence, mount, program};
    use crate::explain::evidence::Evidence;
    use crate::explain::evidence::program::FileCapabilities::Absent;

    fn fix(change: impl FnOnce(&mut Evidence)) -> String {
        let evidence = evidence(change);
        let (program, _) = evidence.program.as_ref().unwrap();
        program_file(program, &evidence).unwrap().fix.unwrap()
    }

    #[test]
    fn no_command_is_given_for_a_file_that_is_gone_or_not_roots_or_cannot_be_written() {
        for (path, owner, options, beginning) in [
            ("/a/newuidmap", 0, "rw", "as root, run `setcap cap_setuid=ep /a/newuidmap`, or `chmod u+s"),
            (
                "/a b/newuidmap",
                0,
                "rw",
                "as root, run `setcap cap_setuid=ep '/a b/newuidmap'`, or `chmod u+s",
            ),
            ("/a/newuidmap (deleted)", 0, "rw", "try again: "),
            ("/a/newuidmap", 1_000, "rw", "users other than root can change this file"),
            ("/a/newuidmap", 0, "rw,ro", "the file system is read-only"),
            ("/a\n/newuidmap", 0, "rw", "no command can contain this path"),
        ] {
            let fix = fix(|evidence| {
                evidence.program = program(0o755, owner, Some(Absent));
                if let Some((program, on)) = &mut evidence.program {
                    (program.path, *on) = (path.into(), mount("/", "ext4", options));
                }
            });
            assert!(fix.starts_with(beginning), "{fix}");
        }
    }

    #[test]
    fn a_file_is_removed_by_root_or_stays_on_a_read_only_file_system() {
        for (options, end) in [
            ("rw", "gives privilege: put /usr/bin first in PATH, or as root, remove /a/newuidmap"),
            ("ro", "gives privilege: put /usr/bin first in PATH"),
        ] {
            let fix = fix(|evidence| {
                evidence.other_program = Some("/usr/bin/newuidmap".into());
                evidence.program = program(0o755, 1_000, Some(Absent));
                if let Some((program, on)) = &mut evidence.program {
                    (program.path, *on) = ("/a/newuidmap".into(), mount("/", "ext4", options));
                }
            });
            assert!(fix.ends_with(end), "{fix}");
        }
    }
}
