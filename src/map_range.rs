//! The ranges of the request: numbers from the command line, as the kernel limits them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;

use thiserror::Error;

use crate::escape::escape;
use crate::id_range::IdRange;
use crate::number::{self, Base, NumberError};

/// The largest id: 4294967295 is `(uid_t) -1`, which the kernel does not accept as an id.
const LAST_ID: u32 = u32::MAX - 1;

/// The position of the first range on the command line; the target is argument 1.
const FIRST_POSITION: usize = 2;

/// One line of an id map: `count` ids from `upper` on in the new namespace are the ids from `lower` on in the parent namespace
/// (`struct uid_gid_extent` in the kernel's include/linux/user_namespace.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapRange {
    upper: u32,
    lower: u32,
    count: u32,
}

/// Why the arguments after the target are no ranges.
#[derive(Debug, Error)]
pub(crate) enum RangeError {
    /// There are no arguments after the target.
    #[error("")]
    Missing,
    /// The last range is incomplete.
    #[error("ranges: {ranges} is wrong for argc: {argc}")]
    Incomplete {
        /// Complete ranges, and one for the incomplete range.
        ranges: usize,
        /// Arguments after the target.
        argc: usize,
    },
    /// An argument is not a number.
    #[error("")]
    Malformed(#[source] BadNumber),
    /// An argument is a number that is not allowed in its place.
    #[error("subuid overflow detected.")]
    Overflow(#[source] BadNumber),
}

/// An argument that is not a number, or not allowed in its place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("argument {position} ({meaning}) is '{text}', {problem}")]
pub(crate) struct BadNumber {
    /// The place on the command line; the target is argument 1.
    pub(crate) position: usize,
    /// The meaning of a number in this place.
    pub(crate) meaning: &'static str,
    /// The argument, escaped.
    pub(crate) text: String,
    pub(crate) problem: NumberError,
}

impl MapRange {
    /// Reads the three arguments of a range; the first one is the argument `position`.
    fn parse(position: usize, upper: &OsStr, lower: &OsStr, count: &OsStr) -> Result<Self, RangeError> {
        let upper = id(position, "id inside", upper, 0..=LAST_ID)?;
        let lower = id(position.saturating_add(1), "id outside", lower, 0..=LAST_ID)?;
        let max_count = u32::MAX.saturating_sub(upper.max(lower));
        let count = id(position.saturating_add(2), "count", count, 1..=max_count)?;
        Ok(Self { upper, lower, count })
    }

    /// The ids in the parent namespace; the caller needs a delegation of them.
    pub(crate) fn lower_range(self) -> IdRange {
        IdRange::new(self.lower, self.count)
    }

    /// The ids in the new namespace.
    pub(crate) fn upper_range(self) -> IdRange {
        IdRange::new(self.upper, self.count)
    }

    pub(crate) const fn lower(self) -> u32 {
        self.lower
    }

    pub(crate) const fn count(self) -> u32 {
        self.count
    }

    /// Both ranges with ends excluded, as in shadow's messages.
    pub(crate) fn as_intervals(self) -> String {
        let Self { upper, lower, count } = self;
        let end = |start: u32| u64::from(start).saturating_add(count.into());
        format!("[{upper}-{}) -> [{lower}-{})", end(upper), end(lower))
    }

    /// Whether the range maps `id` of the parent namespace and nothing else.
    pub(crate) const fn is_only(self, id: u32) -> bool {
        self.lower == id && self.count == 1
    }
}

/// A line of the map as the kernel reads it, see user_namespaces(7).
impl fmt::Display for MapRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.upper, self.lower, self.count)
    }
}

/// Reads all arguments after the target.
///
/// # Errors
///
/// [`RangeError`], for the first argument that is wrong.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Vec<MapRange>, RangeError> {
    let argc = arguments.len();
    if argc == 0 {
        return Err(RangeError::Missing);
    }
    let incomplete = RangeError::Incomplete { ranges: argc.div_ceil(3), argc };
    if argc % 3 != 0 {
        return Err(incomplete);
    }
    let mut ranges = Vec::with_capacity(argc / 3);
    let positions = (FIRST_POSITION..).step_by(3);
    for (position, range) in positions.zip(arguments.chunks(3)) {
        let [upper, lower, count] = range else { return Err(incomplete) };
        ranges.push(MapRange::parse(position, upper, lower, count)?);
    }
    Ok(ranges)
}

fn id(
    position: usize,
    meaning: &'static str,
    text: &OsStr,
    allowed: RangeInclusive<u32>,
) -> Result<u32, RangeError> {
    let allowed = u64::from(*allowed.start())..=u64::from(*allowed.end());
    let problem = match number::parse(text.as_bytes(), Base::Prefixed, allowed).map(u32::try_from) {
        Ok(Ok(id)) => return Ok(id),
        Ok(Err(_)) => NumberError::OutOfRange,
        Err(problem) => problem,
    };
    let argument = BadNumber { position, meaning, text: escape(text.as_bytes()), problem };
    Err(match problem {
        NumberError::Malformed => RangeError::Malformed(argument),
        NumberError::OutOfRange => RangeError::Overflow(argument),
    })
}

#[cfg(test)]
mod tests {
    use super::{RangeError, parse};

    fn texts(arguments: &str) -> Result<Vec<String>, RangeError> {
        let arguments: Vec<_> =
            arguments.split(' ').filter(|word| !word.is_empty()).map(Into::into).collect();
        Ok(parse(&arguments)?.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn ranges_keep_the_order_of_the_command_line() {
        assert_eq!(texts("1 100000 65536 0 1000 1").unwrap(), ["1 100000 65536", "0 1000 1"]);
        assert_eq!(texts("0x10 010 +1").unwrap(), ["16 8 1"]);
        let range = parse(&["1", "100000", "65536"].map(std::ffi::OsString::from)).unwrap()[0];
        assert_eq!((range.lower(), range.count()), (100_000, 65_536));
        assert_eq!(range.as_intervals(), "[1-65537) -> [100000-165536)");
    }

    #[test]
    fn the_limits_of_each_number_are_the_kernels() {
        for good in ["0 0 4294967295", "4294967294 0 1", "0 4294967294 1", "1 2 4294967293"] {
            assert_eq!(texts(good).unwrap(), [good]);
        }
        for bad in [
            "4294967295 0 1",
            "0 4294967295 1",
            "0 0 4294967296",
            "4294967294 0 2",
            "0 4294967294 2",
            "0 100000 0",
            "-1 0 1",
            "0 -1 1",
            "0 0 -1",
            "0 0 0x",
        ] {
            assert!(matches!(texts(bad), Err(RangeError::Overflow(_))), "{bad}");
        }
        for bad in ["x 0 1", "0 x 1", "0 0 x", "0 0 1x", "0x 0 1"] {
            assert!(matches!(texts(bad), Err(RangeError::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn a_bad_number_is_named_by_its_place_on_the_command_line() {
        let error = texts("0 1000 1 1 1o0000 65536").unwrap_err();
        let RangeError::Malformed(argument) = error else { panic!("{error:?}") };
        assert_eq!(argument.to_string(), "argument 6 (id outside) is '1o0000', not a number");
        // (uid_t) -1 is wrong by itself, and not because no count fits after it.
        for (arguments, position) in [("4294967295 0 1", 2), ("0 4294967295 1", 3), ("0 0 4294967296", 4)] {
            let error = texts(arguments).unwrap_err();
            let RangeError::Overflow(argument) = error else { panic!("{error:?}") };
            assert_eq!(argument.position, position, "{arguments}");
        }
    }

    #[test]
    fn ranges_are_whole_and_at_least_one() {
        assert!(matches!(texts(""), Err(RangeError::Missing)));
        for (arguments, ranges, argc) in [("0", 1, 1), ("0 1", 1, 2), ("0 1 2 3", 2, 4), ("0 1 2 3 4", 2, 5)]
        {
            match texts(arguments) {
                Err(RangeError::Incomplete { ranges: r, argc: a }) => assert_eq!((r, a), (ranges, argc)),
                other => panic!("{arguments}: {other:?}"),
            }
        }
    }
}
