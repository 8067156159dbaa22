//! Causes in the subid files: a range that is not delegated, a malformed line, an unreadable file.

use nix::errno::Errno;

use super::{Cause, Key, plugin};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::delegation::{Delegation, Lines};
use crate::id_range::IdSet;
use crate::map_range::MapRange;
use crate::reason::Reason;

/// useradd(8)'s defaults for the ids of a user: SUB_UID_MIN and SUB_UID_COUNT of login.defs(5).
const USUAL_START: u64 = 100_000;
const USUAL_COUNT: u64 = 65_536;

/// The start and the count of a range to delegate, at or after `first_free`. In a container without the usual ids, the range lies
/// within the container's own map.
fn suggested_range(first_free: u64, evidence: &Evidence) -> (u64, u64) {
    let start = first_free.max(USUAL_START);
    let end = start.saturating_add(USUAL_COUNT);
    let has_usual = |ids: &IdSet| ids.ranges().any(|range| range.start() <= start && end <= range.end());
    match &evidence.process.mapped_ids {
        Some(mapped) if !has_usual(mapped) => largest_mapped(mapped, first_free, evidence),
        _ => None,
    }
    .unwrap_or((start, USUAL_COUNT))
}

/// The start and the count of the largest mapped range at or after `first_free`. The range starts above the caller's own uid, which
/// clients map besides.
pub(super) fn largest_mapped(mapped: &IdSet, first_free: u64, evidence: &Evidence) -> Option<(u64, u64)> {
    let largest = mapped.ranges().max_by_key(|range| range.count())?;
    let after_own = u64::from(evidence.credentials.uid).saturating_add(1);
    let start = largest.start().max(after_own).max(first_free);
    let count = largest.end().checked_sub(start)?;
    (count > 0).then_some((start, count))
}

fn suggested_line(evidence: &Evidence) -> String {
    let (start, count) = suggested_range(0, evidence);
    format!("{}:{start}:{count}", evidence.caller_name())
}

/// The file cannot be opened or read.
pub(super) fn unreadable(reason: Reason, evidence: &Evidence) -> Option<Cause> {
    let (file, caller) = (evidence.id_type.subid_file(), evidence.caller_name());
    let (sentence, fix) = match reason.errno() {
        Errno::ENOENT => (
            format!("{file} does not exist, so no ids are delegated"),
            format!("as root, run 'echo {} >{file}'", suggested_line(evidence)),
        ),
        Errno::EACCES => (
            format!("{file} is read with the caller's rights, and {caller} may not read it"),
            format!("as root, run 'chmod 0644 {file}'"),
        ),
        Errno::ELOOP => (
            format!("{file} is a symbolic link, which is not followed"),
            format!("replace the link {file} by the file itself"),
        ),
        // The file is not the cause.
        Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM => return None,
        _ => (
            format!("{file} exists but cannot be read: {reason}"),
            format!("make {file} a regular, readable file with a line '{}'", suggested_line(evidence)),
        ),
    };
    Some(Cause::new(Key::SubidFile, sentence, fix))
}

/// A range is not delegated.
pub(super) fn not_allowed(refused: MapRange, evidence: &Evidence) -> Vec<Cause> {
    match &evidence.delegation {
        None => Vec::new(),
        Some(Delegation::Plugin { library, answer }) => {
            vec![plugin::not_allowed(library, *answer, refused, evidence)]
        }
        Some(Delegation::File(lines)) => {
            let defective = defective_line(lines, evidence);
            // If the defective line is the caller's only one, it is the whole cause.
            let is_whole_cause = defective.is_some() && lines.delegated.is_empty();
            let missing = (!is_whole_cause).then(|| not_delegated(refused, lines, evidence));
            defective.into_iter().chain(missing).collect()
        }
    }
}

fn defective_line(lines: &Lines, evidence: &Evidence) -> Option<Cause> {
    let (line, defect) = lines.defective.as_ref()?;
    let (file, caller) = (evidence.id_type.subid_file(), evidence.caller_name());
    Some(Cause::new(
        Key::DefectiveLine,
        format!("line {line} of {file} is for {caller} but is ignored: {defect}"),
        format!(
            "write line {line} of {file} as OWNER:START:COUNT, for example '{}'",
            suggested_line(evidence)
        ),
    ))
}

fn not_delegated(refused: MapRange, lines: &Lines, evidence: &Evidence) -> Cause {
    let (file, word, caller) =
        (evidence.id_type.subid_file(), evidence.id_type.word(), evidence.caller_name());
    let mut missing: IdSet = [refused.lower_range()].into_iter().collect();
    lines.delegated.ranges().for_each(|range| missing.remove(range));
    let mut sentence = if lines.delegated.is_empty() {
        let uid = evidence.credentials.uid;
        format!("{file} has no line for {caller} (uid {uid}); the request includes the {word}s {missing}")
    } else {
        format!(
            "the request includes {word}s that are not delegated to {caller}: {missing}; {file} delegates {}",
            lines.delegated
        )
    };
    if let Some((line, owner)) = &lines.similar {
        sentence.push_str(&format!("; line {line} has the owner '{owner}', which is not the caller"));
    }
    let fix = match &lines.similar {
        Some((line, owner)) if lines.delegated.is_empty() => {
            format!("if line {line} of {file} is meant for {caller}, write {caller} instead of '{owner}'")
        }
        _ => add_range(lines, evidence),
    };
    Cause::new(Key::NotDelegated, sentence, fix)
}

fn add_range(lines: &Lines, evidence: &Evidence) -> String {
    let (word, caller) = (evidence.id_type.word(), evidence.caller_name());
    let (first, count) = suggested_range(lines.first_free, evidence);
    let last = first.saturating_add(count).saturating_sub(1);
    let alternative = if lines.delegated.is_empty() { "" } else { "request only delegated ids, or " };
    format!(
        "{alternative}as root, run 'usermod --add-sub{word}s {first}-{last} {caller}'; with podman, run 'podman system \
         migrate' afterwards"
    )
}

#[cfg(test)]
mod tests {
    use super::{Delegation, Lines, not_allowed, suggested_range, unreadable};
    use crate::explain::causes::test_evidence::{evidence, ids, ranges};
    use crate::explain::evidence::delegation::Defect;
    use nix::errno::Errno;

    /// The causes of a refusal of the uids 100000 to 100099, each as `sentence => fix`, for a file with these lines.
    fn causes(change: impl FnOnce(&mut Lines)) -> Vec<String> {
        let mut lines = Lines { first_free: 165_536, ..Lines::default() };
        change(&mut lines);
        let evidence = evidence(|evidence| evidence.delegation = Some(Delegation::File(lines)));
        let causes = not_allowed(ranges("0 100000 100")[0], &evidence);
        causes.into_iter().map(|cause| format!("{} => {}", cause.sentence, cause.fix.unwrap())).collect()
    }

    #[test]
    fn a_refused_range_comes_with_the_delegated_ids_and_the_mistakes_in_the_file() {
        let similar = || Some((3, "Alice".to_owned()));
        let defective = || Some((2, Defect::Fields(4)));
        for (found, beginnings) in [
            (
                causes(|_| {}),
                &[
                    "/etc/subuid has no line for alice (uid 1000); the request includes the uids 100000 to 100099 => \
                   as root, run 'usermod --add-subuids 165536-231071 alice'",
                ][..],
            ),
            (
                causes(|lines| lines.delegated = ids(&[(100_000, 60)])),
                &[
                    "the request includes uids that are not delegated to alice: 100060 to 100099; /etc/subuid delegates \
                   100000 to 100059 => request only delegated ids, or as root, run 'usermod",
                ],
            ),
            (
                causes(|lines| lines.similar = similar()),
                &[
                    "/etc/subuid has no line for alice (uid 1000); the request includes the uids 100000 to 100099; \
                   line 3 has the owner 'Alice', which is not the caller => if line 3 of /etc/subuid is meant for alice",
                ],
            ),
            (
                causes(|lines| lines.defective = defective()),
                &[
                    "line 2 of /etc/subuid is for alice but is ignored: it has 4 fields instead of 3 => write line 2",
                ],
            ),
            (
                causes(|lines| {
                    lines.defective = defective();
                    lines.delegated = ids(&[(5, 5)]);
                }),
                &[
                    "line 2 of /etc/subuid",
                    "the request includes uids that are not delegated to alice: 100000 to 100099; /etc/subuid delegates 5 to 9",
                ],
            ),
        ] {
            assert_eq!(found.len(), beginnings.len(), "{found:?}");
            for (found, beginning) in found.iter().zip(beginnings) {
                assert!(found.starts_with(beginning), "{found}\n{beginning}");
            }
        }
    }

    #[test]
    fn in_a_container_the_suggested_range_is_mapped_there() {
        for (mapped, first_free, start, count) in [
            (ids(&[(0, 65_536)]), 0, 1_001, 64_535),
            (ids(&[(0, 65_536)]), 50_000, 50_000, 15_536),
            (ids(&[(0, 65_536)]), 65_536, 100_000, 65_536),
            (ids(&[(0, 300_000)]), 0, 100_000, 65_536),
            (ids(&[(0, 300_000)]), 165_536, 165_536, 65_536),
            (ids(&[(0, 150_000)]), 0, 1_001, 148_999),
            (ids(&[(0, 1), (2_000, 5)]), 0, 2_000, 5),
            (ids(&[(0, 1_001)]), 0, 100_000, 65_536),
        ] {
            let evidence = evidence(|evidence| evidence.process.mapped_ids = Some(mapped.clone()));
            assert_eq!(suggested_range(first_free, &evidence), (start, count), "{mapped}");
        }
    }

    #[test]
    fn an_unreadable_file_has_a_cause_by_errno() {
        for (errno, beginning) in [
            (Errno::ENOENT, "/etc/subuid does not exist"),
            (Errno::EACCES, "/etc/subuid is read with the caller's rights, and alice may not"),
            (Errno::ELOOP, "/etc/subuid is a symbolic link"),
            (Errno::EISDIR, "/etc/subuid exists but cannot be read: Is a directory"),
        ] {
            let cause = unreadable(errno.into(), &evidence(|_| {})).unwrap();
            assert!(cause.sentence.starts_with(beginning), "{}", cause.sentence);
        }
        assert_eq!(unreadable(Errno::EMFILE.into(), &evidence(|_| {})), None);
    }
}
