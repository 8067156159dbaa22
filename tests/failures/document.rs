//! docs/troubleshooting.md says what the programs say: each of its examples is provoked again.

use std::collections::BTreeSet;

use super::harness::{Kind, Way, World};
use super::plugin::in_plugin_world;
use super::{
    arguments, check, delegation, filters, installation, namespaces, plugins, proc, restrictions, targets,
};

const DOCUMENT: &str = include_str!("../../docs/troubleshooting.md");

/// An example's name, of which the first word is that of its cause's section, and what gives it.
type Example = (&'static str, fn(&World) -> String);

const EXAMPLES: &[Example] = &[
    ("unprivileged", |world| {
        world.delegate("alice:100000:10\n");
        installation::without_privilege(world, Kind::Uid).example()
    }),
    ("no-new-privs", |world| {
        world.delegate("alice:100000:10\n");
        restrictions::with_no_new_privs(world, Way::Setuid, Kind::Uid).example()
    }),
    ("nosuid", |world| {
        world.delegate("alice:100000:10\n");
        installation::nosuid(world, Kind::Uid)[0].stderr().to_owned()
    }),
    ("bounding-set", |world| {
        world.delegate("alice:100000:10\n");
        restrictions::out_of_the_bounding_set(world, Way::Setuid, Kind::Uid).example()
    }),
    ("foreign-capabilities", |world| {
        world.delegate("alice:100000:10\n");
        installation::foreign_capabilities(world, Kind::Uid).example()
    }),
    ("traced", |world| {
        world.delegate("alice:100000:10\n");
        restrictions::traced(world, Way::Setuid, Kind::Uid).example()
    }),
    ("not-mapped-here", |world| namespaces::not_mapped_here(world, Way::Setuid, Kind::Uid).example()),
    ("already-mapped", |world| {
        world.delegate("alice:100000:10\n");
        namespaces::already_mapped(world, Way::Setuid, Kind::Uid).example()
    }),
    ("same-namespace", |world| {
        world.delegate("alice:100000:10\n");
        namespaces::same_namespace(world, Way::Setuid, Kind::Uid).example()
    }),
    ("not-a-child", |world| {
        world.delegate("alice:100000:10\n");
        namespaces::grandchild(world, Way::Setuid, Kind::Uid)[0].example()
    }),
    ("overlap", |world| arguments::overlap(world, Way::Setuid, Kind::Uid).example()),
    ("too-much", |world| arguments::too_many(world, Way::Setuid, Kind::Uid).example()),
    ("not-delegated nothing", |world| delegation::with(world, Way::Setuid, Kind::Uid, "").example()),
    ("not-delegated not enough", |world| {
        delegation::with(world, Way::Setuid, Kind::Uid, "alice:100000:9\n").example()
    }),
    ("not-delegated nearly", |world| {
        delegation::with(world, Way::Setuid, Kind::Uid, "alcie:100000:10\n").example()
    }),
    ("defective-line", |world| {
        delegation::with(world, Way::Setuid, Kind::Uid, "alice:100000:65536:\n").example()
    }),
    ("no-process", |world| targets::ended(world, Way::Setuid, Kind::Uid).example()),
    ("proc read-only", |world| {
        world.delegate("alice:100000:10\n");
        proc::read_only(world, Way::Setuid, Kind::Uid, |_| "/proc".to_owned()).example()
    }),
    ("proc covered", |world| {
        world.delegate("alice:100000:10\n");
        proc::covered_map(world, Way::Setuid, Kind::Uid).example()
    }),
    ("proc not there", |world| proc::no_proc(world, Way::Setuid, Kind::Uid).example()),
    ("proc elsewhere", |world| {
        let ended = world.namespace(super::harness::ALICE).pid();
        proc::old_proc(world, Way::Setuid, Kind::Uid, &ended).example()
    }),
    ("proc hidden", |world| proc::hidden(world, Way::Setuid, Kind::Uid).example()),
    ("foreign-target user", |world| targets::of_bob(world, Way::Setuid, Kind::Uid).example()),
    ("foreign-target group", |world| targets::under_another_group(world, Way::Setuid, Kind::Uid).example()),
    ("not-dumpable", |world| {
        world.delegate("alice:100000:10\n");
        targets::not_dumpable(world, Way::Setuid, Kind::Uid).example()
    }),
    ("setfcap", |world| {
        world.delegate("alice:0:10\n");
        restrictions::without_setfcap(world).example()
    }),
    ("refused filter", |world| {
        world.delegate("alice:100000:10\n");
        filters::refused_by_a_filter(world, Way::Setuid, Kind::Uid).example()
    }),
    ("refused unseen", |world| {
        world.delegate("alice:100000:10\n");
        filters::taken_by_securebits(world, Kind::Uid).example()
    }),
    ("subid-file", |world| {
        delegation::unusable(world, Way::Setuid, Kind::Uid, |path| std::fs::remove_file(path).unwrap())
            .example()
    }),
    ("plugin", |world| plugins::without_sssd(world, Way::Setuid, Kind::Uid).example()),
    ("no-passwd-entry", |world| targets::without_passwd_entry(world, Way::Setuid, Kind::Uid).example()),
    ("argument", |world| arguments::malformed(world, Way::Setuid, Kind::Uid, "0 100000 64k").example()),
    ("not-installed", |world| check::not_installed(world).join("\n") + "\n"),
    ("no-namespace", |world| check::no_namespace(world).join("\n") + "\n"),
];

/// The examples of the document, in its order: a name, and the lines.
fn examples() -> Vec<(&'static str, &'static str)> {
    let blocks = DOCUMENT.split("\n```text ").skip(1);
    blocks.map(|block| block.split("\n```\n").next().unwrap().split_once('\n').unwrap()).collect()
}

#[test]
fn every_example_is_what_the_programs_say() {
    let mut wrong = Vec::new();
    for (name, lines) in examples() {
        let Some((_, provoke)) = EXAMPLES.iter().find(|(known, _)| *known == name) else {
            panic!("nothing gives the example '{name}'");
        };
        in_plugin_world(|world| {
            let said = provoke(world);
            // An editor may take the blank at the usage line's end.
            if !said.lines().map(str::trim_end).eq(lines.lines().map(str::trim_end)) {
                wrong.push(format!("```text {name}\n{said}```\n"));
            }
        });
    }
    assert!(wrong.is_empty(), "the programs say:\n{}", wrong.join("\n"));
    let shown: BTreeSet<_> = examples().iter().map(|(name, _)| *name).collect();
    let known: BTreeSet<_> = EXAMPLES.iter().map(|(name, _)| *name).collect();
    assert_eq!(shown, known);
}

/// As make e2e sees it in podman's own words, the lines are in one, with `\n` between them.
#[test]
fn what_podman_repeats_is_an_example() {
    let (_, lines) = examples()[0];
    let repeated = format!("{}\\n\"\n", lines.replace('\n', "\\n"));
    assert!(DOCUMENT.contains(&repeated), "{repeated}");
}
