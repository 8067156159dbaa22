//! Remedies: every command of a line `fix:` is run as printed, by a shell, and the request that failed must then succeed.
//!
//! A fix that names an option of a container engine or of systemd contains no command for it, so these tests do not try the option.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::document::examples;
use super::harness::{ALICE, IdType, Sandbox, finish, in_sandbox};
use super::plugin::{first_delegated, in_plugin_sandbox};
use super::remedy_cases::*;
use super::repair::{Repair, alternatives, fix};

/// A failure whose fix has commands. `remedy` tries them, once for each alternative, and returns the fixes.
struct Case {
    /// The example of docs/troubleshooting.md with the same commands, if there is one.
    example: &'static str,
    alternatives: usize,
    remedy: fn(&Sandbox, IdType, usize) -> Vec<String>,
}

const CASES: &[Case] = &[
    Case { example: "unprivileged", alternatives: 2, remedy: unprivileged },
    Case { example: "", alternatives: 2, remedy: unprivileged_in_an_odd_place },
    Case { example: "", alternatives: 1, remedy: other_capabilities },
    Case { example: "foreign-capabilities", alternatives: 1, remedy: foreign_capabilities },
    Case {
        example: "nosuid",
        alternatives: 1,
        remedy: |sandbox, id_type, _| nosuid(sandbox, id_type, "nosuid"),
    },
    Case { example: "", alternatives: 1, remedy: |sandbox, id_type, _| nosuid(sandbox, id_type, "no suid") },
    Case { example: "setfcap", alternatives: 1, remedy: setfcap },
    Case { example: "not-delegated nothing", alternatives: 1, remedy: nothing_delegated },
    Case { example: "not-delegated not enough", alternatives: 1, remedy: not_enough },
    Case {
        example: "subid-file",
        alternatives: 1,
        remedy: |sandbox, id_type, _| subid_file(sandbox, id_type, &remove),
    },
    Case {
        example: "",
        alternatives: 1,
        remedy: |sandbox, id_type, _| subid_file(sandbox, id_type, &private),
    },
    Case { example: "", alternatives: 1, remedy: |sandbox, id_type, _| subid_file(sandbox, id_type, &link) },
    Case {
        example: "",
        alternatives: 1,
        remedy: |sandbox, id_type, _| subid_file(sandbox, id_type, &dangling_link),
    },
    Case {
        example: "",
        alternatives: 1,
        remedy: |sandbox, id_type, _| subid_file(sandbox, id_type, &directory),
    },
    Case {
        example: "",
        alternatives: 1,
        remedy: |sandbox, id_type, _| {
            sandbox.write("login.defs", "SUB_UID_COUNT 0\nSUB_GID_COUNT 0\n");
            subid_file(sandbox, id_type, &remove)
        },
    },
    Case { example: "not-mapped-here", alternatives: 1, remedy: not_mapped_here },
    Case { example: "crosses-boundary", alternatives: 1, remedy: crosses_boundary },
    Case { example: "overlap", alternatives: 1, remedy: doubled_line },
    Case { example: "overlap own", alternatives: 1, remedy: own_id_in_a_line },
    Case {
        example: "no-passwd-entry",
        alternatives: 1,
        remedy: |sandbox, id_type, _| no_passwd_entry(sandbox, id_type, ""),
    },
    Case {
        example: "",
        alternatives: 1,
        remedy: |sandbox, id_type, _| no_passwd_entry(sandbox, id_type, "late:x:1002:1002::/:/bin/sh"),
    },
    Case {
        example: "",
        alternatives: 1,
        remedy: |sandbox, id_type, _| no_passwd_entry(sandbox, id_type, "user4711:x:5555:5555::/:/bin/sh\n"),
    },
    Case { example: "", alternatives: 1, remedy: closed_etc },
    Case { example: "", alternatives: 1, remedy: nsswitch_in_a_closed_directory },
    Case { example: "", alternatives: 1, remedy: private_passwd },
    Case { example: "", alternatives: 1, remedy: private_nsswitch },
    Case { example: "proc read-only", alternatives: 1, remedy: read_only_proc },
    Case { example: "proc covered", alternatives: 1, remedy: covered_map },
    Case { example: "proc not there", alternatives: 1, remedy: no_proc },
    Case { example: "proc elsewhere", alternatives: 1, remedy: other_proc },
    Case { example: "proc hidden", alternatives: 1, remedy: hidden_process },
    Case { example: "no-namespace", alternatives: 1, remedy: no_namespace },
];

#[test]
fn every_command_of_a_fix_leads_to_success() {
    for Case { remedy, alternatives: count, .. } in CASES {
        for id_type in IdType::BOTH {
            for choice in 0..*count {
                in_sandbox(|sandbox| {
                    let fixes = remedy(sandbox, id_type, choice);
                    assert_eq!(alternatives(&fixes[0]).len(), *count, "{fixes:?}");
                });
            }
        }
    }
}

/// A command without the words that differ from one machine to the next.
fn template(command: &str) -> String {
    let words = command.split(' ').map(|word| if word.contains(['/', '0', '1', '-']) { "_" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn templates<'a>(fixes: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    fixes.into_iter().flat_map(alternatives).flatten().map(|command| template(&command)).collect()
}

#[test]
fn every_command_of_the_document_is_tried() {
    for (name, lines) in examples() {
        let shown = templates(lines.lines().filter_map(|line| line.split_once("fix: ")).map(|(_, fix)| fix));
        // tests/diagnosis/plugins.rs tries getsubids, and tests/diagnosis/check/ tries the commands of uidmap-check.
        let elsewhere = ["plugin", "not-executable", "earlier-copy", "few-ids container", "user-variable"];
        if shown.is_empty() || elsewhere.contains(&name) {
            continue;
        }
        let case = CASES.iter().find(|case| case.example == name);
        let case = case.unwrap_or_else(|| panic!("nothing tries the commands of '{name}': {shown:?}"));
        let mut fixes = Vec::new();
        in_sandbox(|sandbox| fixes = (case.remedy)(sandbox, IdType::Uid, 0));
        let tried = templates(fixes.iter().map(String::as_str));
        assert!(shown.is_subset(&tried), "{name}: {shown:?} of {tried:?}");
    }
}

/// The commands in the sources begin with these words, and each of them is tried.
#[test]
fn the_sources_have_no_other_commands() {
    let mut verbs = BTreeSet::new();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/explain/causes")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().lines();
        let code: Vec<&str> = code.filter(|line| !line.trim_start().starts_with("//")).collect();
        let commands = code.join("\n").replace("[':', '`']", "").replace("'`'", "");
        verbs.extend(
            commands
                .split('`')
                .skip(1)
                .step_by(2)
                .map(|command| command.split(' ').next().unwrap().to_owned()),
        );
    }
    let known = [
        "(echo;",
        "chmod",
        "echo",
        "getsubids",
        "install",
        "mount",
        "mv",
        "rm",
        "sed",
        "setcap",
        "umount",
        "usermod",
    ];
    assert_eq!(verbs, known.map(str::to_owned).into());
}

/// Ids that another user or an account has, in files that end with and without a newline.
#[test]
fn suggested_ids_are_free() {
    // More than a mebibyte of accounts before the last one.
    let many = format!("{}:x:20000:1000::/:/bin/sh\n", "n".repeat(900)).repeat(1_200);
    let many = many + "late:x:150000:1000::/:/bin/sh\n";
    for (lines, accounts, login_defs, ranges, expected) in [
        ("containers:2147483647:2147483648\n", "", "", "0 100000 10", "100000-165535"),
        ("bob:100000:65536\n", "", "", "0 300000 10", "165536-231071"),
        ("bob:100000:65536", "", "", "0 165536 10", "165536-231071"),
        ("1001:0x186a0:65536\n", "", "", "0 165536 10", "165536-231071"),
        // Malformed lines of other users.
        ("bob:100000:65536:x\n", "", "", "0 165536 10", "165536-231071"),
        ("bob:100000:65536:old comment", "", "", "0 165536 10", "165536-231071"),
        ("bob:100000:65536\r\n", "", "", "0 165536 10", "165536-231071"),
        ("bob:100000:65536 \n", "", "", "0 165536 10", "165536-231071"),
        ("bob:100000:65536carol:165536:65536\n", "", "", "0 231072 10", "231072-296607"),
        (":100000:65536\n", "", "", "0 165536 10", "165536-231071"),
        ("", &many, "", "0 160000 10", "150001-215536"),
        ("", "late:x:150000:1000::/:/bin/sh\n", "", "0 160000 10", "150001-215536"),
        ("", "", "SUB_UID_MIN 500000\nSUB_GID_MIN 500000\n", "0 500000 10", "500000-565535"),
        ("", "", "SUB_UID_COUNT 9\nSUB_GID_COUNT 9\n", "0 100000 10", "100000-165535"),
        ("", "", "", "0 5 10", "100000-165535"),
    ] {
        for id_type in IdType::BOTH {
            in_sandbox(|sandbox| {
                sandbox.delegate(lines);
                let passwd = fs::read_to_string("/etc/passwd").unwrap() + accounts;
                sandbox.write("passwd", passwd);
                sandbox.write(
                    "group",
                    "root:x:0:\nalice:x:1000:\n".to_owned() + &accounts.replace("1000::/:/bin/sh", ""),
                );
                sandbox.write("login.defs", login_defs);
                let fixes = Repair::new(sandbox, id_type).remedied(ranges, 0);
                let command = format!("`usermod --add-sub{}s {expected} alice`", id_type.word());
                assert_eq!(fixes.len(), 1, "{fixes:?}");
                assert!(fixes[0].contains(&command), "{command} in {}", fixes[0]);
            });
        }
    }
}

/// The accounts of a directory service are not listed.
#[test]
fn suggested_ids_have_a_condition_if_a_directory_may_have_them() {
    let remedies: [fn(&Sandbox, IdType) -> Vec<String>; 5] = [
        |sandbox, id_type| nothing_delegated(sandbox, id_type, 0),
        |sandbox, id_type| {
            sandbox.write("passwd", "root:x:0:0::/:/bin/sh\n1001:x:1000:1000::/:/bin/sh\n");
            nothing_delegated(sandbox, id_type, 0)
        },
        |sandbox, id_type| subid_file(sandbox, id_type, &remove),
        |sandbox, id_type| not_mapped_here(sandbox, id_type, 0),
        |sandbox, id_type| {
            // The line also has the ids of accounts.
            sandbox.delegate("alice:900:65536\n");
            Repair::new(sandbox, id_type).remedied("0 1000 1 1 900 65536", 0)
        },
    ];
    for (nsswitch, of_users, of_groups) in [
        ("passwd: files sss\n", "sss", "sss"),
        ("passwd: files winbind\ngroup: files sss\n", "winbind", "sss or winbind"),
        ("passwd: files\ngroup: files winbind\n", "", "winbind"),
        ("passwd: files systemd\ngroup: files systemd\n", "", ""),
    ] {
        for remedy in remedies {
            for (id_type, account, directories) in
                [(IdType::Uid, "user", of_users), (IdType::Gid, "group", of_groups)]
            {
                in_sandbox(|sandbox| {
                    sandbox.write("nsswitch.conf", nsswitch);
                    let word = id_type.word();
                    let condition =
                        format!("` (only if no {account} of {directories} has one of these {word}s)");
                    let fixes = remedy(sandbox, id_type);
                    assert_eq!(fixes.len(), 1, "{fixes:?}");
                    assert_eq!(fixes[0].contains("(only if"), !directories.is_empty(), "{fixes:?}");
                    assert!(
                        directories.is_empty() || fixes[0].contains(&condition),
                        "{condition} in {fixes:?}"
                    );
                });
            }
        }
    }
}

/// The shell gives the name to usermod as it is, or the uid is the owner of the line.
#[test]
fn names_are_one_word_of_a_command() {
    for (name, word) in [
        ("DOMAIN\\alice", " 'DOMAIN\\alice'`"),
        ("alice@domain.example", " alice@domain.example`"),
        ("a b;id", " 'a b;id'`"),
        ("$(touch /etc/pwned)", " '$(touch /etc/pwned)'`"),
        ("o'brien", r" 'o'\''brien'`"),
        ("a`id`", "`(echo; echo 1000:100000:65536) >>/etc/"),
        // The uid of another user.
        ("1001", "`(echo; echo 1000:100000:65536) >>/etc/"),
    ] {
        for id_type in IdType::BOTH {
            in_sandbox(|sandbox| {
                sandbox.write("passwd", format!("root:x:0:0::/:/bin/sh\n{name}:x:1000:1000::/:/bin/sh\n"));
                sandbox.delegate("bob:1:1");
                let repair = Repair::new(sandbox, id_type);
                let fixes = repair.remedied("0 100000 10", 0);
                assert!(fixes[0].contains(word), "{word} in {}", fixes[0]);
                // An owner in a new file is plain.
                remove(&format!("/etc/{}", id_type.subid()));
                repair.remedied("0 100000 10", 0);
                assert!(!Path::new("/etc/pwned").exists());
            });
        }
    }
}

/// Lines that are contained in another, or overlap in part.
#[test]
fn lines_that_overlap_are_mended() {
    for lines in [
        "alice:150000:10\nalice:100000:65536\n",
        "alice:100000:65536\nalice:150000:10\n",
        "alice:100000:10\nalice:100005:10\n",
        "alice:100005:10\nbob:7:7\nalice:100000:10\n",
        "alice:100000:10\nalice:100000:10\nalice:100000:10\n",
    ] {
        for id_type in IdType::BOTH {
            in_sandbox(|sandbox| {
                sandbox.delegate(lines);
                let repair = Repair::new(sandbox, id_type);
                let ids = |ranges: String| {
                    let words: Vec<u64> = ranges.split(' ').map(|word| word.parse().unwrap()).collect();
                    words.chunks(3).flat_map(|range| range[1]..range[1] + range[2]).collect::<BTreeSet<_>>()
                };
                let before = ids(repair.delegated());
                repair.remedied(&repair.delegated(), 0);
                assert_eq!(ids(repair.delegated()), before, "no id is lost");
            });
        }
    }
}

/// The ids that the plugin delegates are those that getsubids lists.
#[test]
fn the_listed_ids_of_a_plugin_can_be_requested() {
    in_plugin_sandbox(|sandbox| {
        super::plugin::install(sandbox, "sound", &[]);
        for id_type in IdType::BOTH {
            let repair = Repair::new(sandbox, id_type);
            let fix = fix(&repair.request(&format!("0 {} 101", first_delegated(id_type))));
            let command = &alternatives(&fix)[0][0];
            let mut shell = ALICE.command("sh");
            shell.env("PATH", "/mnt/tools:/usr/bin:/bin").args(["-c", command]);
            let listed = finish(&mut shell).stdout;
            let mut words = listed.lines().next().unwrap().rsplit(' ');
            let (count, start) = (words.next().unwrap(), words.next().unwrap());
            assert_eq!(repair.request(&format!("0 {start} {count}")).stderr, "", "{listed}");
        }
    });
}
