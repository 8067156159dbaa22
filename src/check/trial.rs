//! One map, for real: the program that a client would start, on a new user namespace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{AccessFlags, access};

use super::namespace::Namespace;
use super::report::Finding;
use crate::caller::Caller;
use crate::escape::escape;
use crate::explain::causes;
use crate::id_range::IdRange;
use crate::id_type::IdType;
use crate::reason::Reason;

/// Where nothing is delegated, this is wanted all the same, so that the program says what is the matter.
const USUAL: [&str; 3] = ["1", "100000", "65536"];

/// What is to be tried.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    pub(super) id_type: IdType,
    /// The program.
    pub(super) path: PathBuf,
    pub(super) caller: &'a Caller,
    /// The ids to be mapped, besides the caller's own.
    pub(super) delegated: Vec<IdRange>,
}

/// Finds the program as a client does: in PATH.
pub(super) fn find(id_type: IdType) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(id_type.program()))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

impl Trial<'_> {
    /// Has the namespace mapped, and looks whether it is.
    pub(super) fn run(&self, namespace: &Namespace) -> Finding {
        let subject = match self.id_type {
            IdType::Uid => "uid map",
            IdType::Gid => "gid map",
        };
        let words = self.words();
        let mut command = Command::new(&self.path);
        command.arg(namespace.pid().to_string()).args(&words).stdin(Stdio::null());
        let output = match command.output() {
            Ok(output) => output,
            Err(error) => {
                let reason = Reason::from(error);
                let detail = format!("the program cannot be started: {reason}");
                return Finding::bad(subject, detail, causes::not_started(self.id_type, reason));
            }
        };
        let wanted: Vec<String> = words.chunks(3).map(|range| range.join(" ")).collect();
        let map = self.map(namespace);
        if output.status.success() && map == wanted {
            return Finding::good(subject, map.join(", "));
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let said =
            |line: &str| escape(line.trim_start_matches(&format!("{}: ", self.id_type.program())).as_bytes());
        let mut lines = stderr.lines().map(said);
        let message = lines.next().unwrap_or_else(|| format!("status {:?}", output.status.code()));
        Finding::bad_in_words(subject, message, remedies(lines))
    }

    /// As podman maps: the own id to 0, and what is delegated from 1 on.
    fn words(&self) -> Vec<String> {
        let own = match self.id_type {
            IdType::Uid => self.caller.uid,
            IdType::Gid => self.caller.gid,
        };
        let mut words = vec!["0".to_owned(), own.to_string(), "1".to_owned()];
        let mut upper = 1_u64;
        for range in &self.delegated {
            words.extend([upper, range.start(), range.count()].map(|number| number.to_string()));
            upper = upper.saturating_add(range.count());
        }
        if self.delegated.is_empty() {
            words.extend(USUAL.map(str::to_owned));
        }
        words
    }

    fn map(&self, namespace: &Namespace) -> Vec<String> {
        let path = format!("/proc/{}/{}", namespace.pid(), self.id_type.map_file());
        let map = std::fs::read_to_string(path).unwrap_or_default();
        map.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

/// The causes that the program gave, each with the fix that follows it.
fn remedies(lines: impl Iterator<Item = String>) -> Vec<(String, Option<String>)> {
    let mut remedies: Vec<(String, Option<String>)> = Vec::new();
    for line in lines {
        if let Some(cause) = line.strip_prefix("cause: ") {
            remedies.push((cause.to_owned(), None));
        } else if let (Some(fix), Some((_, last))) = (line.strip_prefix("fix: "), remedies.last_mut()) {
            *last = Some(fix.to_owned());
        }
    }
    remedies
}

#[cfg(test)]
mod tests {
    use super::{IdType, Trial, remedies};
    use crate::caller::Caller;
    use crate::id_range::IdRange;

    #[test]
    fn the_own_id_comes_first_and_what_is_delegated_follows() {
        let caller = Caller { uid: 1000, gid: 1001, login_gid: 1001, name: b"alice".to_vec() };
        for (id_type, delegated, words) in [
            (IdType::Uid, vec![], "0 1000 1 1 100000 65536"),
            (IdType::Gid, vec![IdRange::new(5, 10)], "0 1001 1 1 5 10"),
            (IdType::Uid, vec![IdRange::new(5, 10), IdRange::new(100, 1)], "0 1000 1 1 5 10 11 100 1"),
        ] {
            let trial = Trial { id_type, path: "/".into(), caller: &caller, delegated };
            assert_eq!(trial.words().join(" "), words);
        }
    }

    #[test]
    fn a_fix_belongs_to_the_cause_before_it() {
        let lines = ["usage", "cause: a", "fix: b", "cause: c"].map(str::to_owned);
        assert_eq!(remedies(lines.into_iter()), [("a".into(), Some("b".into())), ("c".into(), None)]);
    }
}
