//! A trial: the program that a client would start writes a map of the new user namespace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{AccessFlags, access};

use super::namespace::Namespace;
use super::report::{Finding, Remedy};
use crate::caller::Caller;
use crate::escape::escape;
use crate::explain::causes;
use crate::id_range::IdRange;
use crate::id_type::IdType;
use crate::reason::Reason;

/// The request if no ids are delegated: the program refuses it, and names the cause.
const USUAL_RANGE: [&str; 3] = ["1", "100000", "65536"];

#[derive(Debug)]
pub(super) struct Trial<'a> {
    pub(super) id_type: IdType,
    /// The program.
    pub(super) path: PathBuf,
    pub(super) caller: &'a Caller,
    /// The ranges to map after the caller's own id.
    pub(super) delegated: Vec<IdRange>,
}

/// Searches PATH, as clients do.
pub(super) fn find_program(id_type: IdType) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|directory| directory.join(id_type.program()))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

impl Trial<'_> {
    /// Runs the program, and compares the map that the kernel shows with the request.
    pub(super) fn run(&self, namespace: &Namespace) -> Finding {
        let subject = match self.id_type {
            IdType::Uid => "uid map",
            IdType::Gid => "gid map",
        };
        let request = self.request();
        let mut command = Command::new(&self.path);
        command.arg(namespace.pid().to_string()).args(&request).stdin(Stdio::null());
        let output = match command.output() {
            Ok(output) => output,
            Err(error) => {
                let reason = Reason::from(error);
                let detail = format!("the program cannot be started: {reason}");
                return Finding::bad(subject, detail, causes::not_started(self.id_type, reason));
            }
        };
        let requested: Vec<String> = request.chunks(3).map(|range| range.join(" ")).collect();
        let map = self.map(namespace);
        if output.status.success() && map == requested {
            return Finding::good(subject, map.join(", "));
        }
        let prefix = format!("{}: ", self.id_type.program());
        let stderr = String::from_utf8_lossy(&output.stderr);
        let mut lines = stderr.lines().map(|line| escape(line.trim_start_matches(&prefix).as_bytes()));
        let message = lines.next().unwrap_or_else(|| format!("status {:?}", output.status.code()));
        Finding::bad(subject, message, remedies(lines))
    }

    /// The ranges that podman requests: the caller's own id becomes 0, and the delegated ids follow from 1 on.
    fn request(&self) -> Vec<String> {
        let own_id = match self.id_type {
            IdType::Uid => self.caller.uid,
            IdType::Gid => self.caller.gid,
        };
        let mut request = vec!["0".to_owned(), own_id.to_string(), "1".to_owned()];
        let mut upper = 1_u64;
        for range in &self.delegated {
            request.extend([upper, range.start(), range.count()].map(|number| number.to_string()));
            upper = upper.saturating_add(range.count());
        }
        if self.delegated.is_empty() {
            request.extend(USUAL_RANGE.map(str::to_owned));
        }
        request
    }

    /// The lines of the map, with single blanks.
    fn map(&self, namespace: &Namespace) -> Vec<String> {
        let path = format!("/proc/{}/{}", namespace.pid(), self.id_type.map_file());
        let map = std::fs::read_to_string(path).unwrap_or_default();
        map.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

/// The causes that the program printed, each with the fix that follows.
fn remedies(lines: impl Iterator<Item = String>) -> Vec<Remedy> {
    let mut remedies: Vec<Remedy> = Vec::new();
    for line in lines {
        if let Some(cause) = line.strip_prefix("cause: ") {
            let (cause, key) = cause.trim_end_matches(']').rsplit_once(" [").unwrap_or((cause, ""));
            remedies.push(Remedy { key: key.to_owned(), cause: cause.to_owned(), fix: None });
        } else if let (Some(fix), Some(last)) = (line.strip_prefix("fix: "), remedies.last_mut()) {
            last.fix = Some(fix.to_owned());
        }
    }
    remedies
}

#[cfg(test)]
mod tests {
    use super::{IdType, Remedy, Trial, remedies};
    use crate::caller::Caller;
    use crate::id_range::IdRange;

    #[test]
    fn the_request_begins_with_the_own_id_and_the_delegated_ranges_follow() {
        let caller = Caller { uid: 1000, gid: 1001, login_gid: 1001, name: b"alice".to_vec() };
        for (id_type, delegated, request) in [
            (IdType::Uid, vec![], "0 1000 1 1 100000 65536"),
            (IdType::Gid, vec![IdRange::new(5, 10)], "0 1001 1 1 5 10"),
            (IdType::Uid, vec![IdRange::new(5, 10), IdRange::new(100, 1)], "0 1000 1 1 5 10 11 100 1"),
        ] {
            let trial = Trial { id_type, path: "/".into(), caller: &caller, delegated };
            assert_eq!(trial.request().join(" "), request);
        }
    }

    #[test]
    fn a_fix_belongs_to_the_cause_before_it() {
        let lines = ["usage", "cause: a [x] b [one-key]", "fix: b", "cause: c"].map(str::to_owned);
        let expected = [("one-key", "a [x] b", Some("b")), ("", "c", None)].map(|(key, cause, fix)| Remedy {
            key: key.into(),
            cause: cause.into(),
            fix: fix.map(Into::into),
        });
        assert_eq!(remedies(lines.into_iter()), expected);
    }
}
