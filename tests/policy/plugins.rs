//! Subid plugins that nsswitch.conf names: their decisions and their failures.

use std::fs;

use super::harness::{ALICE, BOB, IdType, InstallMode, finish};
use super::plugin::{
    configure, first_delegated, in_plugin_sandbox, install, install_sssd_plugin, library_directory,
};

#[test]
fn a_plugin_decides_instead_of_the_subid_files() {
    in_plugin_sandbox(|sandbox| {
        for macros in [&[][..], &["OWN_FREE"]] {
            install(sandbox, "test", macros);
            sandbox.remove("subuid");
            sandbox.for_each_program(|mode, id_type| {
                let start = first_delegated(id_type);
                for (wanted, allowed) in [
                    (format!("0 {start} 100"), true),
                    (format!("0 {start} 101"), false),
                    (format!("0 1000 1 1 {start} 50 51 {} 50", start + 50), true),
                    (format!("0 1000 1 1 {start} 50 51 {} 51", start + 50), false),
                    ("0 1000 1".to_owned(), true),
                ] {
                    let attempt = sandbox.attempt(mode, id_type, ALICE, &wanted);
                    assert_eq!(
                        attempt.outcome.status,
                        Some(i32::from(!allowed)),
                        "{mode:?} {id_type:?} {wanted}"
                    );
                    assert_eq!(attempt.map.is_empty(), !allowed, "{mode:?} {id_type:?} {wanted}");
                }
                let attempt = sandbox.attempt(mode, id_type, BOB, &format!("0 {start} 1"));
                assert_eq!((attempt.outcome.status, attempt.map.as_str()), (Some(1), ""));
            });
            let own = sandbox.attempt(InstallMode::Setuid, IdType::Gid, ALICE, "0 1000 1");
            assert_eq!(own.setgroups, "deny");
            sandbox.delegate("alice:500000:200000\n");
        }
    });
}

#[test]
fn any_plugin_answer_but_yes_is_a_refusal() {
    in_plugin_sandbox(|sandbox| {
        for (index, macros) in [
            &["BEHAVIOUR=1", "FOUND=1"][..],
            &["BEHAVIOUR=2", "FOUND=1"],
            &["BEHAVIOUR=3", "FOUND=1"],
            &["BEHAVIOUR=9", "FOUND=1"],
            &["BEHAVIOUR=-1", "FOUND=1"],
            &["FOUND=0"],
            &["FOUND=2"],
            &["FOUND=255"],
        ]
        .into_iter()
        .enumerate()
        {
            install(sandbox, &format!("odd{index}"), macros);
            for id_type in IdType::BOTH {
                let wanted = format!("0 {} 100", first_delegated(id_type));
                let attempt = sandbox.attempt(InstallMode::Setuid, id_type, ALICE, &wanted);
                assert_eq!((attempt.outcome.status, attempt.map.as_str()), (Some(1), ""), "{macros:?}");
                assert!(attempt.outcome.first_line().ends_with("not allowed"), "{macros:?}");
            }
        }
    });
}

/// If the files were used instead, a caller could replace the plugin by making its load fail, for example with a limit.
#[test]
fn an_unusable_plugin_delegates_nothing_and_the_files_stay_unused() {
    in_plugin_sandbox(|sandbox| {
        let delegates_nothing = |message: &str| {
            for id_type in IdType::BOTH {
                let message = format!("{}: {message}", id_type.program());
                for wanted in ["0 690000 10", "0 1000 1 1 690000 10"] {
                    let attempt = sandbox.attempt(InstallMode::Setuid, id_type, ALICE, wanted);
                    assert_eq!(attempt.outcome.first_line(), message);
                    assert_eq!((attempt.outcome.status, attempt.map.as_str()), (Some(1), ""));
                }
                // The caller's own id needs no delegation.
                let own = sandbox.attempt(InstallMode::Setuid, id_type, ALICE, "0 1000 1");
                assert_eq!(own.outcome.stderr, format!("{message}\n"));
                assert_eq!((own.outcome.status, own.map.as_str()), (Some(0), "0 1000 1"));
                assert_eq!(own.setgroups, if id_type == IdType::Gid { "deny" } else { "allow" });
            }
        };
        install(sandbox, "partial", &["WITHOUT_HAS_RANGE"]);
        delegates_nothing("libsubid_partial.so did not provide @has_range@");
        let long = "x".repeat(51);
        configure(sandbox, &long);
        let too_long = "Subid NSS module name too long (longer than 50 characters)";
        delegates_nothing(&format!("{too_long}: {long}"));
        let longest = "x".repeat(50);
        configure(sandbox, &longest);
        let library = format!("libsubid_{longest}.so");
        delegates_nothing(&format!(
            "Error opening {library}: {library}: cannot open shared object file: No such file or directory"
        ));
        configure(sandbox, "missing");
        let library = "libsubid_missing.so";
        let missing = format!(
            "Error opening {library}: {library}: cannot open shared object file: No such file or directory"
        );
        delegates_nothing(&missing);
        let listed = sandbox.getsubids(&["alice"]);
        assert_eq!((listed.status, listed.stdout.as_str()), (Some(1), ""));
        assert!(listed.stderr.contains(&missing), "{}", listed.stderr);
    });
}

#[test]
fn resource_limits_of_the_caller_do_not_bypass_a_plugin() {
    in_plugin_sandbox(|sandbox| {
        // The subid files delegate the ids.
        install(sandbox, "strict", &["FOUND=0"]);
        let descriptors = (3..12).map(|most| format!("--nofile={most}"));
        let memory = (2000..5000).step_by(100).map(|kibibytes| format!("--as={}", kibibytes * 1024));
        let mut refusals = 0;
        for limit in descriptors.chain(memory) {
            for mode in InstallMode::GOOD {
                let target = sandbox.namespace(ALICE);
                let mut limited = ALICE.command("prlimit");
                limited.arg(&limit);
                let words = [target.pid(), "0".into(), "600000".into(), "10".into()];
                let outcome = sandbox.run_through(limited, mode, IdType::Uid, &words);
                assert_eq!(target.map(IdType::Uid), "", "{limit} {mode:?}: {outcome:?}");
                assert_ne!(outcome.status, Some(0), "{limit} {mode:?}: {outcome:?}");
                refusals += usize::from(outcome.first_line().ends_with("not allowed"));
            }
        }
        // With the higher limits, the plugin is loaded and refuses.
        assert!(refusals > 0);
    });
}

/// The first plugin allows only while no capability is effective, the second only while one is.
#[test]
fn a_plugin_runs_without_effective_capabilities() {
    in_plugin_sandbox(|sandbox| {
        install(sandbox, "looking", &["FOUND=nothing_effective()"]);
        for mode in InstallMode::GOOD {
            for id_type in IdType::BOTH {
                let attempt = sandbox.attempt(mode, id_type, ALICE, "0 1 10");
                assert_eq!(
                    (attempt.outcome.status, attempt.map.as_str()),
                    (Some(0), "0 1 10"),
                    "{attempt:?}"
                );
            }
        }
        install(sandbox, "raised", &["FOUND=!nothing_effective()"]);
        assert_eq!(
            sandbox.attempt(InstallMode::Setuid, IdType::Uid, ALICE, "0 1 10").outcome.status,
            Some(1)
        );
    });
}

/// The libraries of a plugin may look for servers and options in the environment and in the working directory.
#[test]
fn a_plugin_does_not_see_the_callers_environment_or_directory() {
    in_plugin_sandbox(|sandbox| {
        fs::create_dir("/mnt/here").unwrap();
        fs::write("/mnt/here/rc", "").unwrap();
        for (index, (seen, expected)) in [
            ("getenv(\"SERVER\") != NULL || environ != NULL", 1),
            ("access(\"rc\", F_OK) == 0", 1),
            ("environ == NULL && access(\"rc\", F_OK) != 0", 0),
        ]
        .into_iter()
        .enumerate()
        {
            install(sandbox, &format!("seeing{index}"), &[&format!("FOUND=({seen})")]);
            for mode in InstallMode::GOOD {
                for id_type in IdType::BOTH {
                    let target = sandbox.namespace(ALICE);
                    let mut env = ALICE.command("env");
                    env.args(["--chdir=/mnt/here", "SERVER=elsewhere"]);
                    let words = [target.pid(), "0".into(), "1".into(), "10".into()];
                    let outcome = sandbox.run_through(env, mode, id_type, &words);
                    assert_eq!(outcome.status, Some(expected), "{seen}: {outcome:?}");
                }
            }
        }
    });
}

#[test]
fn ld_library_path_does_not_select_the_plugin() {
    in_plugin_sandbox(|sandbox| {
        install(sandbox, "mine", &["FOUND=1"]);
        fs::create_dir("/mnt/mine").unwrap();
        let installed = library_directory().join("libsubid_mine.so");
        fs::copy(&installed, "/mnt/mine/libsubid_mine.so").unwrap();
        fs::remove_file(installed).unwrap();
        sandbox.delegate("");
        for mode in InstallMode::GOOD {
            let target = sandbox.namespace(ALICE);
            let mut env = ALICE.command("env");
            env.arg("LD_LIBRARY_PATH=/mnt/mine");
            let words = [target.pid(), "0".into(), "1".into(), "10".into()];
            let outcome = sandbox.run_through(env, mode, IdType::Uid, &words);
            assert_eq!((outcome.status, target.map(IdType::Uid).as_str()), (Some(1), ""), "{mode:?}");
            assert!(outcome.first_line().contains("Error opening libsubid_mine.so"), "{}", outcome.stderr);
        }
    });
}

#[test]
fn getsubids_lists_the_ranges_of_a_plugin() {
    in_plugin_sandbox(|sandbox| {
        for (index, macros) in [&[][..], &["OWN_FREE"]].into_iter().enumerate() {
            install(sandbox, &format!("list{index}"), macros);
            assert_eq!(sandbox.getsubids(&["alice"]).stdout, "0: alice 500000 60\n1: alice 500060 40\n");
            assert_eq!(
                sandbox.getsubids(&["-g", "alice"]).stdout,
                "0: alice 600000 60\n1: alice 600060 40\n"
            );
            // An empty list is a valid answer.
            let nothing = sandbox.getsubids(&["bob"]);
            assert_eq!((nothing.status, nothing.stdout.as_str(), nothing.stderr.as_str()), (Some(0), "", ""));
        }
        // A null pointer is an empty list, and is not the plugin's to free.
        install(sandbox, "null", &["LIST=(shadow_subid_free(list),NULL)", "COUNT=0", "OWN_FREE"]);
        let nothing = sandbox.getsubids(&["alice"]);
        assert_eq!((nothing.status, nothing.stdout.as_str()), (Some(0), ""), "{nothing:?}");
        let unreadable = "a list that cannot be read";
        for (index, (macros, reason)) in [
            (&["BEHAVIOUR=1"][..], "unknown user, or no range"),
            (&["BEHAVIOUR=2"], "connection error"),
            (&["BEHAVIOUR=3"], "error"),
            (&["BEHAVIOUR=9"], "undefined status 9"),
            (&["LIST=NULL"], unreadable),
            (&["LIST=(free(list),NULL)", "COUNT=0x7fffffff"], unreadable),
            (&["COUNT=0x7fffffff"], unreadable),
            (&["LIST=(free(list),(void *)8)"], unreadable),
            (&["LIST=(void *)-1L", "OWN_FREE"], unreadable),
            (&["COUNT=-1"], unreadable),
        ]
        .into_iter()
        .enumerate()
        {
            install(sandbox, &format!("bad{index}"), macros);
            let outcome = sandbox.getsubids(&["alice"]);
            let expected = format!("Error fetching ranges\ngetsubids: libsubid_bad{index}.so: {reason}\n");
            assert_eq!((outcome.status, outcome.stderr), (Some(1), expected), "{macros:?}");
        }
    });
}

#[test]
fn a_plugin_runs_without_cap_setfcap_unless_the_map_needs_it() {
    in_plugin_sandbox(|sandbox| {
        install(sandbox, "careful", &["FOUND=!permits_setfcap()"]);
        for (ranges, is_allowed) in [("0 1 10", true), ("0 0 10", false)] {
            let attempt = sandbox.attempt(InstallMode::Setuid, IdType::Uid, ALICE, ranges);
            assert_eq!(attempt.outcome.status, Some(i32::from(!is_allowed)), "{ranges}: {attempt:?}");
        }
    });
}

#[test]
fn uidmap_check_maps_the_ranges_of_a_plugin() {
    in_plugin_sandbox(|sandbox| {
        install(sandbox, "checked", &[]);
        sandbox.delegate("");
        for mode in InstallMode::GOOD {
            let program = sandbox.program(mode, IdType::Uid);
            let path = format!("PATH={}:/usr/bin:/bin", program.parent().unwrap().display());
            let outcome = finish(ALICE.command("env").arg(path).arg(sandbox.tool("uidmap-check")));
            assert_eq!(outcome.status, Some(0), "{}", outcome.stdout);
            for line in ["0 1000 1, 1 500000 60, 61 500060 40", "0 1000 1, 1 600000 60, 61 600060 40"] {
                assert!(outcome.stdout.contains(line), "{line}\n{}", outcome.stdout);
            }
        }
    });
}

/// Debian's sssd plugin returns "connection error" without sssd and does not set its result. The plugin has no
/// `shadow_subid_free`.
#[test]
fn the_sssd_plugin_delegates_nothing_without_sssd() {
    in_plugin_sandbox(|sandbox| {
        install_sssd_plugin(sandbox);
        sandbox.for_each_program(|mode, id_type| {
            let message = format!("PROGRAM: {} range [0-10) -> [500000-500010) not allowed", id_type.word());
            sandbox.fails(mode, id_type, ALICE, "0 500000 10", &message);
            assert_eq!(sandbox.attempt(mode, id_type, ALICE, "0 1000 1").map, "0 1000 1");
        });
        let expected = "Error fetching ranges\ngetsubids: libsubid_sss.so: connection error\n";
        assert_eq!(sandbox.getsubids(&["alice"]).stderr, expected);
    });
}
