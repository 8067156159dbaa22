//! Shadow's older words for lines that have others now.

use super::bench::Version;
use super::case::Case;
use super::harness::{Kind, usage as newest_usage};

/// 4.13 knows no `fd:`, and newgidmap 4.17 lacks a bracket.
pub fn usage(case: &Case, version: Version, line: &str) -> Option<String> {
    if !case.is_map() || line != newest_usage(case.kind()) {
        return None;
    }
    let target = "[<pid>|fd:<pidfd>]";
    match (version, case.kind()) {
        (Version::Debian12, _) => Some(line.replace(target, "<pid>")),
        (Version::Debian13, Kind::Gid) => Some(line.replace(target, "[<pid|fd:<pidfd>]")),
        (Version::Debian13, Kind::Uid) => None,
    }
}

/// 4.13 names the target.
pub fn ownership(case: &Case, _: Version, line: &str) -> Option<String> {
    let newest = ": Target process is owned by ";
    let shown = case.target_word.trim_start_matches([' ', '\t', '\n', '+', '0']);
    let older = if case.kind() == Kind::Uid { "Target process" } else { "Target" };
    line.contains(newest).then(|| line.replace(newest, &format!(": {older} {shown} is owned by ")))
}

/// 4.13 gives no reason, and 4.17 not the program's name.
pub fn no_process(case: &Case, version: Version, line: &str) -> Option<String> {
    let prefix = format!("{}: ", case.kind().program());
    let rest =
        line.strip_prefix(&prefix).filter(|rest| rest.starts_with("Could not open proc directory "))?;
    match version {
        Version::Debian12 => line.strip_suffix(": No such file or directory").map(Into::into),
        Version::Debian13 => Some(rest.into()),
    }
}

/// 4.13 counts in a line of its own.
pub fn ranges(case: &Case, _: Version, line: &str) -> Option<String> {
    let counts = line.strip_prefix(&format!("{}: ranges: ", case.kind().program()))?;
    Some(format!("ranges: {}", counts.replace(" is wrong for argc", " argc")))
}

/// An end of line between, whose rest is not compared.
pub fn setgroups(case: &Case, _: Version, line: &str) -> Option<String> {
    let failed = format!("{}: failed to setgroups deny", case.kind().program());
    line.strip_prefix(&failed)?.starts_with(" policy: ").then_some(failed)
}

/// It says so, and goes on.
pub fn setgroups_not_found(_: &Case, _: Version, line: &str) -> Option<String> {
    line.strip_suffix("couldn't open process setgroups: No such file or directory")
        .map(|program| format!("{program}kernel doesn't support setgroups restrictions"))
}
