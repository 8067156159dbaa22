//! The cases of [`super::remedies`]: each provokes a failure, follows the fix, and repeats the request.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::failure::{install, set_capabilities};
use super::harness::{ALICE, BOB, IdType, InstallMode, Namespace, ROOT, Sandbox, finish, must_succeed};
use super::repair::{Repair, alternatives, fix};

pub fn unprivileged(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let program = install(sandbox, id_type, "copy", &["--mode=0755"]);
    Repair::new(sandbox, id_type).with_program(program).remedied("0 100000 10", choice)
}

pub fn unprivileged_in_an_odd_place(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let program = install(sandbox, id_type, "odd/it's; touch $(echo pwned) &", &["--mode=0755"]);
    let fixes = Repair::new(sandbox, id_type).with_program(program).remedied("0 100000 10", choice);
    assert!(fixes[0].contains(r"'/mnt/odd/it'\''s; touch $(echo pwned) &/new"), "{fixes:?}");
    fixes
}

pub fn other_capabilities(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    // The setuid bit has no effect beside file capabilities, so it is no remedy.
    let program = install(sandbox, id_type, "copy", &["--mode=4755"]);
    let other = if id_type == IdType::Uid { "cap_setgid=ep" } else { "cap_setuid=ep" };
    set_capabilities(ROOT.command("env"), other, &program);
    let fixes = Repair::new(sandbox, id_type).with_program(program).remedied("0 100000 10", choice);
    assert!(!fixes[0].contains("chmod"), "{fixes:?}");
    fixes
}

pub fn foreign_capabilities(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let program = install(sandbox, id_type, "copy", &["--mode=0755"]);
    let capability = format!("cap_set{}=ep", id_type.word());
    must_succeed(Command::new("setcap").args(["-n", "1000", &capability]).arg(&program));
    Repair::new(sandbox, id_type).with_program(program).remedied("0 100000 10", choice)
}

pub fn nosuid(sandbox: &Sandbox, id_type: IdType, directory: &str) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let point = Path::new("/mnt").join(directory);
    fs::create_dir(&point).unwrap();
    mount(Some("tmpfs"), &point, Some("tmpfs"), MsFlags::MS_NOSUID, Some("mode=0755")).unwrap();
    let program = install(sandbox, id_type, directory, &["--mode=4755"]);
    Repair::new(sandbox, id_type).with_program(program).remedied("0 100000 10", 0)
}

pub fn setfcap(sandbox: &Sandbox, _: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:0:10\n");
    let program = sandbox.program(InstallMode::Caps, IdType::Uid);
    Repair::new(sandbox, IdType::Uid).with_program(program).remedied("0 0 1", choice)
}

pub fn nothing_delegated(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("");
    Repair::new(sandbox, id_type).remedied("0 100000 10", choice)
}

pub fn not_enough(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:9\n");
    Repair::new(sandbox, id_type).remedied("0 100000 10", choice)
}

pub fn remove(path: &str) {
    fs::remove_file(path).unwrap();
}

pub fn private(path: &str) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

pub fn link(path: &str) {
    fs::rename(path, "/etc/real").unwrap();
    symlink("/etc/real", path).unwrap();
}

pub fn dangling_link(path: &str) {
    fs::remove_file(path).unwrap();
    symlink("/etc/missing", path).unwrap();
}

pub fn directory(path: &str) {
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
}

pub fn subid_file(sandbox: &Sandbox, id_type: IdType, change: &dyn Fn(&str)) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    change(&format!("/etc/{}", id_type.subid()));
    Repair::new(sandbox, id_type).remedied("0 100000 10", 0)
}

/// In a namespace with the ids from 0 to 69999.
pub fn not_mapped_here(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("bob:7:7\nalice:100000:65536\n");
    let nested = sandbox.nested(70_000);
    let repair = Repair::new(sandbox, id_type).within(&nested);
    repair.remedied(&repair.delegated(), choice)
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

pub fn crosses_boundary(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:1001:64999\n");
    let namespace = with_lines(sandbox);
    let repair = Repair::new(sandbox, id_type).within(&namespace);
    let fixes = repair.remedied("0 1000 1 1 1001 64999", choice);
    // The parts are a request that succeeds, too.
    let parts = fixes[0].split_once("of its own: ").unwrap().1.split(';').next().unwrap();
    sandbox.delegate("alice:1001:64999\n");
    let outcome = repair.request(&format!("0 1000 1 {}", parts.replace(", ", " ")));
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    fixes
}

pub fn doubled_line(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\nalice:100000:65536\n");
    let repair = Repair::new(sandbox, id_type);
    repair.remedied(&repair.delegated(), choice)
}

pub fn own_id_in_a_line(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.write("passwd", "root:x:0:0::/:/bin/sh\nalice:x:100500:1000::/:/bin/sh\n");
    sandbox.delegate("alice:100000:65536\n");
    if id_type == IdType::Gid {
        // The own gid is 1000, and among the other ids are those of groups, so the line gets free ones.
        sandbox.delegate("alice:900:65536\n");
    }
    let repair = Repair::new(sandbox, id_type).with_uid(100_500);
    repair.remedied(&repair.delegated(), choice)
}

/// The file keeps its accounts, and gets one whose name is its own and whose home no other user can write.
pub fn no_passwd_entry(sandbox: &Sandbox, id_type: IdType, end: &str) -> Vec<String> {
    sandbox.delegate("4711:100000:10\n");
    let before = fs::read_to_string("/etc/passwd").unwrap() + end;
    sandbox.write("passwd", &before);
    let fixes = Repair::new(sandbox, id_type).with_uid(4711).remedied("0 100000 10", 0);
    let after = fs::read_to_string("/etc/passwd").unwrap();
    let fields = |text: &str| {
        text.lines().map(|line| line.split(':').map(str::to_owned).collect()).collect::<Vec<Vec<_>>>()
    };
    let (before, mut after) = (fields(&before), fields(&after));
    let added = after.pop().unwrap();
    assert_eq!(after, before);
    assert!(after.iter().all(|account| account[0] != added[0]), "{added:?}");
    let nearest = Path::new(&added[5]).ancestors().find(|home| home.exists()).unwrap();
    assert_eq!(fs::metadata(nearest).unwrap().permissions().mode() & 0o022, 0, "{added:?}");
    fixes
}

pub fn private_passwd(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    private("/etc/passwd");
    Repair::new(sandbox, id_type).with_uid(1000).remedied("0 100000 10", choice)
}

pub fn closed_etc(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    fs::set_permissions("/etc", Permissions::from_mode(0o700)).unwrap();
    Repair::new(sandbox, id_type).with_uid(1000).remedied("0 100000 10", choice)
}

pub fn nsswitch_in_a_closed_directory(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    fs::create_dir("/mnt/it's closed").unwrap();
    fs::copy("/etc/nsswitch.conf", "/mnt/it's closed/real").unwrap();
    sandbox.remove("nsswitch.conf");
    symlink("/mnt/it's closed/real", "/etc/nsswitch.conf").unwrap();
    fs::set_permissions("/mnt/it's closed", Permissions::from_mode(0o700)).unwrap();
    Repair::new(sandbox, id_type).with_uid(1000).remedied("0 100000 10", choice)
}

pub fn private_nsswitch(sandbox: &Sandbox, id_type: IdType, choice: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    private("/etc/nsswitch.conf");
    Repair::new(sandbox, id_type).with_uid(1000).remedied("0 100000 10", choice)
}

/// A cause in the `/proc` files of one target.
pub fn remedied_for(repair: &Repair, target: &Namespace) -> Vec<String> {
    let fix = fix(&repair.request_for(target, "0 100000 10"));
    alternatives(&fix).concat().iter().for_each(|command| repair.shell(command));
    assert_eq!(repair.request_for(target, "0 100000 10").stderr, "", "{fix}");
    vec![fix]
}

pub fn read_only_proc(sandbox: &Sandbox, id_type: IdType, _: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let target = sandbox.namespace(ALICE);
    mount(Some("/proc"), "/proc", None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(None::<&str>, "/proc", None::<&str>, flags, None::<&str>).unwrap();
    remedied_for(&Repair::new(sandbox, id_type), &target)
}

pub fn covered_map(sandbox: &Sandbox, id_type: IdType, _: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let target = sandbox.namespace(ALICE);
    let map = format!("/proc/{}/{}_map", target.pid(), id_type.word());
    mount(Some("/dev/null"), map.as_str(), None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    remedied_for(&Repair::new(sandbox, id_type), &target)
}

pub fn no_proc(sandbox: &Sandbox, id_type: IdType, _: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let target = sandbox.namespace(ALICE);
    mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    let repair = Repair::new(sandbox, id_type);
    let words = [&target.pid(), "0", "100000", "10"];
    let fix = fix(&finish(ALICE.command(&repair.program).args(words)));
    alternatives(&fix).concat().iter().for_each(|command| repair.shell(command));
    assert_eq!(finish(ALICE.command(&repair.program).args(words)).stderr, "", "{fix}");
    umount2("/proc", MntFlags::MNT_DETACH).unwrap();
    vec![fix]
}

/// In a new PID namespace, a shell requests a map for a child of its own before and after the command.
pub fn other_proc(sandbox: &Sandbox, id_type: IdType, _: usize) -> Vec<String> {
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
pub fn hidden_process(sandbox: &Sandbox, id_type: IdType, _: usize) -> Vec<String> {
    sandbox.delegate("alice:100000:10\n");
    let target = sandbox.namespace(BOB);
    must_succeed(Command::new("mount").args(["-t", "proc", "-o", "hidepid=invisible", "proc", "/proc"]));
    let repair = Repair::new(sandbox, id_type);
    let words = [&target.pid(), "0", "100000", "10"];
    let fix = fix(&finish(ALICE.command(&repair.program).args(words)));
    alternatives(&fix).concat().iter().for_each(|command| repair.shell(command));
    let outcome = finish(ALICE.command(&repair.program).args(words));
    assert!(outcome.stderr.contains("belongs to uid 1001"), "{}", outcome.stderr);
    umount2("/proc", MntFlags::MNT_DETACH).unwrap();
    vec![fix]
}

/// The limit is one of a namespace, so that the machine keeps its own.
pub fn no_namespace(sandbox: &Sandbox, _: IdType, _: usize) -> Vec<String> {
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
