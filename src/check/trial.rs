//! A trial: the program that a client would start writes a map of the new user namespace.

use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;

use super::delegation::Delegation;
use super::namespace::Namespace;
use super::report::Remedy;
use crate::caller::Caller;
use crate::escape::{escape, escape_path};
use crate::explain::cause::Key;
use crate::explain::causes;
use crate::explain::evidence::id_map;
use crate::id_range::IdRange;
use crate::id_type::IdType;
use crate::reason::Reason;

/// The request for an empty list: the program refuses it, and names the cause. The verdict comes from the list alone.
const USUAL_RANGE: [&str; 3] = ["1", "100000", "65536"];

/// A request for a map.
#[derive(Debug)]
pub(super) struct Trial {
    id_type: IdType,
    words: Vec<String>,
}

/// A map that was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) remedies: Vec<Remedy>,
}

impl Trial {
    pub(super) fn new(id_type: IdType, caller: &Caller, delegation: &Delegation) -> Self {
        let mut words = request(id_type, caller, delegation.listed().unwrap_or_default());
        // Root's own ids need no program, and root's delegation is rarely meant.
        if delegation.is_empty() && caller.uid != 0 {
            words.extend(USUAL_RANGE.map(str::to_owned));
        }
        Self { id_type, words }
    }

    /// Runs the program, and compares the map that the kernel shows with the request.
    ///
    /// # Errors
    ///
    /// [`Failure`]
    pub(super) fn run(&self, program: &Path, namespace: &Namespace) -> Result<String, Failure> {
        let pid = namespace.pid().to_string();
        let mut command = Command::new(program);
        command.arg(&pid).args(&self.words).stdin(Stdio::null());
        let output = command.output().map_err(|error| {
            let reason = Reason::from(error);
            Failure {
                message: format!("the program cannot be started: {reason}"),
                remedies: not_started(program, self.id_type, reason),
            }
        })?;
        let requested: Vec<String> = self.words.chunks(3).map(|range| range.join(" ")).collect();
        let map = id_map::read(&pid, self.id_type).unwrap_or_default();
        let map: Vec<String> = map.into_iter().map(id_map::MapLine::words).collect();
        if output.status.success() && map == requested {
            return Ok(map.join(", "));
        }
        let prefix = format!("{}: ", self.id_type.program());
        let stderr = String::from_utf8_lossy(&output.stderr);
        let mut lines =
            stderr.lines().map(|line| escape(line.strip_prefix(&prefix).unwrap_or(line).as_bytes()));
        let message = lines.next().unwrap_or_else(|| format!("status {:?}", output.status.code()));
        Err(Failure { message, remedies: remedies(lines) })
    }
}

/// Why an exec of a file failed that access(2) lets the user execute.
fn not_started(program: &Path, id_type: IdType, reason: Reason) -> Vec<Remedy> {
    let name = escape_path(program);
    let reinstall = "as root, reinstall the package of the program for this machine";
    let cause = match reason.errno() {
        Errno::ENOEXEC => format!("{name} is no program of this machine's architecture"),
        Errno::ENOENT => format!("{name} needs a dynamic loader or an interpreter that does not exist"),
        Errno::EACCES => {
            let cause = format!("a security module or its interpreter denies that {name} is executed");
            return vec![Remedy::without_fix(Key::NotExecutable, cause)];
        }
        _ => return causes::not_started(id_type, reason).into_iter().map(Into::into).collect(),
    };
    vec![Remedy::new(Key::NotExecutable, cause, reinstall)]
}

/// The ranges that podman requests: the caller's own id becomes 0, and the delegated ids follow from 1 on.
fn request(id_type: IdType, caller: &Caller, delegated: &[IdRange]) -> Vec<String> {
    let mut request = vec!["0".to_owned(), caller.own_id(id_type).to_string(), "1".to_owned()];
    let mut upper = 1_u64;
    for range in delegated {
        request.extend([upper, range.start(), range.count()].map(|number| number.to_string()));
        upper = upper.saturating_add(range.count());
    }
    request
}

/// The causes that the program printed, each with the fix that follows.
fn remedies(lines: impl Iterator<Item = String>) -> Vec<Remedy> {
    let mut remedies: Vec<Remedy> = Vec::new();
    for line in lines {
        if let Some(cause) = line.strip_prefix("cause: ") {
            let with_key = cause.strip_suffix(']').and_then(|cause| cause.rsplit_once(" ["));
            let (cause, key) = with_key.map_or((cause, None), |(cause, key)| (cause, Some(key.to_owned())));
            remedies.push(Remedy { key, cause: cause.to_owned(), fix: None });
        } else if let (Some(fix), Some(last)) = (line.strip_prefix("fix: "), remedies.last_mut()) {
            last.fix = Some(fix.to_owned());
        }
    }
    remedies
}

#[cfg(test)]
mod tests {
    use super::{IdType, Remedy, remedies, request};
    use crate::caller::Caller;
    use crate::id_range::IdRange;

    #[test]
    fn the_request_begins_with_the_own_id_and_the_delegated_ranges_follow() {
        let caller = Caller { uid: 1000, gid: 1001, login_gid: 1001, name: b"alice".to_vec() };
        for (id_type, delegated, expected) in [
            (IdType::Uid, &[][..], "0 1000 1"),
            (IdType::Gid, &[IdRange::new(5, 10)], "0 1001 1 1 5 10"),
            (IdType::Uid, &[IdRange::new(5, 10), IdRange::new(100, 1)], "0 1000 1 1 5 10 11 100 1"),
        ] {
            assert_eq!(request(id_type, &caller, delegated).join(" "), expected);
        }
    }

    #[test]
    fn a_fix_belongs_to_the_cause_before_it() {
        let lines = ["usage", "cause: a [x] b [one-key]", "fix: b", "cause: c [d"].map(str::to_owned);
        let expected = [(Some("one-key"), "a [x] b", Some("b")), (None, "c [d", None)];
        let expected = expected.map(|(key, cause, fix)| Remedy {
            key: key.map(Into::into),
            cause: cause.into(),
            fix: fix.map(Into::into),
        });
        assert_eq!(remedies(lines.into_iter()), expected);
    }
}
