//! A trial: the program that a client would start writes a map of the new user namespace.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use nix::errno::Errno;

use super::delegation::Delegation;
use super::namespace::Namespace;
use super::report::Remedy;
use crate::caller::Caller;
use crate::cli::Request;
use crate::error::Error;
use crate::escape::{escape, escape_path};
use crate::explain::cause::Key;
use crate::explain::causes;
use crate::explain::evidence::process::Process;
use crate::explain::evidence::program::Program;
use crate::explain::evidence::{Evidence, id_map};
use crate::id_range::IdRange;
use crate::id_type::IdType;
use crate::map_range;
use crate::mapping::write::WriteError;
use crate::newidmap::authorize;
use crate::passwd::Passwd;
use crate::privileges::InitialCredentials;
use crate::reason::Reason;

/// The request for an empty list: the program refuses it, and names the cause. The verdict comes from the list alone.
const USUAL_RANGE: [&str; 3] = ["1", "100000", "65536"];

/// The output of a program that is read. Each of our programs prints less.
const MAX_OUTPUT: u64 = 65_536;

/// A request for a map.
#[derive(Debug)]
pub(super) struct Trial<'a, P> {
    id_type: IdType,
    caller: &'a Caller,
    passwd: &'a P,
    words: Vec<String>,
}

/// A map that was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) remedies: Vec<Remedy>,
}

impl<'a, P: Passwd> Trial<'a, P> {
    pub(super) fn new(id_type: IdType, caller: &'a Caller, delegation: &Delegation, passwd: &'a P) -> Self {
        let mut words = request(id_type, caller, delegation.listed().unwrap_or_default());
        // Root's own ids need no program, and root's delegation is rarely meant.
        if delegation.is_empty() && caller.uid != 0 {
            words.extend(USUAL_RANGE.map(str::to_owned));
        }
        Self { id_type, caller, passwd, words }
    }

    /// Runs the program, and compares the map that the kernel shows with the request.
    ///
    /// # Errors
    ///
    /// [`Failure`]
    pub(super) fn run(&self, program: &Path, namespace: &Namespace) -> Result<String, Failure> {
        let pid = namespace.pid().to_string();
        let mut command = Command::new(program);
        command.arg(&pid).args(&self.words);
        let (status, output) = run(command).map_err(|error| {
            let reason = Reason::from(error);
            Failure {
                message: format!("the program cannot be started: {reason}"),
                remedies: not_started(program, self.id_type, reason),
            }
        })?;
        let requested: Vec<String> = self.words.chunks(3).map(|range| range.join(" ")).collect();
        let map = id_map::read(&pid, self.id_type).unwrap_or_default();
        let map: Vec<String> = map.into_iter().map(id_map::MapLine::words).collect();
        if status.success() && map == requested {
            return Ok(map.join(", "));
        }
        let prefix = format!("{}: ", self.id_type.program());
        let mut lines =
            output.lines().map(|line| escape(line.strip_prefix(&prefix).unwrap_or(line).as_bytes()));
        let file = Program::examine(program, self.id_type);
        let is_privileged = self.is_privileged(file.as_ref());
        let own = || self.explain(&pid, file, is_privileged);
        // Another process of the user can change the words of a dumpable program, and root may read them.
        if !is_privileged {
            let (error, causes) = own();
            return Err(Failure { message: error.to_string(), remedies: causes });
        }
        let message = lines.next().unwrap_or_else(|| format!("no message, {status}"));
        let mut remedies = remedies(lines);
        // Debian's programs name no cause.
        if remedies.is_empty() {
            remedies = own().1;
        }
        Err(Failure { message, remedies })
    }

    /// Whether an exec of the file gives privilege, or the caller has it. The kernel makes a process undumpable if its exec gave privilege.
    fn is_privileged(&self, file: Option<&Program>) -> bool {
        let gives_privilege = |file: &Program| file.gives_capability() == Some(true) && !file.is_on_nosuid;
        let process = Process::examine(self.id_type);
        let is_restricted = process.no_new_privs == Some(true) || process.is_traced == Some(true);
        self.caller.uid == 0 || (file.is_some_and(gives_privilege) && !is_restricted)
    }

    /// The failure and its causes, as newuidmap or newgidmap would find them with this program file.
    fn explain(&self, pid: &str, file: Option<Program>, is_privileged: bool) -> (Error, Vec<Remedy>) {
        let Caller { uid, gid, .. } = *self.caller;
        let credentials =
            InitialCredentials { uid, gid, had_capability: is_privileged, had_setfcap: is_privileged };
        let request = Request { target: pid.into(), ranges: self.words.iter().map(OsString::from).collect() };
        let ranges = map_range::parse(&request.ranges);
        let refused = WriteError::MapWrite { file: self.id_type.map_file(), reason: Errno::EPERM.into() };
        let error = authorize(self.id_type, credentials, &request.target, ranges, self.passwd)
            .err()
            .unwrap_or(Error::Write(refused));
        let evidence = Evidence::gather(self.id_type, credentials, &request, &error, file, self.passwd);
        let mut causes = causes::find(&error, &evidence);
        // The reason of the refusal is not known here.
        causes.retain(|cause| cause.key != Key::Refused);
        (error, causes.into_iter().map(Into::into).collect())
    }
}

/// Runs a program to its end; returns the status, and the beginning of stderr.
fn run(mut command: Command) -> io::Result<(ExitStatus, String)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut output = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // Without output, there is no message.
        let _ = stderr.take(MAX_OUTPUT).read_to_end(&mut output);
    }
    Ok((child.wait()?, String::from_utf8_lossy(&output).into_owned()))
}

/// Why execve(2) failed, although access(2) allows it.
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
            let (cause, key) = with_key.map_or((cause, None), |(cause, key)| (cause, Key::from_name(key)));
            remedies.push(Remedy { key, cause: cause.to_owned(), fix: None });
        } else if let (Some(fix), Some(last)) = (line.strip_prefix("fix: "), remedies.last_mut()) {
            last.fix = Some(fix.to_owned());
        }
    }
    remedies
}

#[cfg(test)]
mod tests {
    use super::{IdType, Key, Remedy, remedies, request};
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
        let lines = ["usage", "cause: a [x] b [few-ids]", "fix: b", "cause: c [d", "cause: e [new-key]"];
        let lines = lines.map(str::to_owned);
        let expected = [(Some(Key::FewIds), "a [x] b", Some("b")), (None, "c [d", None), (None, "e", None)];
        let expected =
            expected.map(|(key, cause, fix)| Remedy { key, cause: cause.into(), fix: fix.map(Into::into) });
        assert_eq!(remedies(lines.into_iter()), expected);
    }
}
