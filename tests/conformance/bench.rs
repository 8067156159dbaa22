//! Runs a case with a program of this package or of shadow and records the result.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::{fmt, fs};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::sys::stat::Mode;

use super::case::{Case, Descriptor, FileKind, Prior, Program, State, bytes};
use super::harness::plugin::{self, library_directory};
use super::harness::{IdType, InstallMode, Namespace, Outcome, Person, ROOT, Sandbox, finish, must_succeed};
use super::reference::Reference;

/// The result of a run. The field `first` does not count for equality.
#[derive(Clone, Debug)]
pub struct Observation {
    /// `None` if a signal ended the program.
    pub status: Option<i32>,
    pub stdout: String,
    /// The first line of stderr.
    pub first: String,
    /// The first line of stderr without shadow's warnings.
    pub line: String,
    pub map: String,
    pub setgroups: String,
}

impl PartialEq for Observation {
    fn eq(&self, other: &Self) -> bool {
        let compared = |seen: &Self| {
            let Self { status, stdout, line, map, setgroups, .. } = seen.clone();
            (status, stdout, line, map, setgroups)
        };
        compared(self) == compared(other)
    }
}

/// One line: status, output, map in brackets, and `deny` if setgroups is denied.
impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or("signal".into(), |status| status.to_string());
        let mut words = vec![status, self.stdout.trim_end().replace('\n', "; "), self.first.clone()];
        words.extend((!self.map.is_empty()).then(|| format!("[{}]", self.map)));
        words.extend((self.setgroups == "deny").then(|| "deny".into()));
        words.retain(|word| !word.is_empty());
        f.write_str(&words.join(" "))
    }
}

/// The Debian suite of the reference programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    Bookworm,
    Trixie,
    Sid,
}

impl Suite {
    pub const ALL: [Self; 3] = [Self::Bookworm, Self::Trixie, Self::Sid];

    pub fn name(self) -> &'static str {
        ["bookworm", "trixie", "sid"][self as usize]
    }

    /// The name of the suite in docs/compatibility.md.
    pub fn short(self) -> &'static str {
        ["12", "13", "sid"][self as usize]
    }
}

/// The programs of this package and of shadow in one sandbox.
pub struct Bench<'a> {
    sandbox: &'a Sandbox,
    reference: Reference,
    pub suite: Suite,
}

/// The installed plugins: the name in nsswitch.conf and the macros for plugin.c.
pub const PLUGINS: [(&str, &[&str]); 4] = [
    ("fresh", &["OWN_FREE"]),
    // Without shadow_subid_free, as the sssd plugin of Debian 12.
    ("aged", &[]),
    ("partial", &["OWN_FREE", "WITHOUT_HAS_RANGE"]),
    ("failing", &["OWN_FREE", "BEHAVIOUR=2"]),
];

/// The program that the targets run.
const IDLE: &str = "/mnt/idle";

const OPEN_DESCRIPTORS: u32 = 1000;

impl<'a> Bench<'a> {
    pub fn new(sandbox: &'a Sandbox, root: &Path, suite: Suite) -> Self {
        plugin::cover_library_directory();
        for (service, macros) in PLUGINS {
            plugin::compile(service, macros);
        }
        plugin::update_loader_cache(sandbox);
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/idle.c");
        must_succeed(Command::new("gcc").args(["-O2", "-static", "-o", IDLE, source]));
        Self { sandbox, reference: Reference::new(sandbox, root, library_directory()), suite }
    }

    pub fn ours(&self, case: &Case) -> Observation {
        self.observe(case, |command_line| match case.program {
            Program::Map(id_type) => {
                self.sandbox.run(InstallMode::Setuid, id_type, case.caller, command_line)
            }
            Program::Getsubids => finish(ROOT.command(env!("CARGO_BIN_EXE_getsubids")).args(command_line)),
        })
    }

    pub fn theirs(&self, case: &Case) -> Observation {
        self.observe(case, |command_line| {
            let mut command = match case.program {
                Program::Map(id_type) => case.caller.command(Path::new("/usr/bin").join(id_type.program())),
                Program::Getsubids => ROOT.command("/usr/bin/getsubids"),
            };
            command.args(command_line);
            self.reference.run(command)
        })
    }

    fn observe(&self, case: &Case, run: impl Fn(&[OsString]) -> Outcome) -> Observation {
        self.set_up(case);
        let argument = |text: &str| OsString::from_vec(bytes(text));
        let words = case.words.iter().map(|word| argument(word));
        let Program::Map(id_type) = case.program else {
            return seen(&run(&words.collect::<Vec<_>>()), None);
        };
        let target = match case.state {
            State::Namespace => target(case.target, &["unshare"]),
            State::Plain | State::Ended => target(case.target, &[]),
        };
        let pid = target.pid();
        prepare(case, &target, id_type);
        let descriptor = case.target_word.contains("FD").then(|| descriptor(case.descriptor, &pid)).flatten();
        let number =
            descriptor.as_ref().map_or(OPEN_DESCRIPTORS.to_string(), |open| open.as_raw_fd().to_string());
        // The drop ends the process.
        let target = Some(target).filter(|_| case.state != State::Ended);
        let word = argument(&case.target_word.replace("PID", &pid).replace("FD", &number));
        let mut outcome = run(&std::iter::once(word).chain(words).collect::<Vec<_>>());
        // Messages contain the PID of the target, which differs for each run.
        for before in ["target ", "Target ", "process "] {
            let negative = pid.parse::<u32>().unwrap().wrapping_neg();
            outcome.stderr = outcome.stderr.replace(&format!("{before}{pid}"), &format!("{before}PID"));
            outcome.stderr = outcome.stderr.replace(&format!("{before}{negative}"), &format!("{before}-PID"));
        }
        seen(&outcome, target.map(|target| (target, id_type)))
    }

    fn set_up(&self, case: &Case) {
        let id_type = case.id_type();
        let other = if id_type == IdType::Uid { IdType::Gid } else { IdType::Uid };
        // The subid file of the other id type delegates all ids: a program that reads the wrong file allows too much.
        self.sandbox.write(other.subid(), "alice:1:4294967294\nroot:1:4294967294\nbob:1:4294967294\n");
        self.sandbox.write("passwd", case.passwd);
        for (name, text) in [
            (id_type.subid(), &case.subid),
            ("login.defs", &case.login_defs),
            ("nsswitch.conf", &case.nsswitch),
        ] {
            // Each case creates its files anew, since a mode or an absence would remain.
            let path = Sandbox::etc(name);
            let _ = fs::remove_dir(&path).or_else(|_| fs::remove_file(&path));
            if let Some(text) = text {
                self.sandbox.write(name, bytes(text));
            }
        }
        let path = Sandbox::etc(id_type.subid());
        match case.subid_is {
            FileKind::Public => {}
            FileKind::RootOnly => fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap(),
            FileKind::Directory => fs::remove_file(&path).and_then(|()| fs::create_dir(&path)).unwrap(),
            FileKind::Loop => fs::remove_file(&path).and_then(|()| symlink(&path, &path)).unwrap(),
        }
    }
}

fn target(owner: Person, arguments: &[&str]) -> Namespace {
    let mut idle = owner.command(IDLE);
    idle.args(arguments);
    Namespace::of(idle)
}

fn prepare(case: &Case, target: &Namespace, id_type: IdType) {
    let write = |file: &str, text: String| fs::write(format!("/proc/{}/{file}", target.pid()), text).unwrap();
    match case.prior {
        _ if case.state != State::Namespace => {}
        Prior::Nothing => {}
        Prior::SetgroupsDenied => write("setgroups", "deny".into()),
        Prior::MapWritten => write(&format!("{}_map", id_type.word()), "0 7 1".into()),
    }
}

/// An inheritable descriptor.
fn descriptor(what: Descriptor, pid: &str) -> Option<OwnedFd> {
    let at = |path: &str, flags| open(path, flags, Mode::empty()).unwrap();
    let of_target = |name: &str, flags| at(&format!("/proc/{pid}{name}"), flags);
    let descriptor = match what {
        Descriptor::Directory => of_target("", OFlag::O_RDONLY | OFlag::O_DIRECTORY),
        Descriptor::DirectoryPath => of_target("", OFlag::O_PATH),
        Descriptor::Pidfd => {
            let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
            rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap()
        }
        Descriptor::Status => of_target("/status", OFlag::O_RDONLY),
        Descriptor::TaskDirectory => of_target("/task", OFlag::O_RDONLY),
        Descriptor::Proc => at("/proc", OFlag::O_RDONLY),
        Descriptor::Etc => at("/etc", OFlag::O_RDONLY),
        Descriptor::Passwd => at("/etc/passwd", OFlag::O_RDONLY),
        Descriptor::Null => at("/dev/null", OFlag::O_RDWR),
        Descriptor::Closed => return None,
    };
    fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    Some(descriptor)
}

fn seen(outcome: &Outcome, target: Option<(Namespace, IdType)>) -> Observation {
    let (map, setgroups) = match target {
        Some((target, id_type)) => (target.map(id_type), target.setgroups()),
        // An ended process counts as unchanged.
        None => (String::new(), "allow".into()),
    };
    Observation {
        status: outcome.status,
        stdout: outcome.stdout.clone(),
        first: outcome.first_line().to_owned(),
        line: without_notices(&outcome.stderr).lines().next().unwrap_or_default().to_owned(),
        map,
        setgroups,
    }
}

/// Removes shadow's warnings about files and plugins, after which the run continues: generated cases do not compare them.
fn without_notices(mut stderr: &str) -> &str {
    while let Some(rest) = after_notice(stderr) {
        stderr = rest;
    }
    stderr
}

fn after_notice(stderr: &str) -> Option<&str> {
    // This warning has no newline; its last part is a value in quotes.
    if stderr.starts_with("configuration error - cannot parse ") {
        return stderr.splitn(3, '\'').nth(2);
    }
    let (line, rest) = stderr.split_once('\n').unwrap_or((stderr, ""));
    let is_notice = NOTICES.iter().any(|beginning| line.starts_with(beginning));
    (is_notice || line.ends_with(": Non-text file.")).then_some(rest)
}

const NOTICES: [&str; 6] = [
    "configuration error - unknown item ",
    "Error opening libsubid_",
    "libsubid_",
    "Subid NSS module name too long ",
    "No usable subid NSS module ",
    "Using files",
];
