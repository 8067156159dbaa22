//! A failed run and assertions about its output.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::harness::{ALICE, IdType, InstallMode, Namespace, Outcome, Sandbox, finish, must_succeed};

/// The first line of most failures, the same as in shadow.
pub const NOT_PERMITTED: &str = "write to $id_map failed: Operation not permitted";

/// The end of a fix that changes the delegation.
pub const MIGRATE: &str = "; with podman, run podman system migrate as alice afterwards";

/// A run that exited with 1 and changed neither map nor setgroups.
pub struct Failure {
    program: PathBuf,
    id_type: IdType,
    pid: String,
    outcome: Outcome,
}

impl Failure {
    /// Runs an installed program through another command for this target; `ranges` are the arguments after the PID.
    #[track_caller]
    pub fn of(
        via: Command,
        sandbox: &Sandbox,
        mode: InstallMode,
        id_type: IdType,
        target: &Namespace,
        ranges: &str,
    ) -> Self {
        Self::at(via, &sandbox.program(mode, id_type), id_type, &target.pid(), ranges)
    }

    /// Like [`Self::of`], for a new user namespace that the command `as_whom` starts.
    #[track_caller]
    pub fn new(
        as_whom: impl Fn() -> Command,
        sandbox: &Sandbox,
        mode: InstallMode,
        id_type: IdType,
        ranges: &str,
    ) -> Self {
        let target = sandbox.waiting(as_whom().args(["unshare", "--user", "--"]));
        Self::of(as_whom(), sandbox, mode, id_type, &target, ranges)
    }

    /// Like [`Self::of`], with the path of the program and the PID of the target.
    #[track_caller]
    pub fn at(via: Command, program: &Path, id_type: IdType, pid: &str, ranges: &str) -> Self {
        Self::with_words(
            via,
            program,
            id_type,
            &[&[pid], &ranges.split(' ').collect::<Vec<_>>()[..]].concat(),
        )
    }

    /// Like [`Self::of`], with the path of the program and all arguments.
    #[track_caller]
    pub fn with_words(mut via: Command, program: &Path, id_type: IdType, words: &[&str]) -> Self {
        let pid = words.first().copied().unwrap_or_default();
        let state = || ["uid_map", "gid_map", "setgroups"].map(|file| read(pid, file));
        let before = state();
        let outcome = finish(via.arg(program).args(words));
        assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{via:?}: {}", outcome.stderr);
        assert_eq!(before, state(), "{via:?}");
        Self { program: program.to_owned(), id_type, pid: pid.to_owned(), outcome }
    }

    /// Asserts that stderr has exactly these lines, which are given without the name of the program. `$program`, `$path`, `$pid`,
    /// `$id` (`uid` or `gid`), `$ID`, `$subid` and `$usage` are replaced.
    #[track_caller]
    pub fn says(&self, lines: &[&str]) {
        let line = |line: &&str| {
            let line = self.substituted(line);
            let is_bare =
                ["usage: ", "Could not open proc directory "].iter().any(|bare| line.starts_with(bare));
            if is_bare { line } else { format!("{}: {line}", self.id_type.program()) }
        };
        let expected: Vec<String> = lines.iter().map(line).collect();
        assert_eq!(self.outcome.stderr.lines().map(without_key).collect::<Vec<_>>(), expected);
        assert!(self.outcome.stderr.ends_with('\n'));
    }

    /// Asserts the first line.
    #[track_caller]
    pub fn begins(&self, line: &str) {
        let expected = format!("{}: {}", self.id_type.program(), self.substituted(line));
        assert_eq!(self.outcome.first_line(), expected, "{}", self.outcome.stderr);
    }

    /// Asserts that exactly these causes are reported, each given by its beginning.
    #[track_caller]
    pub fn is_because(&self, causes: &[&str]) {
        let found: Vec<&str> = self
            .outcome
            .stderr
            .lines()
            .filter_map(|line| line.split_once(": cause: "))
            .map(|(_, s)| s)
            .collect();
        let causes: Vec<String> = causes.iter().map(|cause| self.substituted(cause)).collect();
        let alike = found.len() == causes.len()
            && found.iter().zip(&causes).all(|(found, beginning)| found.starts_with(beginning.as_str()));
        assert!(alike, "expected {causes:?} in\n{}", self.outcome.stderr);
    }

    /// Asserts that stderr contains these words.
    #[track_caller]
    pub fn mentions(&self, words: &str) {
        let words = self.substituted(words);
        assert!(self.outcome.stderr.contains(&words), "{words} in\n{}", self.outcome.stderr);
    }

    fn substituted(&self, text: &str) -> String {
        text.replace("$program", self.id_type.program())
            .replace("$path", &self.program.to_string_lossy())
            .replace("$pid", &self.pid)
            .replace("$subid", &format!("/etc/{}", self.id_type.subid()))
            .replace("$usage", &super::harness::usage(self.id_type))
            .replace("$id", self.id_type.word())
            .replace("$ID", &self.id_type.word().to_uppercase())
    }

    /// Stderr as docs/troubleshooting.md shows it: with the PID 4711 and the program in /usr/bin.
    pub fn example(&self) -> String {
        let Self { pid, .. } = self;
        let mut text =
            self.outcome.stderr.replace(&format!("{}", self.program.display()), &self.usual_path());
        for before in ["target ", "process ", "/proc/"] {
            text = text.replace(&format!("{before}{pid}"), &format!("{before}4711"));
        }
        text
    }

    fn usual_path(&self) -> String {
        format!("/usr/bin/{}", self.id_type.program())
    }

    pub fn stderr(&self) -> &str {
        &self.outcome.stderr
    }
}

/// The beginning of a command of alice.
pub fn alice() -> Command {
    ALICE.command("env")
}

/// Removes the key at the end of a line with a cause.
#[track_caller]
pub fn without_key(line: &str) -> &str {
    if !line.contains(": cause: ") {
        return line;
    }
    let (line, key) = line.rsplit_once(" [").expect(line);
    assert!(key.ends_with(']') && !key.contains(' '), "{line}");
    line
}

/// The content of a file in /proc/PID, or `None` if the file cannot be read.
fn read(target: &str, file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{target}/{file}")).ok()
}

/// Installs a copy of a program in this directory below /mnt, with these options of install(1).
pub fn install(sandbox: &Sandbox, id_type: IdType, directory: &str, options: &[&str]) -> PathBuf {
    let directory = Path::new("/mnt").join(directory);
    fs::create_dir_all(&directory).unwrap();
    let program = directory.join(id_type.program());
    // install(1) writes the file: a descriptor in this process could be inherited by a child of another test (ETXTBSY).
    let mut install = Command::new("install");
    must_succeed(
        install.args(options).arg(sandbox.program(InstallMode::Unprivileged, id_type)).arg(&program),
    );
    program
}

/// Runs setcap(8) through this command.
pub fn set_capabilities(as_whom: Command, capabilities: &str, program: &Path) {
    let mut setcap = as_whom;
    must_succeed(setcap.arg("setcap").arg(capabilities).arg(program));
}
