//! getsubids(1): its lists of ranges and its failures.

use std::fs::{create_dir, set_permissions};
use std::os::unix::fs::PermissionsExt;

use super::harness::{ALICE, Sandbox, finish, in_sandbox};

#[test]
fn ranges_are_listed_in_file_order_for_any_name_or_uid() {
    in_sandbox(|sandbox| {
        sandbox.delegate("");
        sandbox.write(
            "subuid",
            "alice:100000:10\nbob:1:1\n1000:200000:10\ncontainers:5:5\n4711:6:6\nalicia:300000:5\nalice:x:1\n\
             alice:100000:10\nalice:7:0\n01000:8:8\nalice:0x10:010",
        );
        sandbox.write("subgid", "alice:9:9\n");
        let all = ["100000 10", "200000 10", "300000 5", "100000 10", "7 0", "16 8"];
        let of = |user: &str, ranges: &[&str]| {
            let lines = ranges.iter().enumerate().map(|(index, range)| format!("{index}: {user} {range}\n"));
            lines.collect::<String>()
        };
        for (arguments, lines) in [
            (&["alice"][..], of("alice", &all)),
            // rootlesskit 1.1.0 asks for the uid and for the name, and adds both answers.
            (&["1000"], of("1000", &["200000 10"])),
            (&["alicia"], of("alicia", &all)),
            // Owners without account.
            (&["containers"], of("containers", &["5 5"])),
            (&["4711"], of("4711", &["6 6"])),
            (&["01000"], of("01000", &["8 8"])),
            (&["-g", "alice"], of("alice", &["9 9"])),
            (&["bob", "alice"], of("bob", &["1 1"])),
            // Accounts without delegation.
            (&["root"], String::new()),
            (&["0"], String::new()),
            (&["-g", "bob"], String::new()),
        ] {
            let outcome = sandbox.getsubids(arguments);
            assert_eq!((outcome.stdout, outcome.stderr.as_str()), (lines, ""), "{arguments:?}");
            assert_eq!(outcome.status, Some(0), "{arguments:?}");
        }
    });
}

#[test]
fn an_unknown_user_and_an_unreadable_file_are_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:9:9\n");
        let fails = |arguments: &[&str], reason: &str| {
            let outcome = sandbox.getsubids(arguments);
            assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{arguments:?}");
            let expected = format!("Error fetching ranges\ngetsubids: {reason}\n");
            assert_eq!(outcome.stderr, expected, "{arguments:?}");
        };
        for (arguments, user) in [
            (&["nosuch"][..], "nosuch"),
            (&["4711"], "4711"),
            (&["+1000"], "+1000"),
            (&[""], ""),
            (&["-g"], "-g"),
            (&["-g", "alice", "bob"], "-g"),
            (&["\x1b[2J"], "\\u{1b}[2J"),
        ] {
            fails(arguments, &format!("there is no user {user}, and nothing is delegated under that name"));
        }
        sandbox.remove("subuid");
        fails(&["alice"], "cannot open /etc/subuid: No such file or directory");
        create_dir(Sandbox::etc("subuid")).unwrap();
        fails(&["alice"], "cannot open /etc/subuid: Is a directory");
        set_permissions(Sandbox::etc("subgid"), PermissionsExt::from_mode(0o600)).unwrap();
        let outcome = finish(ALICE.command(sandbox.tool("getsubids")).args(["-g", "alice"]));
        let expected = "Error fetching ranges\ngetsubids: cannot open /etc/subgid: Permission denied\n";
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), expected));
    });
}

#[test]
fn usage_is_printed_to_stderr_and_help_to_stdout() {
    in_sandbox(|sandbox| {
        let usage = "Usage: getsubids [-g] user\n    list subuid ranges for user\n    pass -g to list subgid ranges\n";
        for arguments in [&[][..], &["-h"]] {
            let outcome = sandbox.getsubids(arguments);
            assert_eq!(
                (outcome.status, outcome.stdout.as_str(), outcome.stderr.as_str()),
                (Some(1), "", usage)
            );
        }
        let outcome = sandbox.getsubids(&["--help"]);
        assert_eq!((outcome.status, outcome.stdout.as_str(), outcome.stderr.as_str()), (Some(0), usage, ""));
    });
}
