//! The output of uidmap-check, on working and on misconfigured machines.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use nix::pty::openpty;
use nix::unistd::read;

use super::harness::{
    ALICE, BOB, IdType, InstallMode, Outcome, Person, ROOT, Sandbox, UNKNOWN_USER, finish, in_sandbox,
    must_succeed, setpriv,
};

/// A PATH that begins with the directory of the programs that are installed in this mode.
fn path_to(sandbox: &Sandbox, mode: InstallMode) -> String {
    let program = sandbox.program(mode, IdType::Uid);
    format!("PATH={}:/usr/sbin:/usr/bin:/sbin:/bin", program.parent().unwrap().display())
}

fn check_through(sandbox: &Sandbox, mut via: Command, mode: InstallMode, options: &[&str]) -> Outcome {
    finish(via.arg("env").arg(path_to(sandbox, mode)).arg(sandbox.tool("uidmap-check")).args(options))
}

fn check(sandbox: &Sandbox, caller: Person, mode: InstallMode) -> Outcome {
    check_through(sandbox, caller.command("env"), mode, &[])
}

/// The lines without their indentation.
fn lines(outcome: &Outcome) -> Vec<&str> {
    outcome.stdout.lines().map(str::trim).collect()
}

#[test]
fn both_maps_are_written_on_a_working_machine() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\nalice:300000:10\n");
        for mode in InstallMode::GOOD {
            let outcome = check(sandbox, ALICE, mode);
            assert_eq!((outcome.stderr.as_str(), outcome.status), ("", Some(0)), "{}", outcome.stdout);
            let lines = lines(&outcome);
            assert!(lines[0].ends_with(": the id maps of alice (uid 1000)"), "{}", lines[0]);
            assert_eq!(lines.last(), Some(&"Not tried: pulling an image, networking, cgroups, storage."));
            let how = if mode == InstallMode::Setuid { "setuid root" } else { "file capability cap_setuid" };
            let program = sandbox.program(mode, IdType::Uid);
            for line in [
                "ok    user namespace  created".to_owned(),
                "ok    restrictions    none seen".to_owned(),
                format!("ok    newuidmap       {}, {how}", program.display()),
                "ok    delegated uids  100000 to 165535, 300000 to 300009 (this user namespace has 0 to 4294967294)"
                    .to_owned(),
                "ok    uid map         0 1000 1, 1 100000 65536, 65537 300000 10".to_owned(),
                "ok    gid map         0 1000 1, 1 100000 65536, 65537 300000 10".to_owned(),
                "ok    next steps      mount namespace, private mounts, tmpfs mount".to_owned(),
                "The id maps of alice work.".to_owned(),
            ] {
                assert!(lines.contains(&line.as_str()), "{line}\n{}", outcome.stdout);
            }
        }
    });
}

#[test]
fn a_failure_is_shown_with_the_cause_and_fix_of_the_program() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let bad = |outcome: &Outcome, expected: &[&str]| {
            assert_eq!(outcome.status, Some(1), "{}", outcome.stdout);
            let lines = lines(outcome);
            assert!(lines.iter().rev().any(|line| line.ends_with(" do not work.")), "{lines:?}");
            assert!(lines.last().unwrap().contains("next steps, pulling an image"), "{lines:?}");
            for line in expected {
                assert!(lines.iter().any(|found| found.starts_with(line)), "{line}\n{}", outcome.stdout);
            }
        };
        bad(
            &check(sandbox, ALICE, InstallMode::Unprivileged),
            &[
                "bad   newuidmap       /mnt/Unprivileged/newuidmap, mode 0755 and no file capabilities",
                "bad   uid map         write to uid_map failed: Operation not permitted",
                "cause: /mnt/Unprivileged/newuidmap has neither the setuid bit nor file capabilities (mode 0755)",
                "fix: as root, run 'setcap cap_setuid=ep /mnt/Unprivileged/newuidmap'",
                "cause: /mnt/Unprivileged/newgidmap has neither",
            ],
        );
        bad(
            &check_through(sandbox, setpriv(&["--no-new-privs"]), InstallMode::Setuid, &[]),
            &[
                "note  restrictions    no_new_privs",
                "cause: no_new_privs is set",
                "fix: start without no_new_privs",
            ],
        );
        bad(
            &check_through(sandbox, setpriv(&["--bounding-set=-setgid"]), InstallMode::Setuid, &[]),
            &[
                "note  restrictions    no CAP_SETGID in the bounding set",
                "ok    uid map",
                "bad   gid map         write to gid_map failed",
                "cause: CAP_SETGID is not in the bounding set",
            ],
        );
        // File capabilities that the bounding set excludes: the kernel refuses the exec of newgidmap.
        bad(
            &check_through(sandbox, setpriv(&["--bounding-set=-setgid"]), InstallMode::Caps, &[]),
            &[
                "bad   gid map         the program cannot be started: Operation not permitted",
                "cause: CAP_SETGID is not in the bounding set",
            ],
        );
        bad(
            &check(sandbox, BOB, InstallMode::Caps),
            &["bad   delegated uids  no id", "cause: /etc/subuid has no line for bob (uid 1001)"],
        );
        bad(
            &check(sandbox, UNKNOWN_USER, InstallMode::Setuid),
            &["bad   user            no passwd entry", "cause: uid 4711 has no entry"],
        );
        sandbox.write("subgid", "alice:100000:10:x\n");
        bad(&check(sandbox, ALICE, InstallMode::Setuid), &["ok    uid map", "cause: line 1 of /etc/subgid"]);
    });
}

#[test]
fn ids_that_a_nested_namespace_does_not_map_are_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let namespace = sandbox.nested(70_000);
        let outcome = check_through(sandbox, namespace.as_alice(), InstallMode::Setuid, &[]);
        assert_eq!(outcome.status, Some(1));
        for line in [
            "ok    delegated uids  100000 to 165535 (this user namespace has 0 to 69999)",
            "cause: the request includes uids that are not mapped in this user namespace: 100000 to 165535",
            "fix: write the line 'alice:1001:68999' in /etc/subuid here",
        ] {
            let found = lines(&outcome).iter().any(|found| found.starts_with(line));
            assert!(found, "{line}\n{}", outcome.stdout);
        }
    });
}

#[test]
fn a_refused_user_namespace_is_reported() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let namespace = sandbox.nested(70_000);
        let mut nested = namespace.as_root();
        nested.args([
            "sh",
            "-c",
            "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"",
            "sh",
            "setpriv",
        ]);
        nested.args(["--reuid=1000", "--regid=1000", "--clear-groups"]);
        let outcome = check_through(sandbox, nested, InstallMode::Setuid, &[]);
        assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
        let lines = lines(&outcome);
        assert!(
            lines.contains(&"bad   user namespace  cannot be created: No space left on device"),
            "{lines:?}"
        );
        assert!(lines.iter().any(|line| line.starts_with("cause: a limit on user namespaces is reached")));
    });
}

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/uidmap-check.schema.json");
const VALIDATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policy/validate.py");

/// Validates JSON against the schema, and returns what the validator complains about.
fn complaints(json: &str) -> String {
    let mut python = Command::new("python3");
    finish(python.args([VALIDATE, SCHEMA, json])).stderr
}

#[test]
fn json_output_conforms_to_the_schema() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let valid = |caller: Command, mode, ok: bool, parts: &[&str]| {
            let outcome = check_through(sandbox, caller, mode, &["--json"]);
            assert_eq!(outcome.status, Some(i32::from(!ok)));
            assert_eq!(complaints(&outcome.stdout), "", "{}", outcome.stdout);
            for part in parts {
                assert!(outcome.stdout.contains(part), "{part}\n{}", outcome.stdout);
            }
            outcome.stdout
        };
        let alice = || ALICE.command("env");
        let good = valid(
            alice(),
            InstallMode::Setuid,
            true,
            &[
                r#""ok":true,"user":"alice","uid":1000,"checks":["#,
                r#"{"subject":"next steps","verdict":"ok","#,
                r#""not_tried":["pulling an image","#,
            ],
        );
        let key = r#"{"key":"not-delegated","cause":"/etc/subuid has no line for bob"#;
        valid(BOB.command("env"), InstallMode::Setuid, false, &[key, r#""not_tried":["next steps","#]);
        valid(UNKNOWN_USER.command("env"), InstallMode::Setuid, false, &[r#""user":null,"uid":4711"#]);
        valid(alice(), InstallMode::Unprivileged, false, &[r#"{"key":"unprivileged","#]);
        for (part, replacement) in [
            (r#""ok":true"#, r#""ok":"true""#),
            (r#""uid":1000"#, r#""uid":-1"#),
            (r#""verdict":"ok""#, r#""verdict":"good""#),
            (r#""subject":"podman""#, r#""subject":"docker""#),
            (r#""remedies":[]"#, r#""remedies":[{"key":"other","cause":"","fix":null}]"#),
            (r#""version":"#, r#""release":"#),
        ] {
            let changed = good.replacen(part, replacement, 1);
            assert_eq!(complaints(&changed).is_empty(), changed == good, "{part}");
        }
    });
}

/// Every key has a section in docs/troubleshooting.md, as a unit test ensures.
#[test]
fn the_schema_has_every_key() {
    let schema = std::fs::read_to_string(SCHEMA).unwrap();
    let document = include_str!("../../docs/troubleshooting.md");
    let (_, keys) = schema.split_once("\"remedy\": {").unwrap().1.split_once("\"enum\": [").unwrap();
    let mut keys: Vec<&str> = keys.split(']').next().unwrap().split('"').skip(1).step_by(2).collect();
    let mut sections: Vec<&str> =
        document.split("<a id=\"").skip(1).map(|section| section.split('"').next().unwrap()).collect();
    keys.sort_unstable();
    sections.sort_unstable();
    assert_eq!(keys, sections);
}

/// uidmap-check as root, with the options.
fn check_as_root(sandbox: &Sandbox, options: &[&str]) -> Outcome {
    check_through(sandbox, ROOT.command("env"), InstallMode::Setuid, options)
}

#[test]
fn root_checks_another_user_as_that_user() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let as_alice = check(sandbox, ALICE, InstallMode::Setuid);
        for name in ["alice", "1000", "alicia"] {
            let outcome = check_as_root(sandbox, &["--user", name]);
            assert_eq!((&outcome.stdout, outcome.status), (&as_alice.stdout, Some(0)), "{name}: {outcome:?}");
        }
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

/// A program in place of newuidmap prints the state with which a checked user's program starts.
#[test]
fn nothing_of_root_is_left_when_another_user_is_checked() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        std::fs::create_dir("/mnt/spy").unwrap();
        let script = "#!/bin/sh\n{ grep -E '^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapAmb):' /proc/self/status; env; } >&3\nexit 1\n";
        std::fs::write("/mnt/spying", script).unwrap();
        must_succeed(Command::new("install").args(["--mode=0755", "/mnt/spying", "/mnt/spy/newuidmap"]));
        let mut command = ROOT.command("setpriv");
        command.args(["--groups=0,100", "--inh-caps=+chown", "--ambient-caps=+chown", "--", "sh", "-c"]);
        command.args(["exec /mnt/tools/uidmap-check --user alice 3>/mnt/seen"]);
        finish(command.env("PATH", "/mnt/spy:/usr/bin:/bin").env("SECRET", "x").env("XDG_RUNTIME_DIR", "/x"));
        let seen = std::fs::read_to_string("/mnt/seen").unwrap();
        let seen: Vec<String> =
            seen.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for line in
            ["Uid: 1000 1000 1000 1000", "Gid: 1000 1000 1000 1000", "USER=alice", "LOGNAME=alice", "HOME=/"]
        {
            assert!(seen.iter().any(|found| found == line), "{line}\n{seen:?}");
        }
        assert!(seen.iter().any(|line| line == "Groups: 1000" || line == "Groups: 100 1000"), "{seen:?}");
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert!(seen.contains(&format!("{set}: 0000000000000000")), "{set}\n{seen:?}");
        }
        assert!(!seen.iter().any(|line| line.starts_with("SECRET=") || line.starts_with("XDG_")), "{seen:?}");
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
            "root cannot become alice: Operation not permitted; without CAP_SETUID",
        );
        // A user may name the own account.
        let own = check_through(sandbox, ALICE.command("env"), InstallMode::Setuid, &["--user=alice"]);
        assert_eq!(own.stdout, check(sandbox, ALICE, InstallMode::Setuid).stdout);
    });
}

#[test]
fn root_without_an_option_is_told_whom_the_check_is_about() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let note =
            "note  user            root is checked; to check another user, run `uidmap-check --user NAME`";
        let outcome = check_as_root(sandbox, &[]);
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        for line in [
            note,
            "cause: no uids are delegated to root; an engine that root starts with CAP_SYS_ADMIN needs none [not-delegated]",
            "fix: to check the user who starts containers, run `uidmap-check --user NAME`",
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

/// Runs a command on a pseudoterminal and returns its output.
fn on_a_terminal(command: &mut Command) -> String {
    let pty = openpty(None, None).unwrap();
    let (stdout, stderr) = (pty.slave.try_clone().unwrap(), pty.slave.try_clone().unwrap());
    let mut child = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn().unwrap();
    // `command` holds duplicates of the slave. The read below ends only after all of them are closed.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    drop(pty.slave);
    let mut printed = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = read(&pty.master, &mut buffer) {
        printed.extend_from_slice(&buffer[..count]);
    }
    child.wait().unwrap();
    String::from_utf8(printed).unwrap()
}

#[test]
fn colours_are_printed_to_a_terminal_unless_no_color_is_set() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        for (environment, colourful) in [("NO_COLOR=", true), ("NO_COLOR=1", false)] {
            let mut command = ALICE.command("env");
            command.args([environment, &path_to(sandbox, InstallMode::Setuid)]);
            command.arg(sandbox.tool("uidmap-check"));
            let printed = on_a_terminal(&mut command);
            assert!(printed.contains("The id maps of alice work."), "{printed}");
            assert_eq!(printed.contains('\x1b'), colourful, "{environment}: {printed}");
        }
        assert!(!check(sandbox, ALICE, InstallMode::Setuid).stdout.contains('\x1b'));
    });
}

#[test]
fn denied_setgroups_is_noted_only_on_a_terminal() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let note = "newgidmap: note: only the caller's own gid was mapped";
        for (wanted, told) in [("0 1000 1", true), ("0 100000 10", false), ("0 1000 1 1 100000 10", false)] {
            let target = sandbox.namespace(ALICE);
            let mut command = ALICE.command(sandbox.program(InstallMode::Caps, IdType::Gid));
            let printed = on_a_terminal(command.arg(target.pid()).args(wanted.split(' ')));
            assert_eq!(printed.starts_with(note), told, "{wanted}: {printed}");
            assert_eq!(printed.is_empty(), !told, "{wanted}: {printed}");
        }
        assert_eq!(sandbox.attempt(InstallMode::Caps, IdType::Gid, ALICE, "0 1000 1").outcome.stderr, "");
        assert_eq!(sandbox.attempt(InstallMode::Caps, IdType::Uid, ALICE, "0 1000 1").outcome.stderr, "");
    });
}
