//! The programs that a client would find in PATH.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use nix::mount::{MsFlags, mount};

use super::super::failure::install;
use super::super::harness::{ALICE, IdType, ROOT, Sandbox, finish, in_sandbox};
use super::{check, command, first_bad, passes, row, shell};

/// Covers programs that the machine has, which the check would find outside PATH.
fn hide_installed() {
    let none: Option<&str> = None;
    for installed in ["/usr/bin/newgidmap", "/usr/local/bin/newgidmap"] {
        if Path::new(installed).exists() {
            mount(Some("/dev/null"), installed, none, MsFlags::MS_BIND, none).unwrap();
        }
    }
}

pub fn not_installed(sandbox: &Sandbox) -> Vec<String> {
    hide_installed();
    without_newgidmap(sandbox)
}

fn without_newgidmap(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    let alone = install(sandbox, IdType::Uid, "alone", &["--mode=4755"]);
    let path = format!("PATH={}", alone.parent().unwrap().display());
    let rows = first_bad(&finish(ALICE.command("/usr/bin/env").arg(path).arg(sandbox.tool("uidmap-check"))));
    rows.into_iter().map(|line| line.replace("/mnt/alone", "/home/alice/bin")).collect()
}

/// Programs that only a group may execute.
pub fn not_executable(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    sandbox.write("group", "root:x:0:\nalice:x:1000:\ncontainers:x:990:\n");
    let program = install(sandbox, IdType::Uid, "group", &["--mode=4750", "--group=containers"]);
    install(sandbox, IdType::Gid, "group", &["--mode=4750", "--group=containers"]);
    let rows = row(&check(sandbox, ALICE.command("env"), &["PATH=/mnt/group:/usr/bin:/bin"]), "newuidmap");
    let shown = program.display().to_string();
    rows.into_iter().map(|line| line.replace(&shown, "/usr/bin/newuidmap")).collect()
}

/// A copy that belongs to alice, before working programs.
pub fn earlier_copy(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    for id_type in IdType::BOTH {
        chown(install(sandbox, id_type, "alice/bin", &["--mode=0755"]), Some(1000), Some(1000)).unwrap();
    }
    chown("/mnt/alice/bin", Some(1000), Some(1000)).unwrap();
    let outcome = check(sandbox, ALICE.command("env"), &["PATH=/mnt/alice/bin:/mnt/Setuid:/usr/bin:/bin"]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let shown = |line: String| line.replace("/mnt/alice", "/home/alice").replace("/mnt/Setuid", "/usr/bin");
    row(&outcome, "newuidmap").into_iter().map(shown).collect()
}

#[test]
fn a_missing_program_is_reported() {
    in_sandbox(|sandbox| {
        let rows = not_installed(sandbox);
        assert_eq!(
            rows[1],
            "cause: newgidmap is in no directory of PATH, which is '/home/alice/bin' [not-installed]"
        );
        assert!(rows[2].starts_with("fix: as root, install the package: uidmap-rs or uidmap"), "{}", rows[2]);
        // A program outside PATH.
        install(sandbox, IdType::Gid, "bin", &["--mode=4755"]);
        let none: Option<&str> = None;
        mount(Some("/mnt/bin"), "/usr/local/bin", none, MsFlags::MS_BIND, none).unwrap();
        assert_eq!(
            without_newgidmap(sandbox)[2],
            "fix: add /usr/local/bin to PATH: /usr/local/bin/newgidmap exists"
        );
    });
}

#[test]
fn an_empty_path_does_not_pass() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        for path in ["PATH=/empty", "PATH="] {
            let outcome = check(sandbox, ALICE.command("env"), &[path]);
            assert_eq!(outcome.status, Some(1), "{outcome:?}");
            assert_eq!(row(&outcome, "newuidmap")[0], "bad   newuidmap       not found");
            assert!(outcome.stdout.contains("\nNot tried: uid map, gid map, next steps, pulling an image"));
        }
        passes(&check(sandbox, ALICE.command("env"), &["PATH=/empty:/mnt/Setuid"]), "newuidmap");
        // Clients in Go skip directories that are relative to the working directory, which is / here.
        passes(&check(sandbox, ALICE.command("env"), &["PATH=mnt/Unprivileged::/mnt/Setuid"]), "newuidmap");
    });
}

#[test]
fn the_group_that_may_execute_the_program_is_named() {
    in_sandbox(|sandbox| {
        assert_eq!(
            not_executable(sandbox),
            [
                "bad   newuidmap       not found",
                "cause: /usr/bin/newuidmap has mode 4750 and group 'containers', and alice is not in that group \
                 [not-executable]",
                "fix: if alice may have all rights of that group, as root, run `usermod --append --groups containers alice`, and have \
                 alice log in again",
            ]
        );
        let path = ["PATH=/mnt/group:/usr/bin:/bin"];
        sandbox.write("shadow", "");
        let rows = row(&check(sandbox, ALICE.command("env"), &path), "newuidmap");
        shell(ROOT, &command(&rows));
        let mut new_session = ROOT.command("setpriv");
        new_session.args(["--reuid=alice", "--regid=1000", "--init-groups", "--"]);
        passes(&check(sandbox, new_session, &path), "newuidmap");
        let mut member = ROOT.command("setpriv");
        member.args(["--reuid=1000", "--regid=1000", "--groups=990", "--"]);
        passes(&check(sandbox, member, &path), "newuidmap");
        sandbox.write("group", "root:x:0:\nalice:x:1000:\ncontainers:x:990:alice\n");
        let rows = row(&check(sandbox, ALICE.command("env"), &path), "newuidmap");
        assert!(rows[1].contains("alice has joined that group after this session began"), "{rows:?}");
        assert_eq!(rows[2], "fix: have alice log out and in again");
        // A file that alice may not execute is skipped, as clients skip it.
        let outcome = check(sandbox, ALICE.command("env"), &["PATH=/mnt/group:/mnt/Setuid:/usr/bin:/bin"]);
        passes(&outcome, "newuidmap");
    });
}

#[test]
fn a_mode_and_a_mount_that_deny_to_execute_are_named() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let cause = |path: &str| {
            let outcome = check(sandbox, ALICE.command("env"), &[&format!("PATH={path}:/usr/bin:/bin")]);
            assert_eq!(outcome.status, Some(1), "{outcome:?}");
            row(&outcome, "newuidmap")[1].clone()
        };
        install(sandbox, IdType::Uid, "mode", &["--mode=0644"]);
        install(sandbox, IdType::Gid, "mode", &["--mode=0644"]);
        assert!(cause("/mnt/mode").ends_with("has mode 0644, so alice may not execute it [not-executable]"));
        fs::create_dir("/mnt/noexec").unwrap();
        mount(Some("tmpfs"), "/mnt/noexec", Some("tmpfs"), MsFlags::MS_NOEXEC, Some("mode=0755")).unwrap();
        install(sandbox, IdType::Uid, "noexec", &["--mode=4755"]);
        assert!(cause("/mnt/noexec").ends_with("is on a file system mounted noexec [not-executable]"));
        install(sandbox, IdType::Uid, "closed", &["--mode=4755"]);
        fs::set_permissions("/mnt/closed", fs::Permissions::from_mode(0o700)).unwrap();
        assert!(cause("/mnt/closed").ends_with("; alice may not search /mnt/closed [not-installed]"));
    });
}

#[test]
fn a_bad_copy_before_a_good_one_is_named_and_a_good_copy_before_it_is_not() {
    in_sandbox(|sandbox| {
        let rows = earlier_copy(sandbox);
        assert_eq!(
            rows[1..],
            [
                "cause: /home/alice/bin/newuidmap is first in PATH and fails, and /usr/bin/newuidmap, setuid root, later in PATH, \
                 works [earlier-copy]",
                "fix: remove the first one with `rm /home/alice/bin/newuidmap`, or put /usr/bin before /home/alice/bin in PATH",
            ]
        );
        let behind = ["PATH=/mnt/Setuid:/mnt/alice/bin:/usr/bin:/bin"];
        passes(&check(sandbox, ALICE.command("env"), &behind), "newuidmap");
        // The commands remove both copies.
        let first = ["PATH=/mnt/alice/bin:/mnt/Setuid:/usr/bin:/bin"];
        let outcome = check(sandbox, ALICE.command("env"), &first);
        for program in ["newuidmap", "newgidmap"] {
            shell(ALICE, &command(&row(&outcome, program)));
        }
        passes(&check(sandbox, ALICE.command("env"), &first), "newuidmap");
        // In a directory of root's, root removes them.
        chown("/mnt/alice/bin", Some(0), Some(0)).unwrap();
        for id_type in IdType::BOTH {
            install(sandbox, id_type, "alice/bin", &["--mode=0755"]);
        }
        let rows = row(&check(sandbox, ALICE.command("env"), &first), "newuidmap");
        assert!(rows[2].starts_with("fix: as root, remove the first one with `rm "), "{rows:?}");
        // Where no copy works, the first one has its own cause.
        let alone = ["PATH=/mnt/alice/bin:/mnt/Unprivileged:/usr/bin:/bin"];
        let rows = row(&check(sandbox, ALICE.command("env"), &alone), "newuidmap");
        assert!(rows[1].ends_with("[unprivileged]"), "{rows:?}");
    });
}
