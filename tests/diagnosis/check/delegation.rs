//! Notes about the delegated ids.

use std::fs::{self, OpenOptions};

use nix::mount::{MsFlags, mount};

use super::super::failure::MIGRATE;
use super::super::harness::{ALICE, Namespace, Outcome, ROOT, Sandbox, in_sandbox};
use super::{GOOD, check, command, passes, row, shell};

pub fn few_ids(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:1000\n");
    let outcome = check(sandbox, ALICE.command("env"), &[GOOD]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    row(&outcome, "delegated uids")
}

/// A container with as many ids as usual images have. Alice has those above the accounts.
pub fn few_ids_in_a_container(sandbox: &Sandbox) -> Vec<String> {
    let nested = usual_container(sandbox);
    row(&check(sandbox, nested.as_alice(), &[GOOD]), "delegated uids")
}

fn usual_container(sandbox: &Sandbox) -> Namespace {
    sandbox.write("passwd", "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n");
    sandbox.write("group", "root:x:0:\nalice:x:1000:\n");
    sandbox.delegate("alice:1001:64535\n");
    sandbox.nested(65_536)
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
        assert_eq!(
            remedy("alice:1002:5000\n"),
            format!(
                "fix: as root, run `usermod --add-subuids 1-999 --add-subuids 1001-1001 --add-subuids 6002-65535 alice`; these include \
                 ids of the container's system accounts{MIGRATE}"
            )
        );
        let more = |count| {
            format!(
                "fix: start the container with at least {} uids: other users have {count}",
                65_536 + count
            )
        };
        assert_eq!(remedy("alice:1002:5000\nbob:10000:30000\n"), more(30_000));
        let passwd = fs::read_to_string("/etc/passwd").unwrap();
        sandbox.write("passwd", passwd + "bob:x:1001:1001::/:/bin/sh\n");
        assert_eq!(remedy("alice:1002:5000\nbob:10000:30000:x\n"), more(30_001));
        // Not all accounts are known.
        sandbox.write("nsswitch.conf", "passwd: files sss\n");
        sandbox.write("passwd", "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n");
        let conditional = remedy("alice:1002:5000\n");
        assert!(
            conditional.contains(" alice` (only if no user of sss has one of these uids); "),
            "{conditional}"
        );
        OpenOptions::new().write(true).open("/etc/passwd").unwrap().set_len(65 << 20).unwrap();
        let usual = remedy("alice:1002:5000\n");
        assert!(usual.starts_with("fix: have 65536 uids delegated: by root"), "{usual}");
    });
}

#[test]
fn the_command_for_few_ids_leads_to_enough_of_them() {
    in_sandbox(|sandbox| {
        let nested = usual_container(sandbox);
        for subject in ["delegated uids", "delegated gids"] {
            let rows = row(&check(sandbox, nested.as_alice(), &[GOOD]), subject);
            assert!(rows[0].starts_with("note  "), "{rows:?}");
            shell(ROOT, &command(&rows));
            passes(&check(sandbox, nested.as_alice(), &[GOOD]), subject);
        }
        // No command replaces a file that is mounted, or finds a name that is no owner.
        let last_line = |outcome: &Outcome| outcome.stdout.lines().rev().nth(1).unwrap().to_owned();
        let outcome = check(sandbox, nested.as_alice(), &[GOOD]);
        assert_eq!(last_line(&outcome), "The id maps of alice work.");
        sandbox.write("mounted", "alice:1001:64535\n");
        mount(Some("/etc/mounted"), "/etc/subuid", None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        let outcome = check(sandbox, nested.as_alice(), &[GOOD]);
        let rows = row(&outcome, "delegated uids");
        assert!(
            rows[2]
                .starts_with("fix: /etc/subuid is mounted here, so change the file where it is mounted from"),
            "{rows:?}"
        );
        assert!(rows[2].contains(": add the line alice:1:999; these include ids"), "{rows:?}");
        assert_eq!(
            last_line(&outcome),
            "The id maps of alice work. A note with a cause can still stop a client or an image."
        );
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
