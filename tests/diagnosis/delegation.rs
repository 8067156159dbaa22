//! Causes in the subid files: missing and malformed lines, lines with a similar owner, and unreadable files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use super::failure::Failure;
use super::harness::{ALICE, IdType, InstallMode, Sandbox, in_sandbox, must_succeed};

fn alice() -> Command {
    ALICE.command("env")
}

const REFUSED: &str = "$id range [0-10) -> [100000-100010) not allowed";

/// Alice requests ten ids, and the subid files have these lines.
pub fn with(sandbox: &Sandbox, mode: InstallMode, id_type: IdType, lines: &str) -> Failure {
    sandbox.delegate(lines);
    Failure::new(alice, sandbox, mode, id_type, "0 100000 10")
}

#[test]
fn a_missing_delegation_is_reported_with_a_free_range() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            for (lines, free) in [("", "100000-165535"), ("bob:100000:65536\n", "165536-231071")] {
                with(sandbox, mode, id_type, lines).says(&[
                    REFUSED,
                    "cause: $subid has no line for alice (uid 1000); the request includes the $ids 100000 to 100009",
                    &format!(
                        "fix: as root, run 'usermod --add-sub$ids {free} alice'; with podman, run 'podman system migrate' \
                         afterwards"
                    ),
                ]);
            }
        });
    });
}

#[test]
fn an_insufficient_delegation_is_reported_with_the_delegated_ids() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            for (lines, missing, delegated, free) in [
                ("alice:100000:9\n", "100009", "100000 to 100008", "100009-165544"),
                ("alice:100001:65536\n", "100000", "100001 to 165536", "165537-231072"),
                ("1000:100002:2\nalice:100006:4\n", "100000 to 100001, 100004 to 100005", "100002 to 100003, 100006 to 100009", "100010-165545"),
                // Another login name of alice.
                ("alicia:100000:5\n", "100005 to 100009", "100000 to 100004", "100005-165540"),
            ] {
                with(sandbox, mode, id_type, lines).says(&[
                    REFUSED,
                    &format!(
                        "cause: the request includes $ids that are not delegated to alice: {missing}; $subid delegates {delegated}"
                    ),
                    &format!(
                        "fix: request only delegated ids, or as root, run 'usermod --add-sub$ids {free} alice'; with podman, run \
                         'podman system migrate' afterwards"
                    ),
                ]);
            }
        });
    });
}

#[test]
fn a_line_with_a_similar_owner_is_reported() {
    in_sandbox(|sandbox| {
        for id_type in IdType::BOTH {
            for owner in [
                "Alice",
                "alic",
                "alicee",
                "alcie",
                "alice ",
                " alice",
                "#alice",
                "alice@example.org",
                "0x3e8",
                "+1000",
            ] {
                with(sandbox, InstallMode::Caps, id_type, &format!("bob:200000:5\n{owner}:100000:10\n")).says(&[
                    REFUSED,
                    &format!(
                        "cause: $subid has no line for alice (uid 1000); the request includes the $ids 100000 to 100009; line 2 has the \
                         owner '{owner}', which is not the caller"
                    ),
                    &format!("fix: if line 2 of $subid is meant for alice, write alice instead of '{owner}'"),
                ]);
            }
            // Other users and uids are not similar to alice.
            for owner in ["bob", "1001", "ghost"] {
                with(sandbox, InstallMode::Caps, id_type, &format!("{owner}:100000:10\n")).says(&[
                    REFUSED,
                    "cause: $subid has no line for alice (uid 1000); the request includes the $ids 100000 to 100009",
                    "fix: as root, run 'usermod --add-sub$ids 100010-165545 alice'; with podman, run 'podman system migrate' \
                     afterwards",
                ]);
            }
        }
    });
}

#[test]
fn a_malformed_line_is_reported_with_its_number_and_defect() {
    in_sandbox(|sandbox| {
        let long = format!("alice:{}100000:10", "0".repeat(1020));
        for id_type in IdType::BOTH {
            for (line, defect) in [
                ("alice:100000", "it has 2 fields instead of 3"),
                ("alice:100000:10:x", "it has 4 fields instead of 3"),
                ("alice:100000:10 ", "its count '10 ' is not a number"),
                ("alice:100000:10\r", "it ends with a carriage return"),
                ("alice:1e5:10", "its start '1e5' is not a number"),
                ("alice::10", "its start '' is not a number"),
                ("alice:100000:-10", "its count '-10' is out of range"),
                ("alice:100000:4294967296", "its count '4294967296' is out of range"),
                ("alice:100000:0", "its count is 0"),
                ("alice:4294967295:2", "it ends beyond the last id, 4294967295"),
                ("1000:100000:ten", "its count 'ten' is not a number"),
                (&long, "it is longer than 1023 bytes"),
            ] {
                with(sandbox, InstallMode::Setuid, id_type, &format!("bob:200000:5\n{line}\n")).says(&[
                    REFUSED,
                    &format!("cause: line 2 of $subid is for alice but is ignored: {defect}"),
                    "fix: write line 2 of $subid as OWNER:START:COUNT, for example 'alice:100000:65536'",
                ]);
            }
            with(sandbox, InstallMode::Setuid, id_type, "alice:100000:10:x\nalice:200000:5\n").is_because(&[
                "line 1 of $subid is for alice but is ignored: it has 4 fields",
                "the request includes $ids that are not delegated to alice: 100000 to 100009; $subid delegates 200000 to 200004",
            ]);
        }
    });
}

#[test]
fn a_malformed_line_without_the_caller_as_owner_is_not_blamed() {
    in_sandbox(|sandbox| {
        for id_type in IdType::BOTH {
            with(sandbox, InstallMode::Setuid, id_type, "bob:100000:10:x\n")
                .is_because(&["$subid has no line for alice"]);
            with(sandbox, InstallMode::Setuid, id_type, ":100000:10\n\nalice\n")
                .is_because(&["$subid has no line for alice"]);
            // Unusual numbers in a well-formed line.
            with(sandbox, InstallMode::Setuid, id_type, "alice:0x186a0: +9\n")
                .is_because(&["the request includes $ids that are not delegated to alice: 100009"]);
        }
    });
}

/// A request after `change` has made the subid file unusable.
pub fn unusable(sandbox: &Sandbox, mode: InstallMode, id_type: IdType, change: impl Fn(&str)) -> Failure {
    sandbox.delegate("alice:100000:10\n");
    change(&format!("/etc/{}", id_type.subid()));
    let failure = Failure::new(alice, sandbox, mode, id_type, "0 100000 10");
    let mut remove = Command::new("rm");
    must_succeed(remove.args(["-rf", &format!("/etc/{}", id_type.subid())]));
    failure
}

#[test]
fn an_unreadable_subid_file_is_reported_with_the_reason() {
    in_sandbox(|sandbox| {
        let private = |path: &str| fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        let link = |path: &str| {
            fs::rename(path, "/etc/real").unwrap();
            symlink("/etc/real", path).unwrap();
        };
        let directory = |path: &str| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        };
        sandbox.for_each_program(|mode, id_type| {
            unusable(sandbox, mode, id_type, |path| fs::remove_file(path).unwrap()).says(&[
                "cannot open $subid: No such file or directory",
                "cause: $subid does not exist, so no ids are delegated",
                "fix: as root, run 'echo alice:100000:65536 >$subid'",
            ]);
            unusable(sandbox, mode, id_type, private).says(&[
                "cannot open $subid: Permission denied",
                "cause: $subid is read with the caller's rights, and alice may not read it",
                "fix: as root, run 'chmod 0644 $subid'",
            ]);
            unusable(sandbox, mode, id_type, link).says(&[
                "cannot open $subid: Too many levels of symbolic links",
                "cause: $subid is a symbolic link, which is not followed",
                "fix: replace the link $subid by the file itself",
            ]);
            unusable(sandbox, mode, id_type, directory).says(&[
                "cannot open $subid: Is a directory",
                "cause: $subid exists but cannot be read: Is a directory",
                "fix: make $subid a regular, readable file with a line 'alice:100000:65536'",
            ]);
        });
    });
}

#[test]
fn a_missing_subid_file_is_not_blamed_if_login_defs_disables_it() {
    in_sandbox(|sandbox| {
        sandbox.write("login.defs", "SUB_UID_COUNT 0\nSUB_GID_COUNT 0\n");
        for id_type in IdType::BOTH {
            let failure =
                unusable(sandbox, InstallMode::Setuid, id_type, |path| fs::remove_file(path).unwrap());
            failure.begins(REFUSED);
            failure.is_because(&["$subid has no line for alice"]);
        }
    });
}
