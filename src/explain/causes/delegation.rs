//! Causes in the subid files: a range that is not delegated, a malformed line, an unreadable file.

use nix::errno::Errno;

use super::{Cause, Key, denial, free_ids, plugin, suggestion};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::delegation::{Defect, Delegation, Lines};
use crate::explain::evidence::mounts::Mount;
use crate::explain::evidence::path::LinkTarget;
use crate::id_range::{IdRange, IdSet};
use crate::map_range::MapRange;
use crate::reason::Reason;

/// The file cannot be opened or read.
pub(super) fn unreadable(reason: Reason, evidence: &Evidence) -> Option<Cause> {
    let (file, caller) = (evidence.id_type.subid_file(), evidence.caller_name());
    let (sentence, fix) = match reason.errno() {
        Errno::ENOENT => (format!("{file} does not exist, so no ids are delegated"), create_file(evidence)),
        Errno::EACCES => (
            format!(
                "{file} is read with the caller's rights, and {caller} may not read it{}",
                denial::note(evidence.subid_denial.as_ref())
            ),
            format!(
                "{}{}",
                denial::allow(file, evidence.subid_denial.as_ref()),
                suggestion::then_migrate(evidence)
            ),
        ),
        Errno::ELOOP => symbolic_link(file, evidence),
        // The file is not the cause.
        Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM => return None,
        Errno::EISDIR | Errno::EINVAL => (
            format!("{file} exists but cannot be read: {reason}"),
            format!("as root, run `mv {file} {file}.other`, and then {}", create_file(evidence)),
        ),
        _ => (
            format!("{file} exists but cannot be read: {reason}"),
            format!("make {file} a regular, readable file"),
        ),
    };
    // A mount point cannot be replaced, but its mode can be changed.
    let is_fixed = match reason.errno() {
        Errno::ENOENT => false,
        Errno::EACCES => evidence.subid_mount.as_ref().is_some_and(Mount::is_read_only),
        _ => true,
    };
    let fix = match suggestion::unchangeable(evidence).filter(|_| is_fixed) {
        Some(reason) => format!("{reason}: it must be a regular file that every user may read"),
        None => fix,
    };
    Some(Cause::new(Key::SubidFile, sentence, fix))
}

/// The sentence and the fix. Root copies a file only if the lines in it are root's.
fn symbolic_link(file: &str, evidence: &Evidence) -> (String, String) {
    let sentence = format!("{file} is a symbolic link, which is not followed");
    let replace = format!("as root, replace the link {file} by a regular file");
    match evidence.subid_link {
        Some(LinkTarget::OfRoot) => (
            sentence,
            format!(
                "as root, run `install -m 0644 {file} {file}.new && mv {file}.new {file}`, and have no configuration manager make the \
                 link again{}",
                suggestion::then_migrate(evidence)
            ),
        ),
        Some(LinkTarget::Absent) => (
            format!("{sentence}, and its target does not exist"),
            format!("as root, run `rm {file}`, and then {}", create_file(evidence)),
        ),
        Some(LinkTarget::Special) => (
            format!("{sentence}, and its target is no regular file"),
            format!("{replace} with lines OWNER:START:COUNT"),
        ),
        Some(LinkTarget::OfOthers) => (
            format!("{sentence}, and users other than root can change its target"),
            format!("{replace}, and take over only lines of the target that delegate the right ids"),
        ),
        None => (sentence, replace),
    }
}

fn create_file(evidence: &Evidence) -> String {
    let Some(range) = free_ids::free_range(evidence) else { return suggestion::no_room(evidence) };
    if let Some(reason) = suggestion::unchangeable(evidence) {
        return format!("{reason}: the file needs the line {}", suggestion::line(range, evidence));
    }
    format!("{}{}", suggestion::create_file(range, evidence), suggestion::then_migrate(evidence))
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
    let intended = lines.intended.filter(|range| free_ids::may_be_delegated(*range, evidence));
    let suggested = intended.or_else(|| free_ids::free_range(evidence));
    let (file, caller) = (evidence.id_type.subid_file(), evidence.caller_name());
    let write = match defect {
        // The line has ids of other owners, too.
        Defect::Joined(_) => {
            format!(
                "split line {line} of {file} into a line for each owner, and write {caller}'s as OWNER:START:COUNT"
            )
        }
        _ => format!("write line {line} of {file} as OWNER:START:COUNT"),
    };
    Some(Cause::new(
        Key::DefectiveLine,
        format!("line {line} of {file} is for {caller} but is ignored: {defect}"),
        match suggested {
            Some(range) => format!(
                "{write}, for example {}{}",
                suggestion::line(range, evidence),
                suggestion::then_migrate(evidence)
            ),
            None => format!("{write}; {}", suggestion::no_room(evidence)),
        },
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
        Some((line, owner)) if lines.delegated.is_empty() => format!(
            "if line {line} of {file} is meant for {caller}, write {} instead of '{owner}'{}",
            suggestion::owner(evidence),
            suggestion::then_migrate(evidence)
        ),
        _ if free_ids::includes_accounts(&missing, evidence) => other_ids(&missing, lines, evidence),
        _ => add_range(&missing, lines, evidence),
    };
    Cause::new(Key::NotDelegated, sentence, fix)
}

/// The request must change, because its ids should not be delegated.
fn other_ids(missing: &IdSet, lines: &Lines, evidence: &Evidence) -> String {
    let (word, own) = (evidence.id_type.word(), evidence.own_id());
    let reason = format!(
        "{word}s of accounts, and those below {}, should not be delegated",
        free_ids::first_delegable(evidence)
    );
    let own_range = if missing.intersects(IdRange::new(own, 1)) {
        format!("; the caller's own {word} {own} needs no delegation as a range of one {word}")
    } else {
        String::new()
    };
    if !lines.delegated.is_empty() {
        return format!("request only the delegated {word}s, {}: {reason}{own_range}", lines.delegated);
    }
    match free_ids::free_range(evidence) {
        Some(range) => format!(
            "{}, and request these {word}s: {reason}{own_range}{}",
            suggestion::delegate(range, evidence),
            suggestion::then_migrate(evidence)
        ),
        None => format!("{reason}{own_range}; {}", suggestion::no_room(evidence)),
    }
}

fn add_range(missing: &IdSet, lines: &Lines, evidence: &Evidence) -> String {
    let alternative = if lines.delegated.is_empty() { "" } else { "request only delegated ids, or " };
    let Some(range) = free_ids::free_range(evidence) else {
        return format!("{alternative}{}", suggestion::no_room(evidence));
    };
    let mut rest = missing.clone();
    rest.remove(range);
    let request = if rest.is_empty() { "" } else { ", and request these ids" };
    format!(
        "{alternative}{}{request}{}",
        suggestion::delegate(range, evidence),
        suggestion::then_migrate(evidence)
    )
}

#[cfg(test)]
mod tests {
    use super::{Defect, Delegation, Lines, not_allowed, unreadable};
    use crate::explain::causes::test_evidence::{evidence, ids, ranges};
    use crate::explain::evidence::path::Denial;
    use nix::errno::Errno;

    /// The causes of a refusal of the uids 100000 to 100099, each as `sentence => fix`, for a file with these lines.
    fn causes(change: impl FnOnce(&mut Lines)) -> Vec<String> {
        let mut lines = Lines { others: ids(&[(100_000, 65_536)]), ..Lines::default() };
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
                   as root, run `usermod --add-subuids 165536-231071 alice`, and request these ids; with podman, run podman system \
                   migrate as alice afterwards",
                ][..],
            ),
            (
                causes(|lines| lines.delegated = ids(&[(100_000, 60)])),
                &[
                    "the request includes uids that are not delegated to alice: 100060 to 100099; /etc/subuid delegates \
                   100000 to 100059 => request only delegated ids, or as root, run `usermod",
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
    fn ids_of_accounts_and_low_ids_are_not_delegated() {
        for (request, delegated, fix) in [
            ("0 100000 10", &[][..], "as root, run `usermod --add-subuids 100000-165535 alice`; with podman"),
            (
                "0 300000 10",
                &[],
                "as root, run `usermod --add-subuids 100000-165535 alice`, and request these ids; with",
            ),
            (
                "0 5 10",
                &[],
                "as root, run `usermod --add-subuids 100000-165535 alice`, and request these uids: uids of accounts, and those \
                 below 100000, should not be delegated; with podman",
            ),
            (
                "0 5 10",
                &[(100_000, 65_536)],
                "request only the delegated uids, 100000 to 165535: uids of accounts, and those below 100000, should not be \
                 delegated",
            ),
            (
                "0 1000 2",
                &[(100_000, 65_536)],
                "request only the delegated uids, 100000 to 165535: uids of accounts, and those below 100000, should not be \
                 delegated; the caller's own uid 1000 needs no delegation as a range of one uid",
            ),
            (
                "0 700000 10",
                &[(100_000, 9)],
                "request only the delegated uids, 100000 to 100008: uids of accounts",
            ),
        ] {
            let evidence = evidence(|evidence| {
                let delegated = ids(delegated);
                evidence.delegation = Some(Delegation::File(Lines { delegated, ..Lines::default() }));
                evidence.accounts.ids = ids(&[(0, 20), (1_000, 1), (700_005, 1)]);
            });
            let causes = not_allowed(ranges(request)[0], &evidence);
            let found = causes[0].fix.as_ref().unwrap();
            assert!(found.starts_with(fix), "{found}\n{fix}");
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

    #[test]
    fn a_directory_that_cannot_be_searched_is_named_instead_of_the_file() {
        let cause = unreadable(
            Errno::EACCES.into(),
            &evidence(|evidence| {
                evidence.subid_denial = Some(Denial {
                    path: "/etc".into(),
                    is_directory: true,
                    mode_allows: false,
                    others_can_replace: false,
                });
            }),
        )
        .unwrap();
        assert!(
            cause.sentence.ends_with("may not read it; the directory /etc may not be searched"),
            "{cause:?}"
        );
        assert!(
            cause.fix.as_ref().unwrap().starts_with("as root, run `chmod a+x /etc`; with podman"),
            "{cause:?}"
        );
    }
}
