//! Runs the programs with real privilege on real user namespaces, without changes to the machine.
//!
//! A [`Sandbox`] is a private mount namespace. Its `/etc` has only the files that the programs read, written by the test. Its
//! `/mnt` has the programs, installed in each mode. Only the thread of the test and its child processes see the sandbox, so
//! tests run in parallel.

pub mod descriptor;
pub mod faults;
pub mod plugin;
pub mod privileged;
pub mod tracing;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// The programs that are installed without privilege.
const TOOLS: [&str; 2] = [env!("CARGO_BIN_EXE_getsubids"), env!("CARGO_BIN_EXE_uidmap-check")];

const PROGRAMS: [(&str, &str); 2] =
    [("newuidmap", env!("CARGO_BIN_EXE_newuidmap")), ("newgidmap", env!("CARGO_BIN_EXE_newgidmap"))];

/// The type of the mapped ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdType {
    Uid,
    Gid,
}

impl IdType {
    pub const BOTH: [Self; 2] = [Self::Uid, Self::Gid];

    pub fn program(self) -> &'static str {
        match self {
            Self::Uid => "newuidmap",
            Self::Gid => "newgidmap",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Uid => "uid",
            Self::Gid => "gid",
        }
    }

    /// The name of the subid file in /etc.
    pub fn subid(self) -> &'static str {
        match self {
            Self::Uid => "subuid",
            Self::Gid => "subgid",
        }
    }
}

/// How a program is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallMode {
    Setuid,
    /// `cap_setuid` or `cap_setgid`, permitted and effective.
    Caps,
    /// `cap_setuid` and `cap_setfcap`, or `cap_setgid`, permitted and not effective.
    PermittedCaps,
    Unprivileged,
}

impl InstallMode {
    /// The modes in which the programs may map delegated ids.
    pub const GOOD: [Self; 2] = [Self::Setuid, Self::Caps];

    const OURS: [Self; 4] = [Self::Setuid, Self::Caps, Self::PermittedCaps, Self::Unprivileged];

    fn directory(self) -> PathBuf {
        Path::new("/mnt").join(format!("{self:?}"))
    }

    /// Installs newuidmap and newgidmap in a new directory.
    ///
    /// install(1) writes the files. If this process wrote them, a child of another test could inherit the descriptor, and an
    /// exec of the program would fail with ETXTBSY.
    pub fn install<S: AsRef<OsStr>>(self, programs: [S; 2], directory: &Path) {
        fs::create_dir_all(directory).unwrap();
        let mode = if self == Self::Setuid { "--mode=4755" } else { "--mode=0755" };
        let mut install = Command::new("install");
        must_succeed(install.arg(mode).args(programs).arg(directory));
        let capabilities = match self {
            Self::Caps => ["cap_setuid=ep", "cap_setgid=ep"],
            Self::PermittedCaps => ["cap_setuid,cap_setfcap=p", "cap_setgid=p"],
            Self::Setuid | Self::Unprivileged => return,
        };
        for ((name, _), capabilities) in PROGRAMS.into_iter().zip(capabilities) {
            must_succeed(Command::new("setcap").arg(capabilities).arg(directory.join(name)));
        }
    }
}

/// Each file in /proc/PID that the programs write: the id type, the file, and a request that leads to the write.
pub const WRITTEN: [(IdType, &str, &str); 3] = [
    (IdType::Uid, "uid_map", "0 100000 10"),
    (IdType::Gid, "gid_map", "0 100000 10"),
    (IdType::Gid, "setgroups", "0 1000 1"),
];

/// The first two numbers of the kernel's version.
pub fn kernel() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// Runs a command that prepares a test; panics if the command fails.
pub fn must_succeed(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}");
}

/// The ids of a caller or of the owner of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    pub uid: u32,
    pub gid: u32,
}

pub const ROOT: Person = Person { uid: 0, gid: 0 };
/// Two other login names have the same uid: alicia and Alice.Smith.
pub const ALICE: Person = Person { uid: 1000, gid: 1000 };
pub const BOB: Person = Person { uid: 1001, gid: 1001 };
/// A user without passwd entry.
pub const UNKNOWN_USER: Person = Person { uid: 4711, gid: 4711 };

impl Person {
    pub fn with_gid(self, gid: u32) -> Self {
        Self { gid, ..self }
    }

    /// A command with these ids and a minimal environment.
    pub fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.uid(self.uid).gid(self.gid).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.current_dir("/");
        command
    }
}

/// The exit status and the output of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `None` if a signal ended the program.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { status: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// The lines of stderr that shadow prints, too: all before the cause and the fix.
    pub fn shadow_lines(&self) -> &str {
        let lines = self.stderr.split_inclusive('\n').take_while(|line| !line.contains(": cause: "));
        self.stderr.split_at(lines.map(str::len).sum()).0
    }

    pub fn first_line(&self) -> &str {
        self.stderr.lines().next().unwrap_or_default()
    }
}

/// The result of a program and the state of its target afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub outcome: Outcome,
    /// The map as the kernel shows it: lines joined by `; `, columns by one blank.
    pub map: String,
    /// `allow` or `deny`.
    pub setgroups: String,
}

/// setpriv(1), started by root: applies the options, which may need root, and changes to the ids of alice.
pub fn setpriv(options: &[&str]) -> Command {
    become_alice(ROOT.command("setpriv"), options)
}

fn become_alice(mut setpriv: Command, options: &[&str]) -> Command {
    setpriv.args(["--reuid=1000", "--regid=1000", "--clear-groups"]).args(options).arg("--");
    setpriv
}

/// A process that waits until this value is dropped, in most tests in a new user namespace.
pub struct Namespace {
    process: Child,
    pid: String,
}

impl Namespace {
    /// Starts a command that becomes cat(1) or another program that echoes a line. The echo shows that the process is ready.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        let mut answer = [0];
        child.stdout.take().unwrap().read_exact(&mut answer).unwrap_or_else(|_| panic!("{command:?}"));
        Self { pid: child.id().to_string(), process: child }
    }

    pub fn pid(&self) -> String {
        self.pid.clone()
    }

    /// Sends a line to the process.
    pub fn send_line(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Prefix for a command that runs as root of this user namespace.
    pub fn as_root(&self) -> Command {
        let mut nsenter = ROOT.command("nsenter");
        nsenter.args(["--user", "--target", &self.pid, "--"]);
        nsenter
    }

    /// Prefix for a command that runs as alice in this user namespace.
    pub fn as_alice(&self) -> Command {
        let mut nsenter = self.as_root();
        nsenter.arg("setpriv");
        become_alice(nsenter, &[])
    }

    pub fn map(&self, id_type: IdType) -> String {
        let table = self.read(&format!("{}_map", id_type.word()));
        let columns = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        table.lines().map(columns).collect::<Vec<_>>().join("; ")
    }

    pub fn setgroups(&self) -> String {
        self.read("setgroups").trim().to_owned()
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.pid)).unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A private mount namespace with the installed programs; see the module.
pub struct Sandbox(());

/// Runs a test in a new sandbox. The test fails without root; `make test` then skips such tests and reports their number.
pub fn in_sandbox(test: impl FnOnce(&Sandbox) + Send) {
    assert!(
        nix::unistd::geteuid().is_root(),
        "needs root: 'make test' runs the tests that can run here and reports the others as skipped"
    );
    // The mount namespace belongs to the thread. A new thread ends with the test, so no other test sees the namespace.
    std::thread::scope(|scope| {
        let result = scope.spawn(|| test(&Sandbox::new())).join();
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
}

impl Sandbox {
    fn new() -> Self {
        let no: Option<&str> = None;
        let loader_cache = fs::read("/etc/ld.so.cache").unwrap_or_default();
        // A cgroup namespace hides the unit of systemd that the tests may run in.
        unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWCGROUP).unwrap();
        mount(no, "/", no, MsFlags::MS_REC | MsFlags::MS_PRIVATE, no).unwrap();
        // A tmpfs hides the marks of a container.
        if ["/run/.containerenv", "/run/secrets"].iter().any(|mark| Path::new(mark).exists()) {
            mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=0755")).unwrap();
        }
        for covered in ["/etc", "/mnt"] {
            mount(Some("tmpfs"), covered, Some("tmpfs"), MsFlags::empty(), Some("mode=0755")).unwrap();
        }
        fs::write("/etc/ld.so.cache", loader_cache).unwrap();
        for mode in InstallMode::OURS {
            mode.install(PROGRAMS.map(|(_, built)| built), &mode.directory());
        }
        fs::create_dir("/mnt/tools").unwrap();
        must_succeed(Command::new("install").args(TOOLS).arg("/mnt/tools"));
        let sandbox = Self(());
        sandbox.write("nsswitch.conf", "passwd: files\ngroup: files\n");
        sandbox.write(
            "passwd",
            "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n\
             alicia:x:1000:1000::/:/bin/sh\nAlice.Smith:x:1000:100::/:/bin/sh\n",
        );
        sandbox.write("group", "root:x:0:\nusers:x:100:alice\nalice:x:1000:\nbob:x:1001:\n");
        sandbox.write("login.defs", "");
        sandbox.write("subuid", "");
        sandbox.write("subgid", "");
        sandbox
    }

    /// Writes a file in /etc.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(Self::etc(name), text).unwrap();
    }

    /// Writes `/etc/subuid` and `/etc/subgid`.
    pub fn delegate(&self, lines: impl AsRef<[u8]>) {
        self.write("subuid", &lines);
        self.write("subgid", &lines);
    }

    /// Removes a file from /etc.
    pub fn remove(&self, name: &str) {
        fs::remove_file(Self::etc(name)).unwrap();
    }

    pub fn etc(name: &str) -> PathBuf {
        Path::new("/etc").join(name)
    }

    /// A process in a new user namespace of this person.
    pub fn namespace(&self, owner: Person) -> Namespace {
        let mut command = owner.command("unshare");
        command.args(["--user", "--", "cat"]);
        Namespace::of(command)
    }

    /// A PID that no process has, nor gets while the returned value lives: it is the number of the process group of another process.
    pub fn ended(&self) -> Namespace {
        let in_group = |group: i32| {
            let mut command = ALICE.command("cat");
            command.process_group(group);
            Namespace::of(command)
        };
        let leader = in_group(0);
        let mut member = in_group(leader.pid.parse().unwrap());
        member.pid.clone_from(&leader.pid);
        member
    }

    /// A process of this person in the caller's user namespace.
    pub fn process(&self, owner: Person) -> Namespace {
        Namespace::of(owner.command("cat"))
    }

    /// A process that this command starts. The command gets the program to run as further arguments, and may fork.
    pub fn waiting(&self, command: &mut Command) -> Namespace {
        command.args(["sh", "-c", "echo $$; exec cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut pid = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        assert!(pid.ends_with('\n'), "{command:?}");
        Namespace { process, pid: pid.trim_end().to_owned() }
    }

    /// A user namespace that maps the lowest ids to the same ids outside, so its root is root outside, too.
    pub fn nested(&self, count: u32) -> Namespace {
        let namespace = self.namespace(ROOT);
        for id_type in IdType::BOTH {
            let map = format!("/proc/{}/{}_map", namespace.pid, id_type.word());
            fs::write(map, format!("0 0 {count}")).unwrap();
        }
        namespace
    }

    /// The path of newuidmap or newgidmap in this mode.
    pub fn program(&self, mode: InstallMode, id_type: IdType) -> PathBuf {
        mode.directory().join(id_type.program())
    }

    /// Runs newuidmap or newgidmap as this caller.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        mode: InstallMode,
        id_type: IdType,
        caller: Person,
        arguments: &[S],
    ) -> Outcome {
        let mut command = caller.command(self.program(mode, id_type));
        finish(command.args(arguments))
    }

    /// The path of getsubids or uidmap-check.
    pub fn tool(&self, name: &str) -> PathBuf {
        Path::new("/mnt/tools").join(name)
    }

    /// Runs getsubids as root.
    pub fn getsubids(&self, arguments: &[&str]) -> Outcome {
        finish(ROOT.command(self.tool("getsubids")).args(arguments))
    }

    /// Runs newuidmap or newgidmap through another command, which gets the program and its arguments as further arguments.
    pub fn run_through<S: AsRef<OsStr>>(
        &self,
        mut via: Command,
        mode: InstallMode,
        id_type: IdType,
        arguments: &[S],
    ) -> Outcome {
        finish(via.arg(self.program(mode, id_type)).args(arguments))
    }

    /// Runs a program for a new user namespace of the caller; `ranges` are the arguments after the PID.
    pub fn attempt(&self, mode: InstallMode, id_type: IdType, caller: Person, ranges: &str) -> Attempt {
        let namespace = self.namespace(caller);
        let pid = namespace.pid();
        let words: Vec<&str> = std::iter::once(pid.as_str()).chain(ranges.split(' ')).collect();
        let outcome = self.run(mode, id_type, caller, &words);
        Attempt { outcome, map: namespace.map(id_type), setgroups: namespace.setgroups() }
    }

    /// Runs a test for each program in each mode of [`InstallMode::GOOD`].
    pub fn for_each_program(&self, test: impl Fn(InstallMode, IdType)) {
        for mode in InstallMode::GOOD {
            for id_type in IdType::BOTH {
                test(mode, id_type);
            }
        }
    }

    /// Asserts that each program, in each mode, writes the map of these ranges for alice and prints nothing.
    #[track_caller]
    pub fn allows(&self, ranges: &str) {
        self.allows_person(ALICE, ranges);
    }

    /// Asserts the same for this caller.
    #[track_caller]
    pub fn allows_person(&self, caller: Person, ranges: &str) {
        let words: Vec<&str> = ranges.split(' ').collect();
        let expected: Vec<String> = words.chunks(3).map(|range| range.join(" ")).collect();
        self.for_each_program(|mode, id_type| {
            let attempt = self.attempt(mode, id_type, caller, ranges);
            assert_eq!(attempt.outcome.stderr, "", "{mode:?} {id_type:?} {ranges}");
            assert_eq!(attempt.outcome.stdout, "", "{mode:?} {id_type:?} {ranges}");
            assert_eq!(attempt.outcome.status, Some(0), "{mode:?} {id_type:?} {ranges}");
            assert_eq!(attempt.map, expected.join("; "), "{mode:?} {id_type:?} {ranges}");
        });
    }

    /// Asserts that each program, in each mode, refuses these ranges for alice and reports the range `culprit` as shadow does.
    #[track_caller]
    pub fn refuses(&self, ranges: &str, culprit: &str) {
        let [upper, lower, count] = *culprit.split(' ').collect::<Vec<_>>() else { panic!("{culprit}") };
        let end = |start: &str| start.parse::<u64>().unwrap() + count.parse::<u64>().unwrap();
        let shown = format!("range [{upper}-{}) -> [{lower}-{}) not allowed", end(upper), end(lower));
        self.for_each_program(|mode, id_type| {
            let message = format!("{}: {} {shown}", id_type.program(), id_type.word());
            self.fails(mode, id_type, ALICE, ranges, &message);
        });
    }

    /// Asserts that the program prints this line first, exits with 1, and changes neither map nor setgroups. `PROGRAM` and `SUBID`
    /// in the message stand for the names of the program and of the subid file.
    #[track_caller]
    pub fn fails(
        &self,
        mode: InstallMode,
        id_type: IdType,
        caller: Person,
        ranges: &str,
        message: &str,
    ) -> Outcome {
        let attempt = self.attempt(mode, id_type, caller, ranges);
        let message = message.replace("PROGRAM", id_type.program()).replace("SUBID", id_type.subid());
        assert_eq!(attempt.outcome.first_line(), message, "{mode:?} {id_type:?} {ranges}");
        assert_eq!(attempt.outcome.status, Some(1), "{mode:?} {id_type:?} {ranges}");
        assert_eq!(attempt.outcome.stdout, "", "{mode:?} {id_type:?} {ranges}");
        assert_eq!(attempt.map, "", "{mode:?} {id_type:?} {ranges}");
        assert_eq!(attempt.setgroups, "allow", "{mode:?} {id_type:?} {ranges}");
        attempt.outcome
    }
}

/// Runs a command and waits for its end.
pub fn finish(command: &mut Command) -> Outcome {
    Outcome::of(&command.stdin(Stdio::null()).output().unwrap())
}

/// The usage line, as shadow prints it.
pub fn usage(id_type: IdType) -> String {
    let (program, id) = (id_type.program(), id_type.word());
    let pid = if id_type == IdType::Uid { "<pid>" } else { "<pid" };
    format!(
        "usage: {program} [{pid}|fd:<pidfd>] <{id}> <lower{id}> <count> [ <{id}> <lower{id}> <count> ] ... "
    )
}
