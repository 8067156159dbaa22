//! The output of uidmap-check, on working and on misconfigured machines.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use nix::pty::openpty;
use nix::unistd::read;

use super::harness::{
    ALICE, BOB, IdType, InstallMode, Outcome, Person, Sandbox, UNKNOWN_USER, finish, in_sandbox, setpriv,
};
use super::plugin::{self, in_plugin_sandbox};

/// A PATH that begins with the directory of the programs that are installed in this mode.
fn path_to(sandbox: &Sandbox, mode: InstallMode) -> String {
    let program = sandbox.program(mode, IdType::Uid);
    format!("PATH={}:/usr/sbin:/usr/bin:/sbin:/bin", program.parent().unwrap().display())
}

pub fn check_through(sandbox: &Sandbox, mut via: Command, mode: InstallMode, options: &[&str]) -> Outcome {
    finish(via.arg("env").arg(path_to(sandbox, mode)).arg(sandbox.tool("uidmap-check")).args(options))
}

pub fn check(sandbox: &Sandbox, caller: Person, mode: InstallMode) -> Outcome {
    check_through(sandbox, caller.command("env"), mode, &[])
}

/// The lines without their indentation.
pub fn lines(outcome: &Outcome) -> Vec<&str> {
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
                "fix: as root, run `setcap cap_setuid=ep /mnt/Unprivileged/newuidmap`",
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
        fs::set_permissions("/etc/passwd", Permissions::from_mode(0o600)).unwrap();
        bad(
            &check_through(sandbox, setpriv(&[]), InstallMode::Setuid, &[]),
            &["cause: /etc/passwd cannot be read by uid 1000", "fix: as root, run `chmod 0644 /etc/passwd`"],
        );
        fs::set_permissions("/etc/passwd", Permissions::from_mode(0o644)).unwrap();
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
            "fix: as root, run `sed -i '1s/:100000:65536$/:1002:65536/' /etc/subuid`, and request these ids",
        ] {
            let found = lines(&outcome).iter().any(|found| found.starts_with(line));
            assert!(found, "{line}\n{}", outcome.stdout);
        }
    });
}

#[test]
fn the_caller_may_ignore_the_end_of_children() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let mut ignoring = ALICE.command("env");
        ignoring.arg("--ignore-signal=CHLD");
        let outcome = check_through(sandbox, ignoring, InstallMode::Setuid, &[]);
        assert_eq!((outcome.stderr.as_str(), outcome.status), ("", Some(0)), "{}", outcome.stdout);
    });
}

/// A made-up range would judge the plugin instead.
#[test]
fn a_plugin_without_a_list_is_the_cause() {
    in_plugin_sandbox(|sandbox| {
        // The plugin affirms every range that it is asked about.
        plugin::install(sandbox, "silent", &["BEHAVIOUR=2", "FOUND=1"]);
        let outcome = check(sandbox, ALICE, InstallMode::Setuid);
        assert_eq!(outcome.status, Some(1), "{}", outcome.stdout);
        for line in [
            "bad   delegated uids  cannot be listed: libsubid_silent.so: connection error",
            "cause: the subid plugin in /etc/nsswitch.conf lists no ids for alice: libsubid_silent.so: connection error [plugin]",
            "ok    uid map         0 1000 1",
        ] {
            assert!(lines(&outcome).contains(&line), "{line}\n{}", outcome.stdout);
        }
        assert!(!outcome.stdout.contains("100000"), "{}", outcome.stdout);
        plugin::configure(sandbox, "missing");
        let outcome = check(sandbox, ALICE, InstallMode::Setuid);
        assert!(
            outcome.stdout.contains("cannot be listed: Error opening libsubid_missing.so"),
            "{}",
            outcome.stdout
        );
        assert!(outcome.stdout.contains("[plugin]"), "{}", outcome.stdout);
        // The files decide here, and the program reads the same file.
        sandbox.write("nsswitch.conf", "passwd: files\n");
        assert_eq!(check(sandbox, ALICE, InstallMode::Setuid).status, Some(0));
        sandbox.remove("subgid");
        let outcome = check(sandbox, ALICE, InstallMode::Setuid);
        for line in [
            "bad   delegated gids  cannot be listed: cannot open /etc/subgid",
            "cause: /etc/subgid does not exist",
        ] {
            assert!(
                lines(&outcome).iter().any(|found| found.starts_with(line)),
                "{line}\n{}",
                outcome.stdout
            );
        }
    });
}

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/uidmap-check.schema.json");
const VALIDATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policy/validate.py");

/// Validates JSON against the schema, and returns the complaints of the validator.
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
            (r#""subject":"uid map""#, r#""subject":"docker""#),
            (r#""remedies":[]"#, r#""remedies":[{"key":"other","cause":"","fix":null}]"#),
            (r#""version":"#, r#""release":"#),
        ] {
            let changed = good.replacen(part, replacement, 1);
            assert_ne!(changed, good, "{part}");
            assert_ne!(complaints(&changed), "", "{part}");
        }
    });
}

/// Every key has a section in docs/troubleshooting.md, as a unit test ensures.
#[test]
fn the_schema_has_every_key() {
    let schema = fs::read_to_string(SCHEMA).unwrap();
    let document = include_str!("../../docs/troubleshooting.md");
    let (_, keys) = schema.split_once("\"remedy\": {").unwrap().1.split_once("\"enum\": [").unwrap();
    let mut keys: Vec<&str> = keys.split(']').next().unwrap().split('"').skip(1).step_by(2).collect();
    let mut sections: Vec<&str> =
        document.split("<a id=\"").skip(1).map(|section| section.split('"').next().unwrap()).collect();
    keys.sort_unstable();
    sections.sort_unstable();
    assert_eq!(keys, sections);
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

#[test]
fn a_wrong_option_is_named() {
    in_sandbox(|sandbox| {
        for (options, message) in [
            (&["--josn"][..], "error: unexpected argument '--josn' found"),
            (&["alice"], "error: unexpected argument 'alice' found"),
            (&["--user"], "error: a value is required for '--user <NAME>' but none was supplied"),
        ] {
            let outcome = check_through(sandbox, ALICE.command("env"), InstallMode::Setuid, options);
            assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(2), ""), "{options:?}");
            assert_eq!(outcome.first_line(), message);
        }
    });
}
