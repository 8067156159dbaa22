//! Causes in the subid files: a range that is not delegated, a malformed line.

use super::{Cause, Key, free_ids, plugin, suggestion};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::delegation::{Delegation, Lines};
use crate::explain::evidence::malformed::Defect;
use crate::id_range::{IdRange, IdSet};
use crate::map_range::MapRange;

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
    use super::{Defect, Delegation, Lines, not_allowed};
    use crate::explain::causes::test_evidence::{evidence, ids, ranges};

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
}
