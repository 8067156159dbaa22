//! What becomes of setgroups(2) (CVE-2018-7169).

use std::fs;

use super::harness::{ALICE, Kind, Way, in_world};

#[test]
fn setgroups_is_denied_if_no_group_came_from_subgid() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for way in Way::GOOD {
            for (wanted, setgroups) in [
                ("0 1000 1", "deny"),
                ("0 100000 10", "allow"),
                ("0 1000 1 1 100000 10", "allow"),
                ("1 100000 10 0 1000 1", "allow"),
            ] {
                let attempt = world.attempt(way, Kind::Gid, ALICE, wanted);
                assert_eq!(attempt.outcome.stderr, "", "{way:?} {wanted}");
                assert_eq!(attempt.setgroups, setgroups, "{way:?} {wanted}");
                let attempt = world.attempt(way, Kind::Uid, ALICE, wanted);
                assert_eq!(attempt.setgroups, "allow", "{way:?} {wanted}");
            }
        }
    });
}

#[test]
fn setgroups_stays_if_the_own_group_is_delegated() {
    in_world(|world| {
        for owner in ["alice", "alicia"] {
            world.delegate(format!("{owner}:1000:1\n"));
            for way in Way::GOOD {
                let attempt = world.attempt(way, Kind::Gid, ALICE, "0 1000 1");
                assert_eq!(
                    (attempt.outcome.status, attempt.setgroups.as_str()),
                    (Some(0), "allow"),
                    "{way:?}"
                );
            }
        }
    });
}

#[test]
fn setgroups_that_is_denied_already_stays_denied() {
    in_world(|world| {
        world.delegate("alice:100000:10\n");
        for way in Way::GOOD {
            for wanted in ["0 1000 1", "0 100000 10"] {
                let target = world.namespace(ALICE);
                fs::write(format!("/proc/{}/setgroups", target.pid()), "deny").unwrap();
                let words: Vec<String> =
                    std::iter::once(target.pid()).chain(wanted.split(' ').map(Into::into)).collect();
                let outcome = world.run(way, Kind::Gid, ALICE, &words);
                assert_eq!(outcome.stderr, "");
                assert_eq!(
                    (target.map(Kind::Gid), target.setgroups()),
                    (wanted.to_owned(), "deny".to_owned())
                );
            }
        }
    });
}

#[test]
fn setgroups_stays_if_the_request_is_refused() {
    in_world(|world| {
        for wanted in ["0 100000 10", "0 1000 1 1 100000 10", "0 1000 2", "0 1000 1 1"] {
            let attempt = world.attempt(Way::Setuid, Kind::Gid, ALICE, wanted);
            assert_eq!((attempt.outcome.status, attempt.setgroups.as_str()), (Some(1), "allow"), "{wanted}");
        }
    });
}

/// The kernel refuses every write to `setgroups` then; that the map is there already is what is to be told.
#[test]
fn setgroups_is_left_alone_where_it_is_denied_and_the_map_written() {
    in_world(|world| {
        for way in Way::GOOD {
            let target = world.namespace(ALICE);
            let words = [target.pid(), "0".into(), "1000".into(), "1".into()];
            assert_eq!(world.run(way, Kind::Gid, ALICE, &words).status, Some(0));
            let second = world.run(way, Kind::Gid, ALICE, &words);
            assert_eq!(
                second.shadows_part(),
                "newgidmap: write to gid_map failed: Operation not permitted\n"
            );
        }
    });
}

/// The file is opened without privilege, so the kernel refuses that, and not only what is written.
#[test]
fn setgroups_of_a_process_without_a_namespace_of_its_own_cannot_be_opened() {
    in_world(|world| {
        for way in Way::GOOD {
            let target = world.process(ALICE);
            let words = [target.pid(), "0".into(), "1000".into(), "1".into()];
            let outcome = world.run(way, Kind::Gid, ALICE, &words);
            assert_eq!(outcome.first_line(), "newgidmap: couldn't open process setgroups: Permission denied");
            assert_eq!((outcome.status, target.setgroups().as_str()), (Some(1), "allow"));
        }
    });
}
