//! The ids that the subid files delegate, and their owners.

use std::fs::read_to_string;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::harness::tracing::traced;
use super::harness::{ALICE, BOB, IdType, InstallMode, Person, ROOT, Sandbox, finish, in_sandbox};

#[test]
fn the_callers_own_single_id_needs_no_delegation() {
    in_sandbox(|sandbox| {
        sandbox.allows("0 1000 1");
        sandbox.allows("5 1000 1");
        sandbox.refuses("0 1000 2", "0 1000 2");
        sandbox.refuses("0 1001 1", "0 1001 1");
        sandbox.refuses("0 0 1", "0 0 1");
    });
}

#[test]
fn exactly_the_delegated_ids_may_be_mapped() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        sandbox.allows("0 100000 65536");
        sandbox.allows("0 1000 1 1 100000 65536");
        sandbox.allows("7 165535 1");
        sandbox.allows("0 100000 1 1 100002 1 2 100001 1");
        sandbox.refuses("0 100000 65537", "0 100000 65537");
        sandbox.refuses("0 99999 1", "0 99999 1");
        sandbox.refuses("0 99999 3", "0 99999 3");
        sandbox.refuses("0 165536 1", "0 165536 1");
        sandbox.refuses("0 1000 1 1 100000 10 11 200000 5 16 300000 1", "11 200000 5");
    });
}

#[test]
fn adjacent_and_overlapping_lines_are_merged() {
    in_sandbox(|sandbox| {
        sandbox.delegate(
            "alice:100020:10\nbob:1:1\nalice:100000:10\n1000:100010:10\nalicia:100030:10\nalice:100035:15\n",
        );
        sandbox.allows("0 100000 50");
        sandbox.allows("0 100005 40");
        sandbox.refuses("0 100000 51", "0 100000 51");
        sandbox.delegate("alice:100000:10\nalice:100011:10\n");
        sandbox.refuses("0 100000 21", "0 100000 21");
        sandbox.allows("0 100000 10 10 100011 10");
    });
}

#[test]
fn a_count_of_0_delegates_nothing() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:0:0\n");
        sandbox.refuses("0 0 1", "0 0 1");
        sandbox.refuses("0 0 4294967295", "0 0 4294967295");
        sandbox.refuses("0 100000 1", "0 100000 1");
        sandbox.delegate("alice:100000:0\n");
        sandbox.refuses("0 100000 1", "0 100000 1");
    });
}

#[test]
fn an_owner_is_a_uid_or_any_login_name_of_the_uid() {
    in_sandbox(|sandbox| {
        for owner in ["alice", "1000", "alicia", "Alice.Smith"] {
            sandbox.delegate(format!("{owner}:100000:10\n"));
            sandbox.allows("0 100000 10");
        }
        sandbox.delegate("bob:100000:10\nghost:100000:10\nalicia:100000:10\n");
        sandbox.allows("0 100000 10");
        for owner in [
            "bob", "1001", "Alice", "alic", "alicee", " alice", "alice ", "#alice", "0x3e8", "+1000", "*",
            "ghost", "01000", "001000", " 1000", "1000 ",
        ] {
            sandbox.delegate(format!("{owner}:100000:10\n"));
            sandbox.refuses("0 100000 10", "0 100000 10");
        }
    });
}

/// Login names of digits, such as zero-padded student numbers, are in use. shadow 4.20 reads such a name as a uid first.
#[test]
fn a_login_name_of_digits_is_not_read_as_a_uid() {
    let student = Person { uid: 50_001, gid: 50_001 };
    let named_zero = Person { uid: 1010, gid: 1010 };
    in_sandbox(|sandbox| {
        sandbox.write(
            "passwd",
            "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n001000:x:50001:50001::/:/bin/sh\n\
             0:x:1010:1010::/:/bin/sh\n",
        );
        sandbox.delegate("001000:400000:10\nroot:500000:10\n");
        sandbox.allows_person(student, "0 400000 10");
        sandbox.refuses("0 400000 10", "0 400000 10");
        for id_type in IdType::BOTH {
            let message = format!(
                "{}: {} range [0-10) -> [500000-500010) not allowed",
                id_type.program(),
                id_type.word()
            );
            sandbox.fails(InstallMode::Setuid, id_type, named_zero, "0 500000 10", &message);
        }
        sandbox.delegate("0:500000:10\n");
        sandbox.allows_person(named_zero, "0 500000 10");
        sandbox.allows_person(ROOT, "0 500000 10");
    });
}

/// A refused request looks up each owner, and so does the explanation of the failure.
#[test]
fn each_owner_name_is_looked_up_once() {
    in_sandbox(|sandbox| {
        let asked = |owners: &[&str]| {
            let lines: Vec<String> = owners.iter().map(|owner| format!("{owner}:100000:10\n")).collect();
            sandbox.delegate(lines.concat());
            let (target, log) = (sandbox.namespace(ALICE), "/etc/trace");
            let program = sandbox.program(InstallMode::Setuid, IdType::Uid);
            let run = finish(&mut traced(&program, &target.pid(), "0 100000 10", log, "trace=%file"));
            assert_eq!(run.status, Some(1), "{run:?}");
            let log = read_to_string(log).unwrap();
            log.lines().filter(|line| line.contains("openat(AT_FDCWD, \"/etc/passwd\"")).count()
        };
        let for_one = asked(&["bob"]);
        assert_eq!(asked(&["bob", "bob"]), for_one);
        assert_eq!(asked(&["bob", "ghost", "bob", "carol", "ghost"]), for_one + 2);
    });
}

#[test]
fn the_owner_in_subgid_is_a_user_and_not_a_group() {
    in_sandbox(|sandbox| {
        sandbox.write("group", "root:x:0:\nalice:x:1000:\nstaff:x:1000:\n");
        sandbox.write("subgid", "staff:100000:10\n");
        let message = "newgidmap: gid range [0-10) -> [100000-100010) not allowed";
        sandbox.fails(InstallMode::Setuid, IdType::Gid, ALICE, "0 100000 10", message);
    });
}

#[test]
fn each_program_uses_only_its_own_subid_file() {
    in_sandbox(|sandbox| {
        for id_type in IdType::BOTH {
            sandbox.delegate("");
            sandbox.write(id_type.subid(), "alice:100000:10\n");
            for asked in IdType::BOTH {
                let attempt = sandbox.attempt(InstallMode::Setuid, asked, ALICE, "0 100000 10");
                assert_eq!(
                    attempt.outcome.status,
                    Some(i32::from(asked != id_type)),
                    "{asked:?} {id_type:?}"
                );
            }
        }
    });
}

#[test]
fn malformed_lines_are_ignored_and_the_other_lines_apply() {
    in_sandbox(|sandbox| {
        for line in [
            "alice",
            "alice:",
            "alice:100000",
            "alice:100000:",
            "alice::10",
            "alice:100000:10:x",
            "alice:100000:10:",
            "alice:100000:10 ",
            "alice:100000:10\r",
            "alice:-1:10",
            "alice:100000:-10",
            "alice:1e5:10",
            "alice:4294967295:2",
            "alice:0:4294967296",
            "alice:18446744073709551615:10",
            ":100000:10",
            "",
        ] {
            sandbox.delegate(format!("{line}\n"));
            sandbox.refuses("0 100000 10", "0 100000 10");
        }
        sandbox.delegate(format!("{}:100000:10\n", "a".repeat(1020)));
        sandbox.refuses("0 100000 10", "0 100000 10");
        sandbox.delegate(format!("alice:100000:{}10\n", "0".repeat(1010)));
        sandbox.refuses("0 100000 10", "0 100000 10");
        let between = format!("alice:100000\n\n{}\nalice:100000:10\n\0\nalice:", "x".repeat(200_000));
        sandbox.delegate(between);
        sandbox.allows("0 100000 10");
    });
}

#[test]
fn numbers_in_a_line_are_decimal_octal_or_hexadecimal() {
    in_sandbox(|sandbox| {
        for line in ["alice:0x186a0:0xA", "alice:0303240:012", "alice: +100000:\t10"] {
            sandbox.delegate(format!("{line}\n"));
            sandbox.allows("0 100000 10");
            sandbox.refuses("0 100000 11", "0 100000 11");
        }
    });
}

#[test]
fn a_last_line_without_a_newline_applies() {
    in_sandbox(|sandbox| {
        sandbox.delegate("bob:1:1\nalice:100000:10");
        sandbox.allows("0 100000 10");
    });
}

#[test]
fn a_line_is_found_in_a_large_file() {
    in_sandbox(|sandbox| {
        let line = |n| format!("user{n}:{}:10\n", 200_000 + n);
        let others = (0..50_000).map(line).collect::<Vec<_>>().concat();
        sandbox.delegate(format!("{others}alice:100000:10\n{others}alice:100010:10\n"));
        sandbox.allows("0 100000 20");
        sandbox.refuses("0 100000 21", "0 100000 21");
    });
}

#[test]
fn a_missing_subid_file_is_an_error_unless_login_defs_disables_it() {
    in_sandbox(|sandbox| {
        sandbox.remove("subuid");
        sandbox.remove("subgid");
        sandbox.for_each_program(|mode, id_type| {
            let message = "PROGRAM: cannot open /etc/SUBID: No such file or directory";
            for wanted in ["0 1000 1", "0 100000 1", "0", "x y z"] {
                sandbox.fails(mode, id_type, ALICE, wanted, message);
            }
        });
        sandbox.write("login.defs", "SUB_UID_COUNT 0\nSUB_GID_COUNT 0\n");
        sandbox.refuses("0 100000 1", "0 100000 1");
        sandbox.allows("0 1000 1");
    });
}

#[test]
fn an_existing_subid_file_is_used_even_if_login_defs_disables_it() {
    in_sandbox(|sandbox| {
        sandbox.write("login.defs", "SUB_UID_COUNT 0\nSUB_GID_COUNT 0\n");
        sandbox.delegate("alice:100000:10\n");
        sandbox.allows("0 100000 10");
    });
}

#[test]
fn an_unusable_subid_file_is_reported_with_the_reason() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let fails = |reason: &str| {
            sandbox.for_each_program(|mode, id_type| {
                let message = format!("PROGRAM: cannot open /etc/SUBID: {reason}");
                sandbox.fails(mode, id_type, ALICE, "0 100000 10", &message);
            });
        };
        let each = |change: &dyn Fn(&str)| ["subuid", "subgid"].into_iter().for_each(change);
        // The file is opened with the caller's rights, so a setuid program cannot read a file that only root may read.
        let only_root = || std::fs::Permissions::from_mode(0o600);
        each(&|name| std::fs::set_permissions(Sandbox::etc(name), only_root()).unwrap());
        fails("Permission denied");
        each(&|name| std::fs::rename(Sandbox::etc(name), Sandbox::etc("real")).unwrap());
        each(&|name| symlink("/etc/real", Sandbox::etc(name)).unwrap());
        fails("Too many levels of symbolic links");
        each(&|name| sandbox.remove(name));
        each(&|name| std::fs::create_dir(Sandbox::etc(name)).unwrap());
        fails("Is a directory");
    });
}

#[test]
fn root_needs_a_delegation_too() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            let message = format!("PROGRAM: {} range [0-10) -> [100000-100010) not allowed", id_type.word());
            sandbox.fails(mode, id_type, ROOT, "0 100000 10", &message);
        });
        sandbox.allows_person(ROOT, "0 0 1");
        sandbox.delegate("root:100000:10\n0:200000:10\n");
        sandbox.allows_person(ROOT, "0 100000 10 10 200000 10");
    });
}

#[test]
fn a_delegation_applies_only_to_its_owner() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\nbob:200000:10\n");
        sandbox.allows_person(BOB, "0 200000 10");
        sandbox.refuses("0 200000 10", "0 200000 10");
    });
}
