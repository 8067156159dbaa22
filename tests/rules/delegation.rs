//! What the files delegate, and to whom.

use std::fs::read_to_string;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::harness::tracing::traced;
use super::harness::{ALICE, BOB, Kind, Person, ROOT, Way, World, finish, in_world};

#[test]
fn the_callers_own_single_id_needs_no_delegation() {
    in_world(|world| {
        world.allows("0 1000 1");
        world.allows("5 1000 1");
        world.refuses("0 1000 2", "0 1000 2");
        world.refuses("0 1001 1", "0 1001 1");
        world.refuses("0 0 1", "0 0 1");
    });
}

#[test]
fn delegated_ids_may_be_mapped_and_not_one_more() {
    in_world(|world| {
        world.delegate("alice:100000:65536\n");
        world.allows("0 100000 65536");
        world.allows("0 1000 1 1 100000 65536");
        world.allows("7 165535 1");
        world.allows("0 100000 1 1 100002 1 2 100001 1");
        world.refuses("0 100000 65537", "0 100000 65537");
        world.refuses("0 99999 1", "0 99999 1");
        world.refuses("0 99999 3", "0 99999 3");
        world.refuses("0 165536 1", "0 165536 1");
        world.refuses("0 1000 1 1 100000 10 11 200000 5 16 300000 1", "11 200000 5");
    });
}

#[test]
fn lines_add_up_where_they_touch_or_overlap() {
    in_world(|world| {
        world.delegate(
            "alice:100020:10\nbob:1:1\nalice:100000:10\n1000:100010:10\nalicia:100030:10\nalice:100035:15\n",
        );
        world.allows("0 100000 50");
        world.allows("0 100005 40");
        world.refuses("0 100000 51", "0 100000 51");
        world.delegate("alice:100000:10\nalice:100011:10\n");
        world.refuses("0 100000 21", "0 100000 21");
        world.allows("0 100000 10 10 100011 10");
    });
}

#[test]
fn a_count_of_0_delegates_nothing() {
    in_world(|world| {
        world.delegate("alice:0:0\n");
        world.refuses("0 0 1", "0 0 1");
        world.refuses("0 0 4294967295", "0 0 4294967295");
        world.refuses("0 100000 1", "0 100000 1");
        world.delegate("alice:100000:0\n");
        world.refuses("0 100000 1", "0 100000 1");
    });
}

#[test]
fn the_owner_is_a_name_a_uid_or_another_name_of_the_uid() {
    in_world(|world| {
        for owner in ["alice", "1000", "alicia", "Alice.Smith"] {
            world.delegate(format!("{owner}:100000:10\n"));
            world.allows("0 100000 10");
        }
        world.delegate("bob:100000:10\nghost:100000:10\nalicia:100000:10\n");
        world.allows("0 100000 10");
        for owner in [
            "bob", "1001", "Alice", "alic", "alicee", " alice", "alice ", "#alice", "0x3e8", "+1000", "*",
            "ghost", "01000", "001000", " 1000", "1000 ",
        ] {
            world.delegate(format!("{owner}:100000:10\n"));
            world.refuses("0 100000 10", "0 100000 10");
        }
    });
}

/// Zero-padded numeric login names are real: students, staff. shadow 4.20 reads such a name as a uid first.
#[test]
fn a_login_name_of_digits_is_a_name_and_no_uid() {
    let student = Person { uid: 50_001, gid: 50_001 };
    let named_zero = Person { uid: 1010, gid: 1010 };
    in_world(|world| {
        world.write(
            "passwd",
            "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n001000:x:50001:50001::/:/bin/sh\n\
             0:x:1010:1010::/:/bin/sh\n",
        );
        world.delegate("001000:400000:10\nroot:500000:10\n");
        world.allows_person(student, "0 400000 10");
        world.refuses("0 400000 10", "0 400000 10");
        for kind in Kind::BOTH {
            let message =
                format!("{}: {} range [0-10) -> [500000-500010) not allowed", kind.program(), kind.word());
            world.fails(Way::Setuid, kind, named_zero, "0 500000 10", &message);
        }
        world.delegate("0:500000:10\n");
        world.allows_person(named_zero, "0 500000 10");
        world.allows_person(ROOT, "0 500000 10");
    });
}

/// A refusal asks about every name, and the explanation asks again.
#[test]
fn the_user_database_is_asked_once_for_each_name() {
    in_world(|world| {
        let asked = |owners: &[&str]| {
            let lines: Vec<String> = owners.iter().map(|owner| format!("{owner}:100000:10\n")).collect();
            world.delegate(lines.concat());
            let (target, log) = (world.namespace(ALICE), "/etc/trace");
            let program = world.program(Way::Setuid, Kind::Uid);
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
fn the_owner_of_group_ids_is_a_user_too() {
    in_world(|world| {
        world.write("group", "root:x:0:\nalice:x:1000:\nstaff:x:1000:\n");
        world.write("subgid", "staff:100000:10\n");
        let message = "newgidmap: gid range [0-10) -> [100000-100010) not allowed";
        world.fails(Way::Setuid, Kind::Gid, ALICE, "0 100000 10", message);
    });
}

#[test]
fn each_program_asks_its_own_file() {
    in_world(|world| {
        for kind in Kind::BOTH {
            world.delegate("");
            world.write(kind.subid(), "alice:100000:10\n");
            for asked in Kind::BOTH {
                let attempt = world.attempt(Way::Setuid, asked, ALICE, "0 100000 10");
                assert_eq!(attempt.outcome.status, Some(i32::from(asked != kind)), "{asked:?} {kind:?}");
            }
        }
    });
}

#[test]
fn malformed_lines_are_passed_over_and_the_others_count() {
    in_world(|world| {
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
            world.delegate(format!("{line}\n"));
            world.refuses("0 100000 10", "0 100000 10");
        }
        world.delegate(format!("{}:100000:10\n", "a".repeat(1020)));
        world.refuses("0 100000 10", "0 100000 10");
        world.delegate(format!("alice:100000:{}10\n", "0".repeat(1010)));
        world.refuses("0 100000 10", "0 100000 10");
        let between = format!("alice:100000\n\n{}\nalice:100000:10\n\0\nalice:", "x".repeat(200_000));
        world.delegate(between);
        world.allows("0 100000 10");
    });
}

#[test]
fn numbers_of_a_line_are_decimal_octal_or_hexadecimal() {
    in_world(|world| {
        for line in ["alice:0x186a0:0xA", "alice:0303240:012", "alice: +100000:\t10"] {
            world.delegate(format!("{line}\n"));
            world.allows("0 100000 10");
            world.refuses("0 100000 11", "0 100000 11");
        }
    });
}

#[test]
fn a_last_line_without_an_end_counts() {
    in_world(|world| {
        world.delegate("bob:1:1\nalice:100000:10");
        world.allows("0 100000 10");
    });
}

#[test]
fn a_line_is_found_however_large_the_file_is() {
    in_world(|world| {
        let line = |n| format!("user{n}:{}:10\n", 200_000 + n);
        let others = (0..50_000).map(line).collect::<Vec<_>>().concat();
        world.delegate(format!("{others}alice:100000:10\n{others}alice:100010:10\n"));
        world.allows("0 100000 20");
        world.refuses("0 100000 21", "0 100000 21");
    });
}

#[test]
fn the_file_must_be_there_unless_login_defs_says_that_none_is_used() {
    in_world(|world| {
        world.remove("subuid");
        world.remove("subgid");
        world.for_each_program(|way, kind| {
            let message = "PROGRAM: cannot open /etc/SUBID: No such file or directory";
            for wanted in ["0 1000 1", "0 100000 1", "0", "x y z"] {
                world.fails(way, kind, ALICE, wanted, message);
            }
        });
        world.write("login.defs", "SUB_UID_COUNT 0\nSUB_GID_COUNT 0\n");
        world.refuses("0 100000 1", "0 100000 1");
        world.allows("0 1000 1");
    });
}

#[test]
fn the_file_is_used_where_it_is_there_whatever_login_defs_says() {
    in_world(|world| {
        world.write("login.defs", "SUB_UID_COUNT 0\nSUB_GID_COUNT 0\n");
        world.delegate("alice:100000:10\n");
        world.allows("0 100000 10");
    });
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_the_reason() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        let fails = |reason: &str| {
            world.for_each_program(|way, kind| {
                let message = format!("PROGRAM: cannot open /etc/SUBID: {reason}");
                world.fails(way, kind, ALICE, "0 100000 10", &message);
            });
        };
        let each = |change: &dyn Fn(&str)| ["subuid", "subgid"].into_iter().for_each(change);
        // Read with the caller's rights: installed setuid, too, what root alone may read stays unread.
        let roots_alone = || std::fs::Permissions::from_mode(0o600);
        each(&|name| std::fs::set_permissions(World::etc(name), roots_alone()).unwrap());
        fails("Permission denied");
        each(&|name| std::fs::rename(World::etc(name), World::etc("real")).unwrap());
        each(&|name| symlink("/etc/real", World::etc(name)).unwrap());
        fails("Too many levels of symbolic links");
        each(&|name| world.remove(name));
        each(&|name| std::fs::create_dir(World::etc(name)).unwrap());
        fails("Is a directory");
    });
}

#[test]
fn root_is_no_exemption() {
    in_world(|world| {
        world.for_each_program(|way, kind| {
            let message = format!("PROGRAM: {} range [0-10) -> [100000-100010) not allowed", kind.word());
            world.fails(way, kind, ROOT, "0 100000 10", &message);
        });
        world.allows_person(ROOT, "0 0 1");
        world.delegate("root:100000:10\n0:200000:10\n");
        world.allows_person(ROOT, "0 100000 10 10 200000 10");
    });
}

#[test]
fn a_delegation_is_its_owners_alone() {
    in_world(|world| {
        world.delegate("alice:100000:10\nbob:200000:10\n");
        world.allows_person(BOB, "0 200000 10");
        world.refuses("0 200000 10", "0 200000 10");
    });
}
