//! A user who requests maps, and root who follows the line `fix:` until a request succeeds.

use std::path::PathBuf;
use std::process::Command;

use super::harness::{ALICE, IdType, InstallMode, Namespace, Outcome, ROOT, Sandbox, finish};

/// A user who requests maps, and root who runs commands.
pub struct Repair<'a> {
    pub sandbox: &'a Sandbox,
    pub id_type: IdType,
    pub program: PathBuf,
    /// Beginnings of commands.
    user: Box<dyn Fn() -> Command + 'a>,
    root: Box<dyn Fn() -> Command + 'a>,
    pub uid: u32,
}

impl<'a> Repair<'a> {
    pub fn new(sandbox: &'a Sandbox, id_type: IdType) -> Self {
        Self {
            sandbox,
            id_type,
            program: sandbox.program(InstallMode::Setuid, id_type),
            user: Box::new(|| ALICE.command("env")),
            root: Box::new(|| ROOT.command("env")),
            uid: 1000,
        }
    }

    pub fn with_program(self, program: PathBuf) -> Self {
        Self { program, ..self }
    }

    pub fn within(self, namespace: &'a Namespace) -> Self {
        Self { user: Box::new(|| namespace.as_alice()), root: Box::new(|| namespace.as_root()), ..self }
    }

    pub fn with_uid(self, uid: u32) -> Self {
        let user = move || {
            let mut setpriv = ROOT.command("setpriv");
            setpriv.args([&format!("--reuid={uid}"), "--regid=1000", "--clear-groups", "--"]);
            setpriv
        };
        Self { user: Box::new(user), uid, ..self }
    }

    /// Requests a map of a new namespace.
    pub fn request(&self, ranges: &str) -> Outcome {
        let target = self.sandbox.waiting((self.user)().args(["unshare", "--user", "--"]));
        self.request_for(&target, ranges)
    }

    pub fn request_for(&self, target: &Namespace, ranges: &str) -> Outcome {
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
    pub fn shell(&self, command: &str) {
        let mut root = (self.root)();
        let outcome = finish(root.args(["sh", "-c", "umask 077; exec sh -c \"$1\"", "sh", command]));
        assert_eq!(outcome.status, Some(0), "{command}: {}", outcome.stderr);
    }

    /// The ranges that podman requests: the own id, and the ranges that getsubids lists.
    pub fn delegated(&self) -> String {
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
    pub fn remedied(&self, ranges: &str, choice: usize) -> Vec<String> {
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
pub fn fix(outcome: &Outcome) -> String {
    let line = outcome.stderr.lines().find_map(|line| line.split_once(": fix: "));
    line.unwrap_or_else(|| panic!("{}", outcome.stderr)).1.to_owned()
}

/// The commands of each alternative.
pub fn alternatives(fix: &str) -> Vec<Vec<String>> {
    let commands = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    // A comma within a command separates nothing.
    fix.split(", or ").map(commands).filter(|commands| !commands.is_empty()).collect()
}
