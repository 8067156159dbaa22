//! Ranges of ids, and sets made of them: the arithmetic of delegation.
//!
//! Ids are 32 bits wide. Ends are one past the last id and may be 2³², so everything is counted in 64 bits and
//! nothing can wrap.

use std::fmt;

/// The ids from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdRange {
    start: u64,
    end: u64,
}

impl IdRange {
    /// The `count` ids from `start` on. An end beyond 2³² is no id's: a set that holds ids can never cover it.
    #[must_use]
    pub fn of(start: u32, count: u32) -> Self {
        Self { start: start.into(), end: u64::from(start).saturating_add(count.into()) }
    }

    /// The same, unless it would go beyond the last 32-bit id.
    #[must_use]
    pub fn of_ids(start: u32, count: u32) -> Option<Self> {
        Some(Self::of(start, count)).filter(|range| range.end <= 1 << 32)
    }

    /// The first id.
    #[must_use]
    pub const fn start(self) -> u64 {
        self.start
    }

    /// How many ids there are.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// One past the last id.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.end
    }

    /// The ids that are in both, if any.
    #[must_use]
    pub fn common(self, other: Self) -> Option<Self> {
        let common = Self { start: self.start.max(other.start), end: self.end.min(other.end) };
        (!common.is_empty()).then_some(common)
    }

    const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// Both ends included, as people count; `no id` if there is none.
impl fmt::Display for IdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count() {
            0 => f.write_str("no id"),
            1 => write!(f, "{}", self.start),
            _ => write!(f, "{} to {}", self.start, self.end.saturating_sub(1)),
        }
    }
}

/// A set of ids: ranges in ascending order, none empty, none touching the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdSet(Vec<IdRange>);

impl IdSet {
    /// Whether there is no id in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its ranges, in ascending order.
    pub fn ranges(&self) -> impl Iterator<Item = IdRange> {
        self.0.iter().copied()
    }

    /// Whether any id of `range` is in it.
    #[must_use]
    pub fn intersects(&self, range: IdRange) -> bool {
        let first_not_before = self.0.partition_point(|piece| piece.end <= range.start);
        self.0.get(first_not_before).is_some_and(|piece| piece.start < range.end && !range.is_empty())
    }

    /// Takes all ids of `range` out.
    pub fn remove(&mut self, range: IdRange) {
        if !self.intersects(range) {
            return;
        }
        let touched = self.0.partition_point(|piece| piece.end <= range.start)
            ..self.0.partition_point(|piece| piece.start < range.end);
        let touched_pieces = self.0.get(touched.clone()).unwrap_or_default();
        let before = touched_pieces.first().map(|piece| IdRange { start: piece.start, end: range.start });
        let after = touched_pieces.last().map(|piece| IdRange { start: range.end, end: piece.end });
        let remains = [before, after].into_iter().flatten().filter(|piece| !piece.is_empty());
        self.0.splice(touched, remains);
    }
}

/// Its ranges, with commas.
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

    fn range(start: u64, end: u64) -> IdRange {
        IdRange { start, end }
    }

    fn set(ranges: &[(u64, u64)]) -> IdSet {
        ranges.iter().map(|(start, end)| range(*start, *end)).collect()
    }

    #[test]
    fn a_range_ends_at_the_last_id_or_before() {
        assert_eq!(IdRange::of_ids(1, u32::MAX), Some(range(1, 1 << 32)));
        assert_eq!(IdRange::of_ids(u32::MAX, 1), Some(range((1 << 32) - 1, 1 << 32)));
        assert_eq!(IdRange::of_ids(u32::MAX, 0), Some(range((1 << 32) - 1, (1 << 32) - 1)));
        assert_eq!(IdRange::of_ids(2, u32::MAX), None);
        assert_eq!(IdRange::of_ids(u32::MAX, u32::MAX), None);
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

    /// Against the plainest thing that can be true: one flag for each of twelve ids.
    #[test]
    fn sets_agree_with_one_flag_per_id() {
        let mut seed = 1_u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            u64::from((seed >> 16) % below)
        };
        for _ in 0..20_000 {
            let mut ranges = |most| -> Vec<(u64, u64)> {
                (0..random(most))
                    .map(|_| {
                        let start = random(12);
                        (start, start + random(u32::try_from(13 - start).unwrap()))
                    })
                    .collect()
            };
            let (added, removed, probe) = (ranges(5), ranges(5), ranges(2));
            let within =
                |ranges: &[(u64, u64)], id| ranges.iter().any(|(start, end)| (*start..*end).contains(&id));
            let flags: Vec<bool> = (0..12).map(|id| within(&added, id) && !within(&removed, id)).collect();

            let mut ids = set(&added);
            for (start, end) in &removed {
                ids.remove(range(*start, *end));
            }
            for id in 0..12 {
                let flag = flags[usize::try_from(id).unwrap()];
                assert_eq!(ids.intersects(range(id, id + 1)), flag, "{added:?} {removed:?} {id}");
            }
            assert_eq!(ids.is_empty(), !flags.contains(&true), "{added:?} {removed:?}");
            for (start, end) in probe {
                let expected = (start..end).any(|id| flags[usize::try_from(id).unwrap()]);
                assert_eq!(
                    ids.intersects(range(start, end)),
                    expected,
                    "{added:?} {removed:?} {start}..{end}"
                );
            }
        }
    }
}
