//! Ranges of ids, and sets of ranges: the arithmetic of delegation.
//!
//! An id has 32 bits. The end of a range is one past its last id and may be 2³²: ranges count in 64 bits, so that no sum wraps.

use std::fmt;

/// The ids from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IdRange {
    start: u64,
    end: u64,
}

impl IdRange {
    /// The `count` ids from `start` on. The end may be beyond 2³²; no delegated range covers such a range.
    pub(crate) fn new(start: u32, count: u32) -> Self {
        Self { start: start.into(), end: u64::from(start).saturating_add(count.into()) }
    }

    /// The `count` ids from `start` on; `None` if the range ends beyond the last 32-bit id.
    pub(crate) fn checked_new(start: u32, count: u32) -> Option<Self> {
        Some(Self::new(start, count)).filter(|range| range.end <= 1 << 32)
    }

    pub(crate) const fn start(self) -> u64 {
        self.start
    }

    pub(crate) const fn count(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// One past the last id.
    pub(crate) const fn end(self) -> u64 {
        self.end
    }

    /// The intersection, unless it is empty.
    pub(crate) fn common(self, other: Self) -> Option<Self> {
        let common = Self { start: self.start.max(other.start), end: self.end.min(other.end) };
        (!common.is_empty()).then_some(common)
    }

    const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// First and last id; `no id` for an empty range.
impl fmt::Display for IdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count() {
            0 => f.write_str("no id"),
            1 => write!(f, "{}", self.start),
            _ => write!(f, "{} to {}", self.start, self.end.saturating_sub(1)),
        }
    }
}

/// A set of ids: ranges in ascending order, without empty, overlapping or adjacent ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdSet(Vec<IdRange>);

impl IdSet {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, in ascending order.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = IdRange> {
        self.0.iter().copied()
    }

    /// Whether the set contains any id of `range`.
    pub(crate) fn intersects(&self, range: IdRange) -> bool {
        let first_not_before = self.0.partition_point(|piece| piece.end <= range.start);
        self.0.get(first_not_before).is_some_and(|piece| piece.start < range.end && !range.is_empty())
    }

    /// Removes all ids of `range`.
    pub(crate) fn remove(&mut self, range: IdRange) {
        if !self.intersects(range) {
            return;
        }
        let rest = |piece: &IdRange| {
            [
                IdRange { start: piece.start, end: piece.end.min(range.start) },
                IdRange { start: piece.start.max(range.end), end: piece.end },
            ]
        };
        self.0 = self.0.iter().flat_map(rest).filter(|piece| !piece.is_empty()).collect();
    }
}

/// The ranges, separated by commas.
impl fmt::Display for IdSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.ranges().enumerate() {
            write!(f, "{}{range}", if index == 0 { "" } else { ", " })?;
        }
        if self.is_empty() { f.write_str("no id") } else { Ok(()) }
    }
}

impl FromIterator<IdRange> for IdSet {
    fn from_iter<I: IntoIterator<Item = IdRange>>(ranges: I) -> Self {
        let mut pieces: Vec<IdRange> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        pieces.sort_unstable();
        pieces.dedup_by(|next, kept| {
            let joins = next.start <= kept.end;
            if joins {
                kept.end = kept.end.max(next.end);
            }
            joins
        });
        Self(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::{IdRange, IdSet};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn range(start: u64, end: u64) -> IdRange {
        IdRange { start, end }
    }

    fn set(ranges: &[(u64, u64)]) -> IdSet {
        ranges.iter().map(|(start, end)| range(*start, *end)).collect()
    }

    #[test]
    fn a_range_ends_at_the_last_id_or_before() {
        assert_eq!(IdRange::checked_new(1, u32::MAX), Some(range(1, 1 << 32)));
        assert_eq!(IdRange::checked_new(u32::MAX, 1), Some(range((1 << 32) - 1, 1 << 32)));
        assert_eq!(IdRange::checked_new(u32::MAX, 0), Some(range((1 << 32) - 1, (1 << 32) - 1)));
        assert_eq!(IdRange::checked_new(2, u32::MAX), None);
        assert_eq!(IdRange::checked_new(u32::MAX, u32::MAX), None);
    }

    #[test]
    fn a_set_is_sorted_joined_and_free_of_empty_ranges() {
        assert_eq!(set(&[(5, 7), (0, 2), (2, 4), (6, 9), (3, 3), (20, 20)]).0, [range(0, 4), range(5, 9)]);
        assert_eq!(set(&[(0, 10), (2, 4)]).0, [range(0, 10)]);
    }

    #[test]
    fn removing_cuts_where_the_range_lies() {
        for (removed, left) in [
            ((0, 5), vec![(10, 20), (30, 40)]),
            ((0, 10), vec![(10, 20), (30, 40)]),
            ((0, 11), vec![(11, 20), (30, 40)]),
            ((12, 14), vec![(10, 12), (14, 20), (30, 40)]),
            ((10, 20), vec![(30, 40)]),
            ((15, 35), vec![(10, 15), (35, 40)]),
            ((20, 30), vec![(10, 20), (30, 40)]),
            ((19, 31), vec![(10, 19), (31, 40)]),
            ((0, 50), vec![]),
            ((15, 15), vec![(10, 20), (30, 40)]),
            ((40, 50), vec![(10, 20), (30, 40)]),
        ] {
            let mut ids = set(&[(10, 20), (30, 40)]);
            ids.remove(range(removed.0, removed.1));
            assert_eq!(ids, set(&left), "without {removed:?}");
        }
    }

    #[test]
    fn a_range_is_shown_with_its_first_and_last_id() {
        for (ranges, text) in [
            (&[][..], "no id"),
            (&[(5, 6)], "5"),
            (&[(0, 1), (5, 8)], "0, 5 to 7"),
            (&[(1, 1 << 32)], "1 to 4294967295"),
        ] {
            assert_eq!(set(ranges).to_string(), text);
        }
        assert_eq!(range(5, 5).to_string(), "no id");
    }

    /// Windows of twelve ids at both ends of the id space.
    fn any_range() -> impl Strategy<Value = (u64, u64)> {
        prop_oneof![Just(0..=12_u64), Just((1_u64 << 32) - 12..=1_u64 << 32)]
            .prop_flat_map(|window| (window.clone(), window))
            .prop_map(|(one, other)| (one.min(other), one.max(other)))
    }

    fn ranges(most: usize) -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec(any_range(), 0..=most)
    }

    proptest! {
        // Miri takes a thousand times as long.
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 20 } else { 2_000 },
            failure_persistence: None,
            ..Default::default()
        })]

        /// Compared with a set of single ids.
        #[test]
        fn sets_agree_with_single_ids(added in ranges(5), removed in ranges(5), probe in any_range()) {
            let is_within = |ranges: &[(u64, u64)], id| ranges.iter().any(|(start, end)| (*start..*end).contains(&id));
            let expected: BTreeSet<u64> = (0..12)
                .chain((1 << 32) - 12..1 << 32)
                .filter(|id| is_within(&added, *id) && !is_within(&removed, *id))
                .collect();

            let mut ids = set(&added);
            for (start, end) in &removed {
                ids.remove(range(*start, *end));
            }

            let listed: BTreeSet<u64> = ids.ranges().flat_map(|piece| piece.start()..piece.end()).collect();
            prop_assert_eq!(&listed, &expected);
            prop_assert_eq!(ids.is_empty(), expected.is_empty());
            prop_assert_eq!(ids.intersects(range(probe.0, probe.1)), expected.range(probe.0..probe.1).next().is_some());
            // Ascending, not empty, not adjacent: a set has one representation.
            prop_assert!(ids.0.iter().all(|piece| piece.start < piece.end));
            prop_assert!(ids.0.windows(2).all(|pair| pair[0].end < pair[1].start));
        }

        #[test]
        fn the_common_ids_of_two_ranges_are_in_both(one in any_range(), other in any_range()) {
            let common = range(one.0, one.1).common(range(other.0, other.1));
            let expected: Vec<u64> = (one.0..one.1).filter(|id| (other.0..other.1).contains(id)).collect();
            let listed: Option<Vec<u64>> = common.map(|common| (common.start()..common.end()).collect());
            prop_assert_eq!(listed.unwrap_or_default(), expected);
            prop_assert!(common.is_none_or(|common| common.count() > 0));
        }
    }
}
