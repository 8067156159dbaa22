//! Causes in the subid files: missing and malformed lines, lines with a similar owner, and unreadable files.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};

use super::failure::{Failure, MIGRATE, alice};
use super::harness::{ALICE, IdType, InstallMode, Sandbox, in_sandbox, must_succeed};

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
                        "fix: as root, run `usermod --add-sub$ids {free} alice`{}{MIGRATE}",
                        if lines.is_empty() { "" } else { ", and request these ids" }
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
                ("alice:100001:65536\n", "100000", "100001 to 165536", "165537-231072`, and request these ids"),
                ("1000:100002:2\nalice:100006:4\n", "100000 to 100001, 100004 to 100005", "100002 to 100003, 100006 to 100009", "100010-165545`, and request these ids"),
                // Another login name of alice.
                ("alicia:100000:5\n", "100005 to 100009", "100000 to 100004", "100005-165540"),
            ] {
                with(sandbox, mode, id_type, lines).says(&[
                    REFUSED,
                    &format!(
                        "cause: the request includes $ids that are not delegated to alice: {missing}; $subid delegates {delegated}"
                    ),
                    &format!(
                        "fix: request only delegated ids, or as root, run `usermod --add-sub$ids {}{MIGRATE}",
                        free.replace('`', " alice`") + if free.contains('`') { "" } else { " alice`" }
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
                    &format!("fix: if line 2 of $subid is meant for alice, write alice instead of '{owner}'{MIGRATE}"),
                ]);
            }
            // Other users and uids are not similar to alice.
            for owner in ["bob", "1001", "ghost"] {
                with(sandbox, InstallMode::Caps, id_type, &format!("{owner}:100000:10\n")).says(&[
                    REFUSED,
                    "cause: $subid has no line for alice (uid 1000); the request includes the $ids 100000 to 100009",
                    &format!("fix: as root, run `usermod --add-sub$ids 100010-165545 alice`, and request these ids{MIGRATE}"),
                ]);
            }
        }
    });
}

/// A name or uid that differs by one character, and belongs to another user. The ids of that user are not taken.
#[test]
fn another_user_is_no_misspelling() {
    let accounts = "user1:x:1000:1001::/:/bin/sh\n";
    let both = "user1:x:1000:1001::/:/bin/sh\nuser2:x:1001:1002::/:/bin/sh\n";
    for id_type in IdType::BOTH {
        for owner in ["user2", " user2", "#user2", "1001", "+1001"] {
            in_sandbox(|sandbox| {
                let caller = || ALICE.with_gid(1001).command("env");
                sandbox.delegate(format!("{owner}:100000:65536\n"));
                let fix = |passwd: &str| {
                    sandbox.write("passwd", format!("root:x:0:0::/:/bin/sh\n{passwd}"));
                    Failure::new(caller, sandbox, InstallMode::Caps, id_type, "0 100000 10")
                };
                fix(both).says(&[
                    REFUSED,
                    "cause: $subid has no line for user1 (uid 1000); the request includes the $ids 100000 to 100009",
                    &format!(
                        "fix: as root, run `usermod --add-sub$ids 165536-231071 user1`, and request these ids{}",
                        MIGRATE.replace("alice", "user1")
                    ),
                ]);
                fix(accounts).mentions(&format!(
                    "fix: if line 1 of $subid is meant for user1, write user1 instead of '{owner}';"
                ));
            });
        }
    }
}

/// The domain is on either side.
#[test]
fn a_line_for_the_name_without_the_domain_is_reported_and_the_reverse() {
    in_sandbox(|sandbox| {
        for (name, owner, shown) in [
            ("alice@domain.example", "alice", "alice"),
            ("alice@domain.example", "Alice@DOMAIN.EXAMPLE", "Alice@DOMAIN.EXAMPLE"),
            ("alice@domain.example", "DOMAIN\\alice", "DOMAIN\\alice"),
            ("DOMAIN\\alice", "alice", "alice"),
            ("alice", "DOMAIN\\alice", "DOMAIN\\alice"),
            ("alice", "DOMAIN+alice", "DOMAIN+alice"),
            ("alice", "\u{feff}alice", "\\u{feff}alice"),
        ] {
            sandbox.write("passwd", format!("root:x:0:0::/:/bin/sh\n{name}:x:1000:1000::/:/bin/sh\n"));
            for id_type in IdType::BOTH {
                with(sandbox, InstallMode::Caps, id_type, &format!("{owner}:100000:10\n")).says(&[
                    REFUSED,
                    &format!(
                        "cause: $subid has no line for {name} (uid 1000); the request includes the $ids 100000 to 100009; line 1 has the \
                         owner '{shown}', which is not the caller"
                    ),
                    &format!(
                        "fix: if line 1 of $subid is meant for {name}, write {name} instead of '{shown}'{}",
                        MIGRATE.replace("alice", name)
                    ),
                ]);
                // The remedy, and then it works.
                sandbox.delegate(format!("{name}:100000:10\n"));
                let attempt = sandbox.attempt(InstallMode::Caps, id_type, ALICE, "0 100000 10");
                assert_eq!(attempt.outcome.stderr, "");
                with(sandbox, InstallMode::Caps, id_type, "bob@domain.example:100000:10\n")
                    .mentions("fix: as root, run `usermod --add-sub$ids ");
            }
        }
    });
}

pub fn of_accounts(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    sandbox.delegate("alice:100000:65536\n");
    Failure::new(alice, sandbox, mode, id_type, "0 5 10")
}

const UNSUITABLE: &str = "$ids of accounts, and those below 100000, should not be delegated";

#[test]
fn ids_of_accounts_are_not_suggested_but_the_delegated_ones() {
    in_sandbox(|sandbox| {
        for id_type in IdType::BOTH {
            sandbox.delegate("alice:100000:65536\n");
            for (ranges, missing, end) in [
                ("0 5 10", "5 to 14", ""),
                (
                    "0 1000 2",
                    "1000 to 1001",
                    "; the caller's own $id 1000 needs no delegation as a range of one $id",
                ),
            ] {
                let failure = Failure::new(alice, sandbox, InstallMode::Setuid, id_type, ranges);
                failure.is_because(&[&format!(
                    "the request includes $ids that are not delegated to alice: {missing}; "
                )]);
                failure.mentions(&format!(
                    "fix: request only the delegated $ids, 100000 to 165535: {UNSUITABLE}{end}\n"
                ));
            }
            sandbox.delegate("");
            Failure::new(alice, sandbox, InstallMode::Setuid, id_type, "0 5 10").mentions(&format!(
                "fix: as root, run `usermod --add-sub$ids 100000-165535 alice`, and request these $ids: {UNSUITABLE}{MIGRATE}\n"
            ));
            // Ids of no account are delegated.
            sandbox.delegate("alice:100000:65536\n");
            Failure::new(alice, sandbox, InstallMode::Setuid, id_type, "0 165530 10")
                .mentions("fix: request only delegated ids, or as root, run `usermod --add-sub$ids 165536-231071 alice`;");
        }
    });
}

/// All ids from SUB_UID_MIN to SUB_UID_MAX are another user's.
#[test]
fn without_free_ids_nothing_is_suggested() {
    in_sandbox(|sandbox| {
        for id_type in IdType::BOTH {
            let failure = with(sandbox, InstallMode::Setuid, id_type, "bob:100000:600000000\n");
            failure.mentions(
                "fix: no 65536 free $ids are left between 100000 and 600100000 (SUB_$ID_MIN and SUB_$ID_MAX in /etc/login.defs): root \
                 can remove lines of $subid, or raise SUB_$ID_MAX\n",
            );
        }
    });
}

/// A file that is longer than the part that is read: another account or line may have any id.
#[test]
fn without_all_accounts_and_lines_nothing_is_suggested() {
    for (name, id_types) in [
        ("passwd", &IdType::BOTH[..]),
        ("group", &[IdType::Gid]),
        ("subuid", &[IdType::Uid]),
        ("subgid", &[IdType::Gid]),
    ] {
        for id_type in id_types {
            in_sandbox(|sandbox| {
                OpenOptions::new().write(true).open(Sandbox::etc(name)).unwrap().set_len(65 << 20).unwrap();
                let failure = Failure::new(alice, sandbox, InstallMode::Setuid, *id_type, "0 100000 10");
                failure.mentions(&format!(
                    "fix: /etc/{name} cannot be read to its end, so the free $ids are unknown: root can delegate $ids that no other \
                     user, account or line has\n"
                ));
            });
        }
    }
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
                    &format!("fix: write line 2 of $subid as OWNER:START:COUNT, for example alice:100000:65536{MIGRATE}"),
                ]);
            }
            // The ids of the line itself, if they are free.
            for (lines, example) in [
                ("alice:300000:65536:x\n", "alice:300000:65536"),
                ("alice:300000:65536\r\n", "alice:300000:65536"),
                ("alice:300000:65536 \nbob:310000:1\n", "alice:100000:65536"),
                ("alice:5:65536 \n", "alice:100000:65536"),
            ] {
                with(sandbox, InstallMode::Setuid, id_type, lines)
                    .mentions(&format!("as OWNER:START:COUNT, for example {example}{MIGRATE}\n"));
            }
            // A missing newline: the line of another owner stays.
            for (line, fields, example) in [
                ("alice:100000:65536bob:165536:65536\n", 5, "alice:100000:65536"),
                ("alice:100000:65536:bob:165536:65536\r\n", 6, "alice:100000:65536"),
                ("alice:100000:bob:165536:65536\n", 5, "alice:100000:65536"),
                ("alice:165536:65536bob:165536:65536\n", 5, "alice:100000:65536"),
            ] {
                with(sandbox, InstallMode::Setuid, id_type, line).says(&[
                    REFUSED,
                    &format!(
                        "cause: line 1 of $subid is for alice but is ignored: it has {fields} fields instead of 3, as if a newline were \
                         missing"
                    ),
                    &format!(
                        "fix: split line 1 of $subid into a line for each owner, and write alice's as OWNER:START:COUNT, for example \
                         {example}{MIGRATE}"
                    ),
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
                &format!("fix: as root, run `echo alice:100000:65536 >$subid && chmod 0644 $subid`{MIGRATE}"),
            ]);
            unusable(sandbox, mode, id_type, private).says(&[
                "cannot open $subid: Permission denied",
                "cause: $subid is read with the caller's rights, and alice may not read it",
                &format!("fix: as root, run `chmod 0644 $subid`{MIGRATE}"),
            ]);
            unusable(sandbox, mode, id_type, link).says(&[
                "cannot open $subid: Too many levels of symbolic links",
                "cause: $subid is a symbolic link, which is not followed",
                &format!(
                    "fix: as root, run `install -m 0644 $subid $subid.new && mv $subid.new $subid`, and have no configuration \
                     manager make the link again{MIGRATE}"
                ),
            ]);
            unusable(sandbox, mode, id_type, directory).says(&[
                "cannot open $subid: Is a directory",
                "cause: $subid exists but cannot be read: Is a directory",
                &format!(
                    "fix: as root, run `mv $subid $subid.other`, and then as root, run `echo alice:100000:65536 >$subid && chmod 0644 \
                     $subid`{MIGRATE}"
                ),
            ]);
        });
    });
}

const LINK: &str = "cause: $subid is a symbolic link, which is not followed";

/// Root follows each fix as printed, so a fix may neither wait for a writer nor copy the lines of another user.
#[test]
fn the_fix_for_a_symbolic_link_depends_on_its_target() {
    let create = format!("as root, run `echo alice:100000:65536 >$subid && chmod 0644 $subid`{MIGRATE}");
    let absent = (", and its target does not exist", format!("as root, run `rm $subid`, and then {create}"));
    let replace = "as root, replace the link $subid by a regular file";
    let special = (", and its target is no regular file", format!("{replace} with lines OWNER:START:COUNT"));
    let of_others = (
        ", and users other than root can change its target",
        format!("{replace}, and take over only lines of the target that delegate the right ids"),
    );
    let of_root = (
        "",
        format!(
            "as root, run `install -m 0644 $subid $subid.new && mv $subid.new $subid`, and have no configuration manager make the \
             link again{MIGRATE}"
        ),
    );
    let unseen = ("", replace.to_owned());
    in_sandbox(|sandbox| {
        let mut prepare = Command::new("sh");
        let script = "mkdir -m 0755 bob root && mkdir -m 0700 hidden && chown bob bob
            touch bob/of-bob root/of-root root/writable bob/of-root hidden/file && chown bob bob/of-bob && chmod 0666 root/writable
            mkfifo root/fifo && ln -s missing root/dangling && ln -s /mnt/links/root/of-root bob/link && ln -s of-root root/link";
        must_succeed(prepare.args(["-c", &format!("mkdir /mnt/links && cd /mnt/links && {script}")]));
        for (target, (end, fix)) in [
            ("root/missing", &absent),
            ("root/dangling", &absent),
            ("root/fifo", &special),
            ("root", &special),
            ("bob/of-bob", &of_others),
            ("bob/of-root", &of_others),
            ("bob/link", &of_others),
            ("root/writable", &of_others),
            ("root/of-root", &of_root),
            ("root/link", &of_root),
            ("hidden/file", &unseen),
        ] {
            for id_type in IdType::BOTH {
                let link = |path: &str| {
                    fs::remove_file(path).unwrap();
                    symlink(Path::new("/mnt/links").join(target), path).unwrap();
                };
                unusable(sandbox, InstallMode::Setuid, id_type, link).says(&[
                    "cannot open $subid: Too many levels of symbolic links",
                    &format!("{LINK}{end}"),
                    &format!("fix: {fix}"),
                ]);
            }
        }
    });
}

/// A volume without a source is mounted as a directory, and mv(1) cannot replace a mount point.
#[test]
fn a_directory_mounted_at_the_subid_file_has_a_fix_outside() {
    in_sandbox(|sandbox| {
        for id_type in IdType::BOTH {
            let path = format!("/etc/{}", id_type.subid());
            sandbox.remove(id_type.subid());
            fs::create_dir(&path).unwrap();
            mount(Some("tmpfs"), path.as_str(), Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
            Failure::new(alice, sandbox, InstallMode::Setuid, id_type, "0 100000 10").says(&[
                "cannot open $subid: Is a directory",
                "cause: $subid exists but cannot be read: Is a directory",
                "fix: $subid is mounted here, so change the file where it is mounted from (a volume): it must be a regular file that \
                 every user may read",
            ]);
        }
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
