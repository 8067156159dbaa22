//! getsubids(1): what it lists, and how it fails. Compared with Debian 12's and 13's, which agree.

use super::harness::{Kind, in_world};

const FAILED: &str = "Error fetching ranges\n";

#[test]
fn ranges_are_listed_in_the_files_order_for_a_name_or_its_uid() {
    in_world(|world| {
        world.delegate("");
        world.write(
            "subuid",
            "alice:100000:10\nbob:1:1\n1000:200000:10\nghost:5:5\n4711:6:6\nalicia:300000:5\nalice:x:1\n\
             alice:100000:10\nalice:0:0\nalice:0x10:010",
        );
        world.write("subgid", "alice:9:9\n");
        for (arguments, lines) in [
            (&["alice"][..], "0: alice 100000 10\n1: alice 200000 10\n2: alice 100000 10\n3: alice 16 8\n"),
            (&["1000"], "0: 1000 200000 10\n"),
            (&["alicia"], "0: alicia 200000 10\n1: alicia 300000 5\n"),
            (&["ghost"], "0: ghost 5 5\n"),
            (&["4711"], "0: 4711 6 6\n"),
            (&["-g", "alice"], "0: alice 9 9\n"),
            (&["bob", "alice"], "0: bob 1 1\n"),
        ] {
            let outcome = world.getsubids(arguments);
            assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), (lines, ""), "{arguments:?}");
            assert_eq!(outcome.status, Some(0), "{arguments:?}");
        }
        for arguments in
            [&["root"][..], &["nosuch"], &[""], &["-g", "bob"], &["-g"], &["-g", "alice", "bob"], &["-x"]]
        {
            let outcome = world.getsubids(arguments);
            assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", FAILED), "{arguments:?}");
            assert_eq!(outcome.status, Some(1), "{arguments:?}");
        }
        world.remove(Kind::Uid.subid());
        assert_eq!(world.getsubids(&["alice"]).stderr, FAILED);
    });
}

#[test]
fn usage_goes_to_stderr_and_help_to_stdout() {
    in_world(|world| {
        let usage = "Usage: getsubids [-g] user\n    list subuid ranges for user\n    pass -g to list subgid ranges\n";
        for arguments in [&[][..], &["-h"]] {
            let outcome = world.getsubids(arguments);
            assert_eq!(
                (outcome.status, outcome.stdout.as_str(), outcome.stderr.as_str()),
                (Some(1), "", usage)
            );
        }
        let outcome = world.getsubids(&["--help"]);
        assert_eq!((outcome.status, outcome.stdout.as_str(), outcome.stderr.as_str()), (Some(0), usage, ""));
    });
}
