//! Compares each example of docs/troubleshooting.md with the output of the provoked failure.

use std::collections::BTreeSet;

use super::failure::Failure;
use super::harness::{IdType, InstallMode, Sandbox};
use super::plugin::in_plugin_sandbox;
use super::{
    arguments, check, delegation, filters, installation, namespaces, plugins, proc, restrictions, targets,
};

const DOCUMENT: &str = include_str!("../../docs/troubleshooting.md");

/// The name of an example, which begins with the name of its section, and the function that provokes the failure.
type Example = (&'static str, fn(&Sandbox) -> String);

const EXAMPLES: &[Example] = &[
    ("unprivileged", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        installation::without_privilege(sandbox, IdType::Uid).example()
    }),
    ("no-new-privs", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        restrictions::with_no_new_privs(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("nosuid", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        installation::nosuid(sandbox, IdType::Uid)[0].stderr().to_owned()
    }),
    ("bounding-set", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        restrictions::out_of_the_bounding_set(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("foreign-capabilities", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        installation::foreign_capabilities(sandbox, IdType::Uid).example()
    }),
    ("traced", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        restrictions::traced(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("not-mapped-here", |sandbox| {
        namespaces::not_mapped_here(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("crosses-boundary", |sandbox| {
        namespaces::across_a_boundary(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("already-mapped", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        namespaces::already_mapped(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("same-namespace", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        namespaces::same_namespace(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("not-a-child", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        namespaces::grandchild(sandbox, InstallMode::Setuid, IdType::Uid)[0].example()
    }),
    ("overlap", |sandbox| arguments::overlap(sandbox, InstallMode::Setuid, IdType::Uid).example()),
    ("overlap own", |sandbox| {
        arguments::own_id_in_a_line(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("too-much", |sandbox| arguments::too_many(sandbox, InstallMode::Setuid, IdType::Uid).example()),
    ("not-delegated nothing", |sandbox| {
        delegation::with(sandbox, InstallMode::Setuid, IdType::Uid, "").example()
    }),
    ("not-delegated not enough", |sandbox| {
        delegation::with(sandbox, InstallMode::Setuid, IdType::Uid, "alice:100000:9\n").example()
    }),
    ("not-delegated accounts", |sandbox| {
        delegation::of_accounts(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("not-delegated nearly", |sandbox| {
        delegation::with(sandbox, InstallMode::Setuid, IdType::Uid, "alcie:100000:10\n").example()
    }),
    ("defective-line", |sandbox| {
        delegation::with(sandbox, InstallMode::Setuid, IdType::Uid, "alice:100000:65536:\n").example()
    }),
    ("defective-line clients", |sandbox| check::delegation::unusual_line(sandbox).join("\n") + "\n"),
    ("no-process", |sandbox| targets::ended(sandbox, InstallMode::Setuid, IdType::Uid).example()),
    ("proc read-only", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        proc::read_only(sandbox, InstallMode::Setuid, IdType::Uid, |_| "/proc".to_owned()).example()
    }),
    ("proc covered", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        proc::covered_map(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("proc not there", |sandbox| proc::no_proc(sandbox, InstallMode::Setuid, IdType::Uid).example()),
    ("proc elsewhere", |sandbox| {
        let ended = sandbox.ended();
        proc::old_proc(sandbox, InstallMode::Setuid, IdType::Uid, &ended.pid()).example()
    }),
    ("proc hidden", |sandbox| proc::hidden(sandbox, InstallMode::Setuid, IdType::Uid).example()),
    ("foreign-target user", |sandbox| targets::of_bob(sandbox, InstallMode::Setuid, IdType::Uid).example()),
    ("foreign-target group", |sandbox| {
        targets::under_another_group(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("not-dumpable", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        targets::not_dumpable(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("setfcap", |sandbox| {
        sandbox.delegate("alice:0:10\n");
        restrictions::without_setfcap(sandbox).example()
    }),
    ("refused filter", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        filters::refused_by_a_filter(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("refused unseen", |sandbox| {
        sandbox.delegate("alice:100000:10\n");
        filters::taken_by_securebits(sandbox, IdType::Uid).example()
    }),
    ("refused keep-caps", |sandbox| {
        filters::without_keep_caps(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("subid-file", |sandbox| {
        delegation::unusable(sandbox, InstallMode::Setuid, IdType::Uid, |path| {
            std::fs::remove_file(path).unwrap();
        })
        .example()
    }),
    ("plugin", |sandbox| plugins::without_sssd(sandbox, InstallMode::Setuid, IdType::Uid).example()),
    ("plugin range", |sandbox| plugins::without_range(sandbox, InstallMode::Setuid, IdType::Uid).example()),
    ("no-passwd-entry", |sandbox| {
        targets::without_passwd_entry(sandbox, InstallMode::Setuid, IdType::Uid).example()
    }),
    ("argument option", |sandbox| {
        let program = sandbox.program(InstallMode::Setuid, IdType::Uid);
        let alice = super::harness::ALICE.command("env");
        Failure::with_words(alice, &program, IdType::Uid, &["--bogus"]).stderr().to_owned()
    }),
    ("argument", |sandbox| {
        arguments::malformed(sandbox, InstallMode::Setuid, IdType::Uid, "0 100000 64k").example()
    }),
    ("not-installed", |sandbox| check::path::not_installed(sandbox).join("\n") + "\n"),
    ("no-namespace", |sandbox| check::namespace::no_namespace(sandbox).join("\n") + "\n"),
    ("no-namespace filter", |sandbox| {
        check::namespace::namespace_refused_by_a_filter(sandbox).join("\n") + "\n"
    }),
    ("not-executable", |sandbox| check::path::not_executable(sandbox).join("\n") + "\n"),
    ("earlier-copy", |sandbox| check::path::earlier_copy(sandbox).join("\n") + "\n"),
    ("few-ids", |sandbox| check::delegation::few_ids(sandbox).join("\n") + "\n"),
    ("few-ids container", |sandbox| check::delegation::few_ids_in_a_container(sandbox).join("\n") + "\n"),
    ("user-variable", |sandbox| check::podman::user_variable(sandbox).join("\n") + "\n"),
    ("old-namespace", |sandbox| check::podman::old_namespace(sandbox).join("\n") + "\n"),
    ("mount-refused", |sandbox| check::namespace::mount_refused_by_a_filter(sandbox).join("\n") + "\n"),
    ("apparmor-userns", |sandbox| check::namespace::mount_refused_by_apparmor(sandbox).join("\n") + "\n"),
];

/// The names and lines of the examples, in the order of the document.
pub fn examples() -> Vec<(&'static str, &'static str)> {
    let blocks = DOCUMENT.split("\n```text ").skip(1);
    blocks.map(|block| block.split("\n```\n").next().unwrap().split_once('\n').unwrap()).collect()
}

#[test]
fn every_documented_example_matches_the_output() {
    let mut wrong = Vec::new();
    for (name, lines) in examples() {
        let Some((_, provoke)) = EXAMPLES.iter().find(|(known, _)| *known == name) else {
            panic!("no function provokes the example '{name}'");
        };
        in_plugin_sandbox(|sandbox| {
            let said = provoke(sandbox);
            // An editor may remove the blank at the end of the usage line.
            if !said.lines().map(str::trim_end).eq(lines.lines().map(str::trim_end)) {
                wrong.push(format!("```text {name}\n{said}```\n"));
            }
        });
    }
    assert!(wrong.is_empty(), "the programs print:\n{}", wrong.join("\n"));
    let shown: BTreeSet<_> = examples().iter().map(|(name, _)| *name).collect();
    let known: BTreeSet<_> = EXAMPLES.iter().map(|(name, _)| *name).collect();
    assert_eq!(shown, known);
}

/// podman prints the lines of newuidmap as one line with `\n` between them; `make e2e` checks the message of podman itself.
#[test]
fn the_documented_podman_message_repeats_an_example() {
    let (_, lines) = examples()[0];
    let repeated = format!("{}\\n\"\n", lines.replace('\n', "\\n"));
    assert!(DOCUMENT.contains(&repeated), "{repeated}");
}
