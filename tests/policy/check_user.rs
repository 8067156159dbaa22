//! uidmap-check for another user than the calling one, and for root.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::check::{check, check_through, lines};
use super::harness::{ALICE, InstallMode, Outcome, ROOT, Sandbox, finish, in_sandbox, must_succeed};
use super::plugin::{self, in_plugin_sandbox};

/// uidmap-check as root, with the options.
fn check_as_root(sandbox: &Sandbox, options: &[&str]) -> Outcome {
    check_through(sandbox, ROOT.command("env"), InstallMode::Setuid, options)
}

#[test]
fn root_checks_another_user_as_that_user() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let as_alice = check(sandbox, ALICE, InstallMode::Setuid);
        // A name of digits is a name first. A second name of a uid is the name that is checked.
        sandbox.write("passwd", "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n1001:x:1000:1000::/:/bin/sh\n");
        for (name, checked) in [("alice", "alice"), ("1000", "alice"), ("1001", "1001")] {
            sandbox.delegate(format!("{checked}:100000:65536\n"));
            let outcome = check_as_root(sandbox, &["--user", name]);
            let expected = as_alice.stdout.replace("of alice ", &format!("of {checked} "));
            assert_eq!((&outcome.stdout, outcome.status), (&expected, Some(0)), "{name}: {outcome:?}");
        }
        sandbox.delegate("alice:100000:65536\n");
        let outcome = check_as_root(sandbox, &["--user=alice", "--json"]);
        assert!(outcome.stdout.contains(r#""ok":true,"user":"alice","uid":1000"#), "{outcome:?}");
        // The user's groups count, root's do not.
        sandbox.write("group", "root:x:0:\nalice:x:1000:\nbob:x:1001:\ncontainers:x:990:alice\n");
        for program in ["newuidmap", "newgidmap"] {
            let path = format!("/mnt/Setuid/{program}");
            std::os::unix::fs::chown(&path, None, Some(990)).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o4750)).unwrap();
        }
        sandbox.delegate("alice:100000:65536\nbob:200000:65536\n");
        assert_eq!(check_as_root(sandbox, &["--user=alice"]).status, Some(0));
        let outcome = check_as_root(sandbox, &["--user=bob"]);
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(outcome.stdout.contains("and bob is not in that group [not-executable]"), "{outcome:?}");
    });
}

/// Runs a command with a key in a new session keyring. Without arguments, prints whether the session has the key.
const KEY_PROGRAM: &str = r#"
#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc == 1)
        return puts(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "of-root", 0) < 0 ? "no key" : "key") < 0;
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0
        || syscall(SYS_add_key, "user", "of-root", "x", 1, KEY_SPEC_SESSION_KEYRING) < 0)
        return 1;
    execvp(argv[1], argv + 1);
    return 1;
}
"#;

/// The compiled program, in a directory that every user can search.
fn with_key() -> &'static str {
    std::fs::write("/mnt/key.c", KEY_PROGRAM).unwrap();
    must_succeed(Command::new("gcc").args(["-o", "/mnt/key", "/mnt/key.c"]));
    "/mnt/key"
}

/// Has alice checked by root. A program in place of newuidmap runs these commands; returns the result, and the lines that they print.
fn check_with_spy(commands: &str) -> (Outcome, Vec<String>) {
    std::fs::create_dir_all("/mnt/spy").unwrap();
    std::fs::write("/mnt/seen", "").unwrap();
    std::fs::set_permissions("/mnt/seen", std::fs::Permissions::from_mode(0o666)).unwrap();
    std::fs::write("/mnt/spying", format!("#!/bin/sh\nexec >/mnt/seen 2>&1\n{commands}\nexit 1\n")).unwrap();
    must_succeed(Command::new("install").args(["--mode=0755", "/mnt/spying", "/mnt/spy/newuidmap"]));
    let mut command = ROOT.command("setpriv");
    command.args(["--groups=0,100", "--inh-caps=+chown", "--ambient-caps=+chown", "--", "sh", "-c"]);
    command.args(["cd /mnt && exec $WITH_KEY /mnt/tools/uidmap-check --user alice 5</etc/passwd"]);
    let outcome = finish(
        command
            .env("PATH", "/mnt/spy:/usr/bin:/bin")
            .env("SECRET", "x")
            .env("WITH_KEY", with_key())
            .env("XDG_RUNTIME_DIR", "/x")
            .env("NO_COLOR", "1"),
    );
    let seen = std::fs::read_to_string("/mnt/seen").unwrap();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    (outcome, seen.lines().map(words).collect())
}

#[test]
fn nothing_of_root_is_left_when_another_user_is_checked() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let (_, seen) =
            check_with_spy("grep -E '^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapAmb):' /proc/self/status; env");
        for line in ["Uid: 1000 1000 1000 1000", "Gid: 1000 1000 1000 1000", "NO_COLOR=1", "PWD=/"] {
            assert!(seen.iter().any(|found| found == line), "{line}\n{seen:?}");
        }
        assert!(seen.iter().any(|line| line == "Groups: 1000" || line == "Groups: 100 1000"), "{seen:?}");
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert!(seen.contains(&format!("{set}: 0000000000000000")), "{set}\n{seen:?}");
        }
        // NSS modules and plugins may read configuration in HOME.
        for name in ["SECRET=", "XDG_", "HOME=", "USER="] {
            assert!(!seen.iter().any(|line| line.starts_with(name)), "{name}\n{seen:?}");
        }
    });
}

#[test]
fn a_plugin_answers_the_check_of_another_user() {
    in_plugin_sandbox(|sandbox| {
        plugin::install(sandbox, "list", &[]);
        let as_alice = check(sandbox, ALICE, InstallMode::Setuid);
        assert!(as_alice.stdout.contains("note  delegated uids  500000 to 500059, "), "{as_alice:?}");
        let by_root = check_as_root(sandbox, &["--user", "alice"]);
        assert_eq!((&by_root.stdout, by_root.status), (&as_alice.stdout, as_alice.status), "{by_root:?}");
    });
}

/// The user owns each process of the check, and could write to root's terminal or read from the terminal with one of root's
/// descriptors.
#[test]
fn a_checked_user_gets_no_descriptor_no_terminal_and_no_key_of_root() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        // The fields 6 and 7 are session and tty_nr; see proc(5).
        let (_, seen) = check_with_spy(
            "readlink /proc/self/fd/0\nls /proc/self/fd | tail -n +4 | paste -sd ' '\ncut -d ' ' -f 7 /proc/self/stat\n\
             test $(cut -d ' ' -f 6 /proc/self/stat) = $PPID && echo own session\n/mnt/key\nreadlink /proc/$PPID/fd/1 || echo denied\n\
             head -c 1 /proc/$PPID/mem || echo denied",
        );
        assert_eq!(seen[0], "/dev/null", "{seen:?}");
        // 3 is the directory that ls reads, and 10 the script.
        assert!(["3", "3 10", "10", ""].contains(&seen[1].as_str()), "{seen:?}");
        assert_eq!(seen[2..5], ["0", "own session", "no key"], "{seen:?}");
        assert_eq!(seen[5..].iter().filter(|line| *line == "denied").count(), 2, "{seen:?}");
    });
}

#[test]
fn a_check_that_the_user_stops_or_kills_ends_without_a_report() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        for signal in ["STOP", "KILL", "TERM"] {
            let (outcome, _) = check_with_spy(&format!("kill -s {signal} $PPID"));
            assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{signal}: {outcome:?}");
            let message = format!(
                "uidmap-check: the process that checks alice got SIG{signal}, perhaps from another process of that user\n"
            );
            assert_eq!(outcome.stderr, message);
        }
    });
}

#[test]
fn without_a_user_to_become_nothing_is_checked() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let refused = |caller: Command, name: &str, message: &str| {
            let outcome = check_through(sandbox, caller, InstallMode::Setuid, &["--user", name]);
            assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{name}");
            assert!(outcome.stderr.starts_with(&format!("uidmap-check: {message}")), "{outcome:?}");
        };
        refused(ROOT.command("env"), "ghost", "there is no user 'ghost'\n");
        refused(ROOT.command("env"), "a\x1b[2J", "there is no user 'a\\u{1b}[2J'\n");
        refused(
            ALICE.command("env"),
            "bob",
            "only root can check another user: as root, run `uidmap-check --user bob`, or run `uidmap-check` as that user\n",
        );
        let mut without_capabilities = ROOT.command("setpriv");
        without_capabilities.args(["--bounding-set=-all", "--inh-caps=-all", "--"]);
        refused(
            without_capabilities,
            "alice",
            "root cannot become alice: Operation not permitted; root needs CAP_SETUID",
        );
        // A user may name the own account.
        let own = check_through(sandbox, ALICE.command("env"), InstallMode::Setuid, &["--user=alice"]);
        assert_eq!(own.stdout, check(sandbox, ALICE, InstallMode::Setuid).stdout);
    });
}

#[test]
fn root_without_an_option_sees_a_note_that_root_is_checked() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let note =
            "note  user            root is checked; to check another user, run uidmap-check --user NAME";
        let outcome = check_as_root(sandbox, &[]);
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        for line in [
            note,
            "cause: no uids are delegated to root; an engine that root starts with CAP_SYS_ADMIN needs none [not-delegated]",
            "fix: to check the user who starts containers, run uidmap-check --user NAME",
            "The id maps of root do not work.",
        ] {
            assert!(lines(&outcome).contains(&line), "{line}\n{}", outcome.stdout);
        }
        assert!(!outcome.stdout.contains("usermod"), "{}", outcome.stdout);
        sandbox.delegate("root:100000:65536\n");
        let outcome = check_as_root(sandbox, &[]);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(lines(&outcome).contains(&note), "{}", outcome.stdout);
        assert!(!check(sandbox, ALICE, InstallMode::Setuid).stdout.contains("--user"));
    });
}
