//! Ids to delegate: free ones, as useradd(8) would choose.
//!
//! Free ids belong to no line of the subid file and to no local account; accounts of a directory are not listed. The kernel accepts no
//! range that crosses a line of this user namespace's own map, so suggested ids are within one line.

use crate::explain::evidence::Evidence;
use crate::id_range::{IdRange, IdSet};

/// The first id to delegate in a container without the ids that useradd(8) chooses: images have system accounts below 1000.
pub(crate) const CONTAINER_MIN: u32 = 1_000;

/// The id of the user nobody: the highest id in usual images.
pub(crate) const NOBODY: u32 = 65_534;

/// The fewest ids that are worth a delegation there.
pub(super) const CONTAINER_COUNT: u64 = 1_000;

/// The number of ids: the last 32-bit number, -1, is no id.
const ALL_IDS: u64 = 0xffff_ffff;

/// Free ids for the caller; `None` if there is no room, or if not all used ids are known.
pub(super) fn free_range(evidence: &Evidence) -> Option<IdRange> {
    free_range_instead_of(|_| false, evidence)
}

/// The same, if the lines of the caller with these ranges are replaced.
pub(super) fn free_range_instead_of(
    is_replaced: impl Fn(IdRange) -> bool,
    evidence: &Evidence,
) -> Option<IdRange> {
    if unread_file(evidence).is_some() {
        return None;
    }
    let used = used_ids(is_replaced, evidence);
    let limits = evidence.accounts.limits;
    let usual = gaps(limits.min, limits.max.saturating_add(1), &used, evidence);
    if let Some(gap) = usual.iter().find(|gap| gap.count() >= limits.count) {
        return range(gap.start(), limits.count);
    }
    if has_all_ids(evidence) {
        return None;
    }
    let gaps = gaps(CONTAINER_MIN.into(), ALL_IDS, &used, evidence);
    let gap = gaps
        .iter()
        .find(|gap| gap.count() >= limits.count)
        .or_else(|| gaps.iter().max_by_key(|gap| gap.count()))?;
    range(gap.start(), gap.count().min(limits.count)).filter(|range| range.count() >= CONTAINER_COUNT)
}

/// Whether this user namespace has every id, as the initial one has. Unknown ids count as mapped.
pub(super) fn has_all_ids(evidence: &Evidence) -> bool {
    let mapped = evidence.process.mapped_lines.as_ref();
    mapped.is_none_or(|lines| lines.iter().any(|line| line.count() >= ALL_IDS))
}

/// The lowest id that may be delegated: below are the ids of accounts.
pub(super) fn first_delegable(evidence: &Evidence) -> u64 {
    if has_all_ids(evidence) { evidence.accounts.limits.min } else { CONTAINER_MIN.into() }
}

/// Whether the ids may be delegated to the caller: as many as are worth it, free, and within one line of the own map.
pub(super) fn may_be_delegated(range: IdRange, evidence: &Evidence) -> bool {
    let end = range.end();
    let gaps = gaps(first_delegable(evidence), end, &used_ids(|_| false, evidence), evidence);
    unread_file(evidence).is_none()
        && range.count() >= CONTAINER_COUNT
        && gaps.iter().any(|gap| gap.start() <= range.start() && end <= gap.end())
}

/// Whether some of the ids belong to an account, or may be given to one.
pub(super) fn includes_accounts(ids: &IdSet, evidence: &Evidence) -> bool {
    let is_low = ids.ranges().any(|range| range.start() < first_delegable(evidence));
    is_low || evidence.accounts.ids.ranges().any(|range| ids.intersects(range))
}

/// A file with used ids that is not read to its end.
pub(super) fn unread_file(evidence: &Evidence) -> Option<&'static str> {
    let is_unread = evidence.lines().is_some_and(|lines| lines.is_unread);
    evidence.accounts.unread.or_else(|| is_unread.then(|| evidence.id_type.subid_file()))
}

/// The ids of accounts, of other owners, and of the caller's lines that stay.
fn used_ids(is_replaced: impl Fn(IdRange) -> bool, evidence: &Evidence) -> IdSet {
    let others = evidence.lines().map(|lines| &lines.others);
    let lines = evidence.lines().map_or(&[][..], |lines| &lines.own);
    let kept = lines.iter().map(|line| line.range).filter(|range| !is_replaced(*range));
    let own = IdRange::new(evidence.own_id(), 1);
    let sets = others.into_iter().chain([&evidence.accounts.ids]);
    sets.flat_map(IdSet::ranges).chain(kept).chain([own]).collect()
}

/// The free ranges from `min` up to, not including, `end`: each within a line of this user namespace's map.
fn gaps(min: u64, end: u64, used: &IdSet, evidence: &Evidence) -> Vec<IdRange> {
    let all = || vec![IdRange::new(0, u32::MAX)];
    let mut lines = evidence.process.mapped_lines.clone().unwrap_or_else(all);
    lines.sort_unstable();
    let mut gaps = Vec::new();
    for line in lines {
        let (mut start, end) = (line.start().max(min), line.end().min(end));
        let first = start;
        for used in used.ranges().skip_while(|used| used.end() <= first) {
            if used.start() >= end {
                break;
            }
            gaps.extend(range(start, used.start().saturating_sub(start)));
            start = start.max(used.end());
        }
        gaps.extend(range(start, end.saturating_sub(start)));
    }
    gaps
}

fn range(start: u64, count: u64) -> Option<IdRange> {
    let range = IdRange::checked_new(start.try_into().ok()?, count.try_into().ok()?)?;
    (range.count() > 0).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::free_range;
    use crate::explain::causes::test_evidence::{evidence, ids, lines};
    use crate::explain::evidence::accounts::Limits;
    use crate::explain::evidence::delegation::{Delegation, Lines};
    use crate::id_range::{IdRange, IdSet};

    #[test]
    fn the_suggested_range_is_the_first_free_one_of_the_usual_size() {
        for (taken, accounts, limits, expected) in [
            (&[][..], &[][..], Limits::default(), Some((100_000, 65_536))),
            (&[(2_147_483_647, u32::MAX / 2)], &[], Limits::default(), Some((100_000, 65_536))),
            (&[(100_000, 65_536)], &[], Limits::default(), Some((165_536, 65_536))),
            (&[(100_000, 65_536), (300_000, 65_536)], &[], Limits::default(), Some((165_536, 65_536))),
            (&[(100_000, 65_536), (200_000, 65_536)], &[], Limits::default(), Some((265_536, 65_536))),
            (&[(100_001, 9)], &[(100_000, 1), (150_000, 1)], Limits::default(), Some((150_001, 65_536))),
            (&[], &[], Limits { min: 500_000, count: 70_000, ..Limits::default() }, Some((500_000, 70_000))),
            (&[(100_000, 600_000_000)], &[], Limits::default(), Some((600_100_000, 0))),
            (&[], &[(150_000, 1)], Limits { max: 200_000, ..Limits::default() }, Some((600_100_000, 0))),
        ] {
            let evidence = evidence(|evidence| {
                let others = ids(taken);
                evidence.delegation = Some(Delegation::File(Lines { others, ..Lines::default() }));
                evidence.accounts.ids = ids(accounts);
                evidence.accounts.limits = limits;
            });
            let expected =
                expected.filter(|(_, count)| *count > 0).map(|(start, count)| IdRange::new(start, count));
            assert_eq!(free_range(&evidence), expected, "{taken:?} {accounts:?} {limits:?}");
        }
    }

    #[test]
    fn in_a_container_the_suggested_range_is_within_one_line_of_the_map() {
        for (mapped, taken, expected) in [
            (&[(0, 65_536)][..], IdSet::default(), Some((1_001, 64_533))),
            (&[(0, 65_536)], ids(&[(1_001, 49_000)]), Some((50_001, 15_533))),
            (&[(0, 65_536)], ids(&[(1_001, 64_000)]), None),
            (&[(0, 300_000)], IdSet::default(), Some((100_000, 65_536))),
            (&[(0, 150_000)], IdSet::default(), Some((65_535, 65_536))),
            (&[(0, 1), (1, 30_000), (30_001, 36_000)], IdSet::default(), Some((30_001, 35_533))),
            (
                &[(0, 100_000), (100_000, 50_000), (150_000, 70_000)],
                IdSet::default(),
                Some((150_000, 65_536)),
            ),
            (&[(0, 1), (2_000, 5)], IdSet::default(), None),
            (&[(0, 1), (1_000, 1)], IdSet::default(), None),
        ] {
            let evidence = evidence(|evidence| {
                evidence.process.mapped_lines = Some(lines(mapped));
                evidence.accounts.ids = ids(&[(0, 1), (65_534, 1)]);
                let others = taken.clone();
                evidence.delegation = Some(Delegation::File(Lines { others, ..Lines::default() }));
            });
            let expected = expected.map(|(start, count)| IdRange::new(start, count));
            assert_eq!(free_range(&evidence), expected, "{mapped:?} {taken}");
        }
    }
}
