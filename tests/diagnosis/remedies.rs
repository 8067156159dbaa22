//! Remedies: every command of a line `fix:` is run as printed, by a shell, and the request that failed must then succeed.
//!
//! Options of container engines and of systemd are words, and stand in no command. They are not tried here.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::document::examples;
use super::failure::{install, set_capabilities};
use super::harness::{
    ALICE, IdType, InstallMode, Namespace, Outcome, ROOT, Sandbox, finish, in_sandbox, must_succeed,
};
use super::plugin::{first_delegated, in_plugin_sandbox};

/// A user who requests maps, and root who runs commands.
struct World<'a> {
    sandbox: &'a Sandbox,
    id_type: IdType,
    program: PathBuf,
    /// Beginnings of commands.
    user: Box<dyn Fn() -> Command + 'a>,
    root: Box<dyn Fn() -> Command + 'a>,
    uid: u32,
}

impl<'a> World<'a> {
    fn new(sandbox: &'a Sandbox, id_type: IdType) -> Self {
        Self {
            sandbox,
            id_type,
            program: sandbox.program(InstallMode::Setuid, id_type),
            user: Box::new(|| ALICE.command("env")),
            root: Box::new(|| ROOT.command("env")),
            uid: 1000,
        }
    }

    fn with_program(self, program: PathBuf) -> Self {
        Self { program, ..self }
    }

    fn within(self, namespace: &'a Namespace) -> Self {
        Self { user: Box::new(|| namespace.as_alice()), root: Box::new(|| namespace.as_root()), ..self }
    }

    fn with_uid(self, uid: u32) -> Self {
        let user = move || {
            let mut setpriv = ROOT.command("setpriv");
            setpriv.args([&format!("--reuid={uid}"), "--regid=1000", "--clear-groups", "--"]);
            setpriv
        };
        Self { user: Box::new(user), uid, ..self }
    }

    /// Requests a map of a new namespace.
    fn request(&self, ranges: &str) -> Outcome {
        let target = self.sandbox.waiting((self.user)().args(["unshare", "--user", "--"]));
        self.request_for(&target, ranges)
    }

    fn request_for(&self, target: &Namespace, ranges: &str) -> Outcome {
        let mut command = (self.user)();
        let outcome = finish(command.arg(&self.program).arg(target.pid()).args(ranges.split(' ')));
        let words: Vec<&str> = ranges.split(' ').collect();
        let requested: Vec<_> =
            words.chunks(3).map(|range| (range[0].to_owned(), range[2].to_owned())).collect();
        // The ids outside are other ones here, if the user is in a nested namespace.
        let map = target.map(self.id_type);
        let lines =
            map.split("; ").filter(|line| !line.is_empty()).map(|line| line.split(' ').collect::<Vec<_>>());
        let mapped: Vec<_> = lines.map(|line| (line[0].to_owned(), line[2].to_owned())).collect();
        let expected = if outcome.status == Some(0) { requested } else { Vec::new() };
        assert_eq!(mapped, expected, "{ranges}: {}", outcome.stderr);
        outcome
    }

    /// A command as printed. Root's umask may be strict.
    fn shell(&self, command: &str) {
        let mut root = (self.root)();
        let outcome = finish(root.args(["sh", "-c", "umask 077; exec sh -c \"$1\"", "sh", command]));
        assert_eq!(outcome.status, Some(0), "{command}: {}", outcome.stderr);
    }

    /// What podman requests: the own id, and the ranges that getsubids lists.
    fn delegated(&self) -> String {
        let mut getsubids = (self.user)();
        getsubids.arg(self.sandbox.tool("getsubids"));
        if self.id_type == IdType::Gid {
            getsubids.arg("-g");
        }
        let name = String::from_utf8(
            Command::new("id").args(["-un", &self.uid.to_string()]).output().unwrap().stdout,
        );
        let outcome = finish(getsubids.arg(name.unwrap().trim_end_matches('\n')));
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        let own = if self.id_type == IdType::Uid { self.uid } else { 1000 };
        let mut ranges = vec![format!("0 {own} 1")];
        let mut upper = 1;
        for line in outcome.stdout.lines() {
            let mut words = line.rsplit(' ');
            let (count, start) = (words.next().unwrap(), words.next().unwrap());
            ranges.push(format!("{upper} {start} {count}"));
            upper += count.parse::<u64>().unwrap();
        }
        ranges.join(" ")
    }

    /// Follows the fixes until the request succeeds. Of alternatives, the one with this number is taken. Returns the fixes.
    #[track_caller]
    fn remedied(&self, ranges: &str, choice: usize) -> Vec<String> {
        let mut wanted = ranges.to_owned();
        let mut fixes = Vec::new();
        for _ in 0..4 {
            let outcome = self.request(&wanted);
            if outcome.status == Some(0) {
                assert!(!fixes.is_empty(), "{ranges} did not fail");
                return fixes;
            }
            let fix = fix(&outcome);
            let alternatives = alternatives(&fix);
            assert!(!alternatives.is_empty(), "no command in {fix}");
            for command in &alternatives[choice.min(alternatives.len() - 1)] {
                self.shell(command);
            }
            let changes = ["request these", "`sed "].iter().any(|words| fix.contains(words));
            if changes {
                wanted = self.delegated();
            }
            fixes.push(fix);
        }
        panic!("{fixes:#?}");
    }
}

/// The first fix of a failure.
#[track_caller]
fn fix(outcome: &Outcome) -> String {
    let line = outcome.stderr.lines().find_map(|line| line.split_once(": fix: "));
    line.unwrap_or_else(|| panic!("{}", outcome.stderr)).1.to_owned()
}

/// The commands of each alternative.
fn alternatives(fix: &str) -> Vec<Vec<String>> {
    let commands = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    // A comma within a command separates nothing.
    fix.split(", or ").map(commands).filter(|commands| !commands.is_empty()).collect()
}

/// A failure whose fix has commands: what tries them, once for each alternative, and returns the fixes.
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
        remedy: |sandbox, id_type, _| subid_file(sandbox, id_type, &directory),
    },
    Case { example: "not-mapped-here", alternatives: 1, remedy: not_mapped_here },
    Case { example: "crosses-boundary", alternatives: 1, remedy: crosses_boundary },
    Case { example: "overlap", alternatives: 1, remedy: doubled_line },
    Case { example: "overlap own", alternatives: 1, remedy: own_id_in_a_line },
    Case { example: "no-passwd-entry", alternatives: 1, remedy: no_passwd_entry },
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
    for Case { remedy, alternatives, .. } in CASES {
        for id_type in IdType::BOTH {
            for choice in 0..*alternatives {
                in_sandbox(|sandbox| drop(remedy(sandbox, id_type, choice)));
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
        // tests/diagnosis/plugins.rs tries getsubids.
        if shown.is_empty() || name == "plugin" {
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
        "sed",
        "setcap",
        "sysctl",
        "umount",
        "usermod",
    ];
    assert_eq!(verbs, known.map(str::to_owned).into());
}

fn unprivileged(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let program = install(sandbox, id_type, "copy", &["--mode=0755"]);
    World::new(sandbox, id_type).with_program(program).remedied("0 100000 10", choice)
}

fn unprivileged_in_an_odd_place(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let program = install(sandbox, id_type, "odd/it's; touch $(echo pwned) &", &["--mode=0755"]);
    let fixes = World::new(sandbox, id_type).with_program(program).remedied("0 100000 10", choice);
    assert!(fixes[0].contains(r"'/mnt/odd/it'\''s; touch $(echo pwned) &/new"), "{fixes:?}");
    fixes
}

fn other_capabilities(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    // The setuid bit has no effect beside file capabilities, so it is no remedy.
    let program = install(sandbox, id_type, "copy", &["--mode=4755"]);
    let other = if id_type == IdType::Uid { "cap_setgid=ep" } else { "cap_setuid=ep" };
    set_capabilities(ROOT.command("env"), other, &program);
    let fixes = World::new(sandbox, id_type).with_program(program).remedied("0 100000 10", choice);
    assert!(!fixes[0].contains("chmod"), "{fixes:?}");
    fixes
}

fn foreign_capabilities(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let program = install(sandbox, id_type, "copy", &["--mode=0755"]);
    let capability = format!("cap_set{}=ep", id_type.word());
    must_succeed(Command::new("setcap").args(["-n", "1000", &capability]).arg(&program));
    World::new(sandbox, id_type).with_program(program).remedied("0 100000 10", choice)
}

fn nosuid(sandbox: &Sandbox, id_type: IdType, directory: &str) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let point = Path::new("/mnt").join(directory);
    fs::create_dir(&point).unwrap();
    mount(Some("tmpfs"), &point, Some("tmpfs"), MsFlags::MS_NOSUID, Some("mode=0755")).unwrap();
    let program = install(sandbox, id_type, directory, &["--mode=4755"]);
    World::new(sandbox, id_type).with_program(program).remedied("0 100000 10", 0)
}

fn setfcap(sandbox: &Sandbox, _: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:0:10\n");
    let program = sandbox.program(InstallMode::Caps, IdType::Uid);
    World::new(sandbox, IdType::Uid).with_program(program).remedied("0 0 1", choice)
}

fn nothing_delegated(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("");
    World::new(sandbox, id_type).remedied("0 100000 10", choice)
}

fn not_enough(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:9\n");
    World::new(sandbox, id_type).remedied("0 100000 10", choice)
}

/// Ids that another user or an account has, in files that end with and without a newline.
#[test]
fn suggested_ids_are_free() {
    for (lines, accounts, login_defs, ranges, expected) in [
        ("containers:2147483647:2147483648\n", "", "", "0 100000 10", "100000-165535"),
        ("bob:100000:65536\n", "", "", "0 300000 10", "165536-231071"),
        ("bob:100000:65536", "", "", "0 165536 10", "165536-231071"),
        ("1001:0x186a0:65536\n", "", "", "0 165536 10", "165536-231071"),
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
                let fixes = World::new(sandbox, id_type).remedied(ranges, 0);
                let command = format!("`usermod --add-sub{}s {expected} alice`", id_type.word());
                assert_eq!(fixes.len(), 1, "{fixes:?}");
                assert!(fixes[0].contains(&command), "{command} in {}", fixes[0]);
            });
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
    ] {
        for id_type in IdType::BOTH {
            in_sandbox(|sandbox| {
                sandbox.write("passwd", format!("root:x:0:0::/:/bin/sh\n{name}:x:1000:1000::/:/bin/sh\n"));
                sandbox.delegate("bob:1:1");
                let world = World::new(sandbox, id_type);
                let fixes = world.remedied("0 100000 10", 0);
                assert!(fixes[0].contains(word), "{word} in {}", fixes[0]);
                // An owner in a new file is plain.
                remove(&format!("/etc/{}", id_type.subid()));
                world.remedied("0 100000 10", 0);
                assert!(!Path::new("/etc/pwned").exists());
            });
        }
    }
}

fn remove(path: &str) {
    fs::remove_file(path).unwrap();
}

fn private(path: &str) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn link(path: &str) {
    fs::rename(path, "/etc/real").unwrap();
    symlink("/etc/real", path).unwrap();
}

fn directory(path: &str) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

fn subid_file(sandbox: &Sandbox, id_type: IdType, change: &dyn Fn(&str)) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    change(&format!("/etc/{}", id_type.subid()));
    World::new(sandbox, id_type).remedied("0 100000 10", 0)
}

/// In a namespace with the ids from 0 to 69999.
fn not_mapped_here(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("bob:7:7\nalice:100000:65536\n");
    let nested = sandbox.nested(70_000);
    let world = World::new(sandbox, id_type).within(&nested);
    world.remedied(&world.delegated(), choice)
}

/// In a namespace whose map has several lines.
pub fn with_lines(sandbox: &Sandbox) -> Namespace {
    let namespace = sandbox.namespace(ROOT);
    for id_type in IdType::BOTH {
        let map = format!("/proc/{}/{}_map", namespace.pid(), id_type.word());
        fs::write(map, "0 0 1\n1 1 30000\n30001 200000 36000").unwrap();
    }
    namespace
}

fn crosses_boundary(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:1001:64999\n");
    let namespace = with_lines(sandbox);
    let world = World::new(sandbox, id_type).within(&namespace);
    let fixes = world.remedied("0 1000 1 1 1001 64999", choice);
    // The parts are a request that succeeds, too.
    let parts = fixes[0].split_once("of its own: ").unwrap().1.split(';').next().unwrap();
    sandbox.delegate("alice:1001:64999\n");
    let outcome = world.request(&format!("0 1000 1 {}", parts.replace(", ", " ")));
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    fixes
}

fn doubled_line(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\nalice:100000:65536\n");
    let world = World::new(sandbox, id_type);
    world.remedied(&world.delegated(), choice)
}

fn own_id_in_a_line(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.write("passwd", "root:x:0:0::/:/bin/sh\nalice:x:100500:1000::/:/bin/sh\n");
    sandbox.delegate("alice:100000:65536\n");
    if id_type == IdType::Gid {
        // The own gid is 1000.
        sandbox.delegate("alice:900:65536\n");
    }
    let world = World::new(sandbox, id_type).with_uid(100_500);
    world.remedied(&world.delegated(), choice)
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
                let world = World::new(sandbox, id_type);
                let ids = |ranges: String| {
                    let words: Vec<u64> = ranges.split(' ').map(|word| word.parse().unwrap()).collect();
                    words.chunks(3).flat_map(|range| range[1]..range[1] + range[2]).collect::<BTreeSet<_>>()
                };
                let before = ids(world.delegated());
                world.remedied(&world.delegated(), 0);
                assert_eq!(ids(world.delegated()), before, "no id is lost");
            });
        }
    }
}

fn no_passwd_entry(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("4711:100000:10\n");
    World::new(sandbox, id_type).with_uid(4711).remedied("0 100000 10", choice)
}

fn private_passwd(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    private("/etc/passwd");
    World::new(sandbox, id_type).with_uid(1000).remedied("0 100000 10", choice)
}

fn private_nsswitch(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    private("/etc/nsswitch.conf");
    World::new(sandbox, id_type).with_uid(1000).remedied("0 100000 10", choice)
}

/// For one target, whose files in `/proc` are the matter.
fn remedied_for(world: &World, target: &Namespace) -> Vec<String> {
    let fix = fix(&world.request_for(target, "0 100000 10"));
    alternatives(&fix).concat().iter().for_each(|command| world.shell(command));
    assert_eq!(world.request_for(target, "0 100000 10").stderr, "", "{fix}");
    vec![fix]
}

fn read_only_proc(sandbox: &Sandbox, id_type: IdType, _: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let target = sandbox.namespace(ALICE);
    mount(Some("/proc"), "/proc", None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(None::<&str>, "/proc", None::<&str>, flags, None::<&str>).unwrap();
    remedied_for(&World::new(sandbox, id_type), &target)
}

fn covered_map(sandbox: &Sandbox, id_type: IdType, _: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let target = sandbox.namespace(ALICE);
    let map = format!("/proc/{}/{}_map", target.pid(), id_type.word());
    mount(Some("/dev/null"), map.as_str(), None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    let world = World::new(sandbox, id_type);
    let fix = fix(&finish(ALICE.command(&world.program).args([&target.pid(), "0", "100000", "10"])));
    alternatives(&fix).concat().iter().for_each(|command| world.shell(command));
    assert_eq!(world.request_for(&target, "0 100000 10").stderr, "", "{fix}");
    vec![fix]
}

fn no_proc(sandbox: &Sandbox, id_type: IdType, _: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let target = sandbox.namespace(ALICE);
    mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    let world = World::new(sandbox, id_type);
    let words = [&target.pid(), "0", "100000", "10"];
    let fix = fix(&finish(ALICE.command(&world.program).args(words)));
    alternatives(&fix).concat().iter().for_each(|command| world.shell(command));
    assert_eq!(finish(ALICE.command(&world.program).args(words)).stderr, "", "{fix}");
    umount2("/proc", MntFlags::MNT_DETACH).unwrap();
    vec![fix]
}

/// In a new PID namespace, a shell requests a map for a child of its own before and after the command.
fn other_proc(sandbox: &Sandbox, id_type: IdType, _: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let program = sandbox.program(InstallMode::Setuid, id_type);
    let script = "mkfifo -m 0666 /mnt/fifo; as='setpriv --reuid=1000 --regid=1000 --clear-groups --'
        $as unshare --user sh -c 'read line </mnt/fifo' & child=$!
        while [ \"$(readlink /proc/self/ns/user)\" = x ]; do :; done; sleep 0.3
        eval \"$1\"
        $as \"$2\" $child 0 100000 10; status=$?
        kill $child; exit $status";
    let run = |command: &str| {
        let _ = fs::remove_file("/mnt/fifo");
        let mut unshare = ROOT.command("unshare");
        unshare.args([
            "--pid",
            "--fork",
            "--kill-child",
            "--mount",
            "--propagation=private",
            "sh",
            "-c",
            script,
            "sh",
            command,
        ]);
        finish(unshare.arg(&program))
    };
    let fix = fix(&run(":"));
    assert!(fix.starts_with("as root in this PID namespace, run `mount"), "{fix}");
    let outcome = run(&alternatives(&fix).concat()[0]);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    vec![fix]
}

/// Of another user: the process is seen afterwards, and belongs to that user.
fn hidden_process(sandbox: &Sandbox, id_type: IdType, _: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let target = sandbox.namespace(super::harness::BOB);
    must_succeed(Command::new("mount").args(["-t", "proc", "-o", "hidepid=invisible", "proc", "/proc"]));
    let world = World::new(sandbox, id_type);
    let words = [&target.pid(), "0", "100000", "10"];
    let fix = fix(&finish(ALICE.command(&world.program).args(words)));
    alternatives(&fix).concat().iter().for_each(|command| world.shell(command));
    let outcome = finish(ALICE.command(&world.program).args(words));
    assert!(outcome.stderr.contains("belongs to uid 1001"), "{}", outcome.stderr);
    umount2("/proc", MntFlags::MNT_DETACH).unwrap();
    vec![fix]
}

/// The limit is one of a namespace, so that the machine keeps its own.
fn no_namespace(sandbox: &Sandbox, _: IdType, _: usize) -> Vec<String> {
    sandbox.delegate("alice:1001:9\n");
    let nested = sandbox.nested(70_000);
    must_succeed(nested.as_root().args(["sh", "-c", "echo 0 >/proc/sys/user/max_user_namespaces"]));
    let mut check = nested.as_alice();
    let outcome =
        finish(check.args(["env", "PATH=/mnt/Setuid:/usr/bin:/bin"]).arg(sandbox.tool("uidmap-check")));
    let fix = outcome
        .stdout
        .lines()
        .find_map(|line| line.split_once(" fix: "))
        .expect(&outcome.stdout)
        .1
        .to_owned();
    for command in alternatives(&fix).concat() {
        must_succeed(nested.as_root().args(["sh", "-c", &command]));
    }
    must_succeed(nested.as_alice().args(["unshare", "--user", "true"]));
    vec![fix]
}

/// The ids that the plugin delegates are those that getsubids lists.
#[test]
fn the_listed_ids_of_a_plugin_can_be_requested() {
    in_plugin_sandbox(|sandbox| {
        super::plugin::install(sandbox, "sound", &[]);
        for id_type in IdType::BOTH {
            let world = World::new(sandbox, id_type);
            let fix = fix(&world.request(&format!("0 {} 101", first_delegated(id_type))));
            let command = &alternatives(&fix)[0][0];
            let mut shell = ALICE.command("sh");
            shell.env("PATH", "/mnt/tools:/usr/bin:/bin").args(["-c", command]);
            let listed = finish(&mut shell).stdout;
            let mut words = listed.lines().next().unwrap().rsplit(' ');
            let (count, start) = (words.next().unwrap(), words.next().unwrap());
            assert_eq!(world.request(&format!("0 {start} {count}")).stderr, "", "{listed}");
        }
    });
}
