//! The owner of the target and the caller: their uid, gid and passwd entry.

use super::harness::{ALICE, BOB, InstallMode, Person, ROOT, UNKNOWN_USER, in_sandbox};

#[test]
fn a_target_of_another_user_or_group_is_refused() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\nbob:100000:10\nroot:100000:10\n");
        let shown = |caller: Person, target: Person| {
            format!(
                "Target process is owned by a different user: uid:{0} pw_uid:{0} st_uid:{1}, gid:{2} pw_gid:{2} st_gid:{3}",
                caller.uid, target.uid, caller.gid, target.gid
            )
        };
        for (caller, owner) in
            [(ALICE, BOB), (BOB, ALICE), (ALICE, ROOT), (ROOT, ALICE), (ALICE, ALICE.with_gid(100))]
        {
            let target = sandbox.namespace(owner);
            sandbox.for_each_program(|mode, id_type| {
                let outcome =
                    sandbox.run(mode, id_type, caller, &[target.pid().as_str(), "0", "100000", "10"]);
                assert_eq!(
                    outcome.shadow_lines(),
                    format!("{}: {}\n", id_type.program(), shown(caller, owner))
                );
                assert_eq!((outcome.status, target.map(id_type).as_str()), (Some(1), ""));
            });
        }
    });
}

#[test]
fn the_caller_needs_the_login_group_unless_login_defs_allows_others() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let alice_of_users = ALICE.with_gid(100);
        let refused = "PROGRAM: Target process is owned by a different user: \
            uid:1000 pw_uid:1000 st_uid:1000, gid:100 pw_gid:1000 st_gid:100";
        for login_defs in [
            "",
            "GRANT_AUX_GROUP_SUBIDS no\n",
            "GRANT_AUX_GROUP_SUBIDS yes # why\n",
            "GRANT_AUX_GROUP_SUBIDS yes\r\n",
        ] {
            sandbox.write("login.defs", login_defs);
            sandbox.for_each_program(|mode, id_type| {
                sandbox.fails(mode, id_type, alice_of_users, "0 100000 10", refused);
            });
        }
        for login_defs in ["GRANT_AUX_GROUP_SUBIDS yes\n", "GRANT_AUX_GROUP_SUBIDS\t\"YES\""] {
            sandbox.write("login.defs", login_defs);
            sandbox.allows_person(alice_of_users, "0 100000 10");
        }
        // The caller's own gid is the real gid, not the login group.
        let attempt =
            sandbox.attempt(InstallMode::Setuid, super::harness::IdType::Gid, alice_of_users, "0 100 1");
        assert_eq!((attempt.outcome.status, attempt.map.as_str()), (Some(0), "0 100 1"));
        let attempt =
            sandbox.attempt(InstallMode::Setuid, super::harness::IdType::Gid, alice_of_users, "0 1000 1");
        assert_eq!((attempt.outcome.status, attempt.map.as_str()), (Some(1), ""));
    });
}

#[test]
fn a_caller_without_passwd_entry_may_not_even_map_the_own_id() {
    in_sandbox(|sandbox| {
        sandbox.delegate("4711:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let message = "PROGRAM: Cannot determine your user name.";
            for wanted in ["0 4711 1", "0 100000 10", "x"] {
                sandbox.fails(mode, id_type, UNKNOWN_USER, wanted, message);
            }
        });
    });
}
