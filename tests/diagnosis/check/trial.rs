//! Programs that are started and write no map.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::harness::{ALICE, IdType, InstallMode, in_sandbox, must_succeed, setpriv};
use super::{check, row};

#[test]
fn a_program_that_the_kernel_cannot_load_is_named() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        fs::create_dir("/mnt/other").unwrap();
        for (text, message, cause) in [
            (
                "\x7fELF",
                "Exec format error",
                "/mnt/other/newuidmap is no program of this machine's architecture",
            ),
            (
                "#!/missing\n",
                "No such file or directory",
                "/mnt/other/newuidmap needs a dynamic loader or an interpreter",
            ),
        ] {
            fs::write("/mnt/failing", text).unwrap();
            must_succeed(Command::new("install").args(["/mnt/failing", "/mnt/other/newuidmap"]));
            let outcome = check(sandbox, ALICE.command("env"), &["PATH=/mnt/other:/usr/bin:/bin"]);
            let rows = row(&outcome, "uid map");
            assert_eq!(rows[0], format!("bad   uid map         the program cannot be started: {message}"));
            assert!(rows[1].starts_with(&format!("cause: {cause}")), "{rows:?}");
            assert!(rows[1].ends_with("[not-executable]"), "{rows:?}");
        }
    });
}

/// Debian's programs name no cause. A script that prints their message stands for a program without privilege, and false(1), setuid
/// root, for one with privilege.
#[test]
fn the_causes_of_a_program_that_names_none_are_found_by_the_check() {
    in_sandbox(|sandbox| {
        fs::create_dir("/mnt/other").unwrap();
        let install = |file: &str, mode: &str| {
            for id_type in IdType::BOTH {
                let path = Path::new("/mnt/other").join(id_type.program());
                must_succeed(Command::new("install").args([mode, file]).arg(path));
            }
        };
        let message = "newuidmap: write to uid_map failed: Operation not permitted";
        fs::write("/mnt/failing", format!("#!/bin/sh\necho '{message}' >&2\nexit 1\n")).unwrap();
        let rows = |caller: Command| {
            let outcome = check(sandbox, caller, &["PATH=/mnt/other:/usr/bin:/bin"]);
            assert_eq!(outcome.status, Some(1), "{outcome:?}");
            (row(&outcome, "newuidmap"), row(&outcome, "uid map"))
        };
        sandbox.delegate("alice:100000:65536\n");
        install("/mnt/failing", "--mode=0755");
        let (program, map) = rows(ALICE.command("env"));
        assert!(program[0].starts_with("bad "), "{program:?}");
        assert!(program[1].ends_with(" (mode 0755) [unprivileged]"), "{program:?}");
        assert_eq!(map, ["bad   uid map         write to uid_map failed: Operation not permitted"]);

        install("/bin/false", "--mode=4755");
        let (program, map) = rows(ALICE.command("env"));
        assert!(program[0].starts_with("ok  "), "{program:?}");
        assert_eq!(map, ["bad   uid map         no message, exit status: 1"]);
        sandbox.delegate("alice:100000:65536:x\n");
        let (_, map) = rows(ALICE.command("env"));
        assert!(map[1].ends_with(" [defective-line]"), "{map:?}");
        assert!(map[2].starts_with("fix: "), "{map:?}");
        sandbox.delegate("bob:100000:65536\n");
        let (_, map) = rows(ALICE.command("env"));
        assert!(map[1].starts_with("cause: /etc/subuid has no line for alice (uid 1000); "), "{map:?}");
        sandbox.delegate("alice:100000:65536\n");
        let (_, map) = rows(setpriv(&["--no-new-privs"]));
        assert!(map[1].ends_with(" [no-new-privs]"), "{map:?}");
    });
}

/// Another process of the user can change the words of a program that gained no privilege. Root may read them.
#[test]
fn a_program_without_privilege_adds_no_words() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        fs::create_dir("/mnt/other").unwrap();
        let words = "newuidmap: forged\ncause: forged [few-ids]\nfix: as root, run `forged`\n";
        fs::write("/mnt/failing", format!("#!/bin/sh\ncat >&2 <<'END'\n{words}END\nexit 1\n")).unwrap();
        must_succeed(Command::new("install").args(["--mode=0755", "/mnt/failing", "/mnt/other/newuidmap"]));
        let outcome = check(sandbox, ALICE.command("env"), &["PATH=/mnt/other:/usr/bin:/bin"]);
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(!outcome.stdout.contains("forged"), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("[unprivileged]"), "{}", outcome.stdout);
    });
}

/// As `podman run --cap-drop all`: the check starts in each way of installing.
#[test]
fn without_any_capability_in_the_bounding_set_the_check_starts_and_names_the_set() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        for mode in InstallMode::GOOD {
            let path = format!("PATH=/mnt/{mode:?}:/usr/bin:/bin");
            let outcome = check(sandbox, setpriv(&["--bounding-set=-all"]), &[&path]);
            assert_eq!(outcome.status, Some(1), "{outcome:?}");
            for (subject, capability) in [("uid map", "CAP_SETUID"), ("gid map", "CAP_SETGID")] {
                let rows = row(&outcome, subject);
                assert!(
                    rows[1].starts_with(&format!("cause: {capability} is not in the bounding set")),
                    "{rows:?}"
                );
                assert!(rows[1].ends_with("[bounding-set]"), "{rows:?}");
            }
        }
    });
}
