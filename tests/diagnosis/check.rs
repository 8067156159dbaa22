//! Causes that only uidmap-check can find.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount, umount};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::failure::install;
use super::filters::filtered;
use super::harness::{
    ALICE, BOB, IdType, InstallMode, Namespace, Outcome, Person, ROOT, Sandbox, finish, in_sandbox,
    must_succeed, setpriv,
};

/// A PATH with working programs.
const GOOD: &str = "PATH=/mnt/Setuid:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs uidmap-check through a command, with these variables.
fn check(sandbox: &Sandbox, mut via: Command, environment: &[&str]) -> Outcome {
    finish(via.arg("env").args(environment).arg(sandbox.tool("uidmap-check")))
}

/// The row of a subject, with its causes and fixes, without indentation.
fn row(outcome: &Outcome, subject: &str) -> Vec<String> {
    let lines: Vec<&str> = outcome.stdout.lines().map(str::trim).collect();
    let is_row = |line: &str| {
        line.get(6..).and_then(|rest| rest.strip_prefix(subject)).is_some_and(|rest| rest.starts_with("  "))
    };
    let start =
        lines.iter().position(|line| is_row(line)).unwrap_or_else(|| panic!("{subject}: {outcome:?}"));
    let rest =
        lines[start + 1..].iter().take_while(|line| line.starts_with("cause: ") || line.starts_with("fix: "));
    std::iter::once(&lines[start]).chain(rest).map(|line| (*line).to_owned()).collect()
}

/// The first command of a row's fix.
fn command(rows: &[String]) -> String {
    let fix = rows.iter().find(|line| line.starts_with("fix: ")).unwrap_or_else(|| panic!("{rows:?}"));
    fix.split('`').nth(1).unwrap_or_else(|| panic!("{fix}")).to_owned()
}

/// Runs a command as a shell of this user does.
fn shell(user: Person, command: &str) {
    must_succeed(user.command("sh").args(["-c", command]));
}

/// The first finding that is bad, with its cause and fix, without indentation.
fn first_bad(outcome: &Outcome) -> Vec<String> {
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let lines = outcome.stdout.lines().map(str::trim).skip_while(|line| !line.starts_with("bad "));
    lines.take(3).map(str::to_owned).collect()
}

/// Whether the check passes, and the row is good.
#[track_caller]
fn passes(outcome: &Outcome, subject: &str) {
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let row = row(outcome, subject);
    assert!(row.len() == 1 && row[0].starts_with("ok "), "{outcome:?}");
}

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

/// uidmap-check in a user namespace that allows no further user namespaces.
pub fn no_namespace(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    let nested = sandbox.nested(70_000);
    let mut inside = nested.as_root();
    inside.args(["sh", "-c", "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"", "sh", "setpriv"]);
    inside.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--"]);
    first_bad(&check(sandbox, inside, &[GOOD]))
}

pub fn namespace_refused_by_a_filter(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    first_bad(&check(sandbox, filtered("unshare"), &[GOOD]))
}

pub fn mount_refused_by_a_filter(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    first_bad(&check(sandbox, filtered("mount"), &[GOOD]))
}

/// AppArmor's setting of Ubuntu, in a file of its own. A seccomp filter refuses the mount in place of AppArmor.
pub fn mount_refused_by_apparmor(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    pretend_restriction();
    first_bad(&check(sandbox, filtered("mount"), &[GOOD]))
}

fn pretend_restriction() {
    let names = ["osrelease", "overflowuid", "cap_last_cap"];
    let settings = names.map(|name| fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap());
    mount(Some("tmpfs"), "/proc/sys/kernel", Some("tmpfs"), MsFlags::empty(), Some("mode=0755")).unwrap();
    for (name, setting) in names.into_iter().zip(settings) {
        fs::write(format!("/proc/sys/kernel/{name}"), setting).unwrap();
    }
    fs::write("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n").unwrap();
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

pub fn few_ids(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:1000\n");
    let outcome = check(sandbox, ALICE.command("env"), &[GOOD]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    row(&outcome, "delegated uids")
}

/// A line that newuidmap reads, and clients that read the file themselves do not.
pub fn unusual_line(sandbox: &Sandbox) -> Vec<String> {
    unusual(sandbox, "alicia:100000:65536\n")
}

fn unusual(sandbox: &Sandbox, lines: &str) -> Vec<String> {
    sandbox.delegate(lines);
    let outcome = check(sandbox, ALICE.command("env"), &[GOOD]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    row(&outcome, "delegated uids")
}

pub fn user_variable(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    let outcome = check(sandbox, ALICE.command("env"), &[GOOD, "USER=root"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    row(&outcome, "user")
}

/// A process of alice in a user namespace with this map, and its PID where podman writes that of its pause process.
fn pause_process(sandbox: &Sandbox, map: &str) -> Namespace {
    let process = sandbox.namespace(ALICE);
    for id_type in IdType::BOTH {
        let pid = process.pid();
        let words: Vec<&str> = std::iter::once(pid.as_str()).chain(map.split(' ')).collect();
        assert_eq!(sandbox.run(InstallMode::Setuid, id_type, ALICE, &words).status, Some(0));
    }
    write_pause_pid(&process.pid());
    process
}

fn write_pause_pid(pid: &str) {
    fs::create_dir_all("/mnt/run/libpod/tmp").unwrap();
    write_as_alice("/mnt/run/libpod/tmp/pause.pid", pid);
}

fn write_as_alice(path: &str, text: &str) {
    fs::write(path, text).unwrap();
    chown(path, Some(ALICE.uid), None).unwrap();
}

fn check_podman(sandbox: &Sandbox) -> Outcome {
    check(sandbox, ALICE.command("env"), &[GOOD, "XDG_RUNTIME_DIR=/mnt/run"])
}

pub fn old_namespace(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    let process = pause_process(sandbox, "0 1000 1");
    let outcome = check_podman(sandbox);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    row(&outcome, "podman").into_iter().map(|line| line.replace(&process.pid(), "4711")).collect()
}

#[test]
fn a_missing_program_and_a_refused_user_namespace_are_reported() {
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
        assert!(no_namespace(sandbox)[1].starts_with("cause: a limit on user namespaces is reached"));
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
fn a_seccomp_filter_is_the_cause_of_a_refused_namespace_unless_the_namespace_is_created() {
    in_sandbox(|sandbox| {
        let rows = namespace_refused_by_a_filter(sandbox);
        assert_eq!(rows[0], "bad   user namespace  cannot be created: Operation not permitted");
        assert!(
            rows[1].starts_with("cause: a seccomp filter is active and denies new user namespaces"),
            "{rows:?}"
        );
        for remedy in ["--security-opt seccomp=unconfined", "seccompProfile.type: Unconfined"] {
            assert!(rows[2].contains(remedy), "{rows:?}");
        }
        for (mode, row_begins) in [
            ("Setuid", "ok    newuidmap       /mnt/Setuid/newuidmap, setuid root"),
            ("Unprivileged", "note  newuidmap       /mnt/Unprivileged/newuidmap, mode 0755"),
        ] {
            let path = format!("PATH=/mnt/{mode}:/usr/bin:/bin");
            let untried = check(sandbox, filtered("unshare"), &[&path]);
            assert!(row(&untried, "newuidmap")[0].starts_with(row_begins), "{untried:?}");
        }
        let harmless = check(sandbox, filtered("nothing"), &[GOOD]);
        passes(&harmless, "user namespace");
        assert_eq!(row(&harmless, "restrictions"), ["note  restrictions    a seccomp filter"]);
    });
}

#[test]
fn a_refused_mount_in_the_namespace_is_bad_and_its_cause_is_the_restriction() {
    in_sandbox(|sandbox| {
        let rows = mount_refused_by_a_filter(sandbox);
        assert_eq!(rows[0], "bad   next steps      private mounts: Operation not permitted");
        assert!(rows[1].starts_with("cause: a seccomp filter is active and denies mounts"), "{rows:?}");
        // A limit on mount namespaces, in an outer user namespace.
        let nested = sandbox.nested(200_000);
        let mut inside = nested.as_root();
        inside.args([
            "sh",
            "-c",
            "echo 0 >/proc/sys/user/max_mnt_namespaces && exec \"$@\"",
            "sh",
            "setpriv",
        ]);
        inside.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--"]);
        let outcome = check(sandbox, inside, &[GOOD]);
        let rows = first_bad(&outcome);
        assert_eq!(rows[0], "bad   next steps      mount namespace: No space left on device");
        assert!(rows[1].starts_with("cause: a limit on mount namespaces is reached"), "{rows:?}");
        let mut mended = nested.as_root();
        mended.args(["sh", "-c", &format!("{} && exec \"$@\"", command(&rows)), "sh", "setpriv"]);
        mended.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--"]);
        passes(&check(sandbox, mended, &[GOOD]), "next steps");
        assert!(outcome.stdout.contains("\nThe id maps of alice do not work.\nNot tried: pulling an image"));
        let rows = mount_refused_by_apparmor(sandbox);
        assert!(rows[1].starts_with("cause: kernel.apparmor_restrict_unprivileged_userns is 1"), "{rows:?}");
        // The setting alone is no cause.
        let outcome = check(sandbox, ALICE.command("env"), &[GOOD]);
        passes(&outcome, "next steps");
        assert_eq!(
            row(&outcome, "restrictions"),
            ["note  restrictions    kernel.apparmor_restrict_unprivileged_userns"]
        );
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

#[test]
fn a_process_that_cannot_be_started_says_nothing_about_user_namespaces() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let none: Option<&str> = None;
        mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), none).unwrap();
        let outcome = check(sandbox, ALICE.command("env"), &[GOOD]);
        umount("/proc").unwrap();
        assert_eq!(
            row(&outcome, "user namespace"),
            [
                "bad   user namespace  not tried: uidmap-check cannot start a process of its own: No such file or directory",
                "cause: /proc/self/exe or /dev/null does not exist [proc]",
                "fix: have /proc and /dev mounted here, as in a usual container",
            ]
        );
    });
}

#[test]
fn a_report_that_cannot_be_printed_is_no_verdict() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        for option in ["--", "--json"] {
            let mut command = ALICE.command("sh");
            command.args(["-c", "exec \"$@\" >/dev/full", "sh", "env", GOOD]);
            command.arg(sandbox.tool("uidmap-check")).arg(option);
            let outcome = finish(&mut command);
            assert_eq!(outcome.status, Some(2), "{outcome:?}");
            let message = "uidmap-check: the report cannot be printed: No space left on device\n";
            assert_eq!(outcome.stderr, message);
        }
    });
}

#[test]
fn a_delegation_without_nobody_is_a_note_with_the_number() {
    in_sandbox(|sandbox| {
        let rows = few_ids(sandbox);
        assert!(rows[0].starts_with("note  delegated uids  100000 to 100999 ("), "{rows:?}");
        assert!(rows[1].starts_with("cause: 1000 uids are delegated to alice"), "{rows:?}");
        for (count, is_note) in [(65_533, true), (65_534, false)] {
            sandbox.delegate(format!("alice:100000:1000\nalice:200000:{}\n", count - 1000));
            let outcome = check(sandbox, ALICE.command("env"), &[GOOD]);
            assert_eq!(outcome.status, Some(0), "{outcome:?}");
            assert_eq!(row(&outcome, "delegated gids")[0].starts_with("note"), is_note, "{count}");
        }
    });
}

/// In a container with as many ids as usual images have.
#[test]
fn the_remedy_for_few_ids_names_no_ids_of_other_users() {
    in_sandbox(|sandbox| {
        let nested = sandbox.nested(65_536);
        let remedy = |lines: &str| {
            sandbox.delegate(lines);
            row(&check(sandbox, nested.as_alice(), &[GOOD]), "delegated uids")[2].clone()
        };
        sandbox.write(
            "passwd",
            "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
        );
        let all = "fix: have the uids 1 to 999, 1001, 6002 to 65535 delegated, too, ";
        assert!(remedy("alice:1002:5000\n").starts_with(all));
        let more = |count| {
            format!(
                "fix: start the container with at least {} uids: other users have {count}",
                65_536 + count
            )
        };
        assert!(remedy("alice:1002:5000\nbob:10000:30000\n").starts_with(&more(30_000)));
        let passwd = fs::read_to_string("/etc/passwd").unwrap();
        sandbox.write("passwd", passwd + "bob:x:1001:1001::/:/bin/sh\n");
        assert!(remedy("alice:1002:5000\nbob:10000:30000:x\n").starts_with(&more(30_001)));
        // Not all accounts are known.
        sandbox.write("nsswitch.conf", "passwd: files sss\n");
        sandbox.write("passwd", "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n");
        let conditional = remedy("alice:1002:5000\n");
        assert!(conditional.contains(" delegated, too (only if no user of sss has one of these uids), "));
        OpenOptions::new().write(true).open("/etc/passwd").unwrap().set_len(65 << 20).unwrap();
        let usual = remedy("alice:1002:5000\n");
        assert!(usual.starts_with("fix: have 65536 uids delegated: by root"), "{usual}");
    });
}

#[test]
fn a_line_that_some_clients_do_not_read_is_a_note_with_a_line_for_all() {
    in_sandbox(|sandbox| {
        for (lines, number, line) in [
            ("alicia:100000:65536\n", 1, "alice:100000:65536"),
            ("alice:200000:65536\nalicia:100000:65536\n", 2, "alice:100000:65536"),
            ("bob:1:1\n1000:00303240:65536\n", 2, "alice:100000:65536"),
            ("alice:0x186a0:65536\n", 1, "alice:100000:65536"),
            ("alice:100000: 65536\n", 1, "alice:100000:65536"),
        ] {
            let rows = unusual(sandbox, lines);
            assert!(rows[0].starts_with("note  delegated uids  "), "{rows:?}");
            assert_eq!(
                rows[1..],
                [
                    format!(
                        "cause: some clients (unshare, some versions of podman) look in /etc/subuid for the owner alice or 1000 and for \
                         decimal numbers, and line {number} has another form [defective-line]"
                    ),
                    format!(
                        "fix: write line {number} of /etc/subuid as {line}; with podman, run podman system migrate as alice afterwards"
                    ),
                ]
            );
            let mended: Vec<&str> =
                lines.lines().enumerate().map(|(n, old)| if n + 1 == number { line } else { old }).collect();
            let mended = unusual(sandbox, &(mended.join("\n") + "\n"));
            assert!(mended.len() == 1 && mended[0].starts_with("ok "), "{mended:?}");
        }
        // The uid is an owner for all clients, and the lines of others do not matter.
        for lines in
            ["1000:100000:65536\n", "alice:100000:65536", "alice:100000:65536\nbob:0x186a0:1\nalicia:1\n"]
        {
            let rows = unusual(sandbox, lines);
            assert!(rows.len() == 1 && rows[0].starts_with("ok "), "{rows:?}");
        }
    });
}

#[test]
fn a_user_variable_with_the_name_of_another_user_is_a_note() {
    in_sandbox(|sandbox| {
        let rows = user_variable(sandbox);
        assert_eq!(rows[0], "note  user            USER is 'root' and the user is alice");
        let mut mended = ALICE.command("env");
        mended.args(["USER=root", "sh", "-c", &format!("{}; exec \"$@\"", command(&rows)), "sh"]);
        assert!(!check(sandbox, mended, &[GOOD]).stdout.contains("USER is"));
        // alicia is another name of the same uid.
        for variable in ["USER=alice", "USER=alicia", "USER="] {
            let outcome = check(sandbox, ALICE.command("env"), &[GOOD, variable]);
            assert!(!outcome.stdout.contains("USER is"), "{outcome:?}");
        }
        let outcome = check(sandbox, ALICE.command("env"), &[GOOD, "USER=a\x1b[2Jb"]);
        assert!(row(&outcome, "user")[0].contains("USER is 'a\\u{1b}[2Jb'"), "{outcome:?}");
    });
}

#[test]
fn a_pause_process_with_other_ids_than_the_delegated_ones_is_reported() {
    in_sandbox(|sandbox| {
        let rows = old_namespace(sandbox);
        assert_eq!(
            rows[0],
            "note  podman          its process 4711 has the uids 1000 instead of 1000, 100000 to 165535, and has the gids 1000 \
             instead of 1000, 100000 to 165535"
        );
        assert!(rows[2].contains("run podman system migrate"), "{rows:?}");
        let current = pause_process(sandbox, "0 1000 1 1 100000 65536");
        let outcome = check_podman(sandbox);
        passes(&outcome, "podman");
        assert!(outcome.stdout.contains("has the delegated ids"), "{outcome:?}");
        // Without XDG_RUNTIME_DIR, podman uses these directories.
        let none: Option<&str> = None;
        for directory in ["/run", "/tmp"] {
            mount(Some("tmpfs"), directory, Some("tmpfs"), MsFlags::empty(), none).unwrap();
        }
        for directory in ["/run/user/1000", "/tmp/podman-run-1000", "/tmp/storage-run-1000"] {
            fs::create_dir_all(format!("{directory}/libpod/tmp")).unwrap();
            let path = format!("{directory}/libpod/tmp/pause.pid");
            write_as_alice(&path, &current.pid());
            passes(&check(sandbox, ALICE.command("env"), &[GOOD]), "podman");
            fs::remove_file(path).unwrap();
        }
        drop(current);
        // The process has ended, or its PID is now of a process in no new namespace, or of another user's.
        let plain = sandbox.process(ALICE);
        let of_bob = sandbox.namespace(BOB);
        for pid in ["4194304", "nonsense", &plain.pid(), &of_bob.pid()] {
            write_pause_pid(pid);
            let outcome = check_podman(sandbox);
            assert_eq!(outcome.status, Some(0), "{outcome:?}");
            assert!(!outcome.stdout.contains("  podman  "), "{pid}: {outcome:?}");
        }
        // In a directory of /tmp, another user may have made the file.
        let of_alice = pause_process(sandbox, "0 1000 1");
        assert!(check_podman(sandbox).stdout.contains("  podman  "));
        chown("/mnt/run/libpod/tmp/pause.pid", Some(BOB.uid), None).unwrap();
        assert!(!check_podman(sandbox).stdout.contains("  podman  "));
        drop(of_alice);
        // podman joins no namespace without a map.
        let unmapped = sandbox.namespace(ALICE);
        write_pause_pid(&unmapped.pid());
        assert!(!check_podman(sandbox).stdout.contains("  podman  "));
        fs::remove_file("/mnt/run/libpod/tmp/pause.pid").unwrap();
        mkfifo("/mnt/run/libpod/tmp/pause.pid", Mode::from_bits_truncate(0o666)).unwrap();
        assert_eq!(check_podman(sandbox).status, Some(0));
        fs::remove_file("/mnt/run/libpod/tmp/pause.pid").unwrap();
        // Root may look at the namespace of a process of bob's.
        sandbox.delegate("alice:100000:65536\nroot:200000:65536\n");
        write_pause_pid(&of_bob.pid());
        let by_root = check(sandbox, ROOT.command("env"), &[GOOD, "XDG_RUNTIME_DIR=/mnt/run"]);
        assert_eq!(by_root.status, Some(0), "{by_root:?}");
        assert!(!by_root.stdout.contains("  podman  "), "{by_root:?}");
        // Without a list of the delegated ids, nothing is compared.
        let _kept = pause_process(sandbox, "0 1000 1");
        sandbox.remove("subgid");
        assert!(!check_podman(sandbox).stdout.contains("  podman  "));
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
