//! The setgroups file of the target: newgidmap denies setgroups(2) if no mapped gid is delegated (CVE-2018-7169).

use std::fs;

use super::harness::{ALICE, IdType, InstallMode, in_sandbox};

#[test]
fn setgroups_is_denied_if_no_mapped_gid_is_delegated() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for mode in InstallMode::GOOD {
            for (wanted, setgroups) in [
                ("0 1000 1", "deny"),
                ("0 100000 10", "allow"),
                ("0 1000 1 1 100000 10", "allow"),
                ("1 100000 10 0 1000 1", "allow"),
            ] {
                let attempt = sandbox.attempt(mode, IdType::Gid, ALICE, wanted);
                assert_eq!(attempt.outcome.stderr, "", "{mode:?} {wanted}");
                assert_eq!(attempt.setgroups, setgroups, "{mode:?} {wanted}");
                let attempt = sandbox.attempt(mode, IdType::Uid, ALICE, wanted);
                assert_eq!(attempt.setgroups, "allow", "{mode:?} {wanted}");
            }
        }
    });
}

#[test]
fn setgroups_stays_allowed_if_the_own_gid_is_delegated() {
    in_sandbox(|sandbox| {
        for owner in ["alice", "alicia"] {
            sandbox.delegate(format!("{owner}:1000:1\n"));
            for mode in InstallMode::GOOD {
                let attempt = sandbox.attempt(mode, IdType::Gid, ALICE, "0 1000 1");
                assert_eq!(
                    (attempt.outcome.status, attempt.setgroups.as_str()),
                    (Some(0), "allow"),
                    "{mode:?}"
                );
            }
        }
    });
}

#[test]
fn denied_setgroups_stays_denied() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for mode in InstallMode::GOOD {
            for wanted in ["0 1000 1", "0 100000 10"] {
                let target = sandbox.namespace(ALICE);
                fs::write(format!("/proc/{}/setgroups", target.pid()), "deny").unwrap();
                let words: Vec<String> =
                    std::iter::once(target.pid()).chain(wanted.split(' ').map(Into::into)).collect();
                let outcome = sandbox.run(mode, IdType::Gid, ALICE, &words);
                assert_eq!(outcome.stderr, "");
                assert_eq!(
                    (target.map(IdType::Gid), target.setgroups()),
                    (wanted.to_owned(), "deny".to_owned())
                );
            }
        }
    });
}

#[test]
fn setgroups_stays_allowed_if_the_request_is_refused() {
    in_sandbox(|sandbox| {
        for wanted in ["0 100000 10", "0 1000 1 1 100000 10", "0 1000 2", "0 1000 1 1"] {
            let attempt = sandbox.attempt(InstallMode::Setuid, IdType::Gid, ALICE, wanted);
            assert_eq!((attempt.outcome.status, attempt.setgroups.as_str()), (Some(1), "allow"), "{wanted}");
        }
    });
}

/// After the map is written, the kernel refuses writes to `setgroups`. The reported failure must be that of the map.
#[test]
fn denied_setgroups_is_not_written_again_after_the_map() {
    in_sandbox(|sandbox| {
        for mode in InstallMode::GOOD {
            let target = sandbox.namespace(ALICE);
            let words = [target.pid(), "0".into(), "1000".into(), "1".into()];
            assert_eq!(sandbox.run(mode, IdType::Gid, ALICE, &words).status, Some(0));
            let second = sandbox.run(mode, IdType::Gid, ALICE, &words);
            assert_eq!(
                second.shadow_lines(),
                "newgidmap: write to gid_map failed: Operation not permitted\n"
            );
        }
    });
}

/// The file is opened without privilege, so the kernel refuses the open.
#[test]
fn setgroups_of_a_process_in_the_callers_namespace_cannot_be_opened() {
    in_sandbox(|sandbox| {
        for mode in InstallMode::GOOD {
            let target = sandbox.process(ALICE);
            let words = [target.pid(), "0".into(), "1000".into(), "1".into()];
            let outcome = sandbox.run(mode, IdType::Gid, ALICE, &words);
            assert_eq!(outcome.first_line(), "newgidmap: couldn't open process setgroups: Permission denied");
            assert_eq!((outcome.status, target.setgroups().as_str()), (Some(1), "allow"));
        }
    });
}
