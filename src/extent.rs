//! The ranges that the caller wants, as the command line gives them.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;

use crate::error::Error;
use crate::number::{self, Base, NumberError};
use crate::range::IdRange;
use crate::shown::shown;

/// The largest id: 4294967295 is `(uid_t) -1`, which means "no id" to the kernel.
const LAST_ID: u32 = u32::MAX - 1;

/// Where the first range begins on the command line; the target is argument 1.
const FIRST_POSITION: usize = 2;

/// One line of an id map: `count` ids from `upper` on inside the new namespace are the ids from `lower` on outside.
/// (`struct uid_gid_extent` in the kernel's include/linux/user_namespace.h.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    upper: u32,
    lower: u32,
    count: u32,
}

impl Extent {
    /// Reads one range's three arguments, of which the first is the command line's argument `position`.
    fn parse(position: usize, upper: &OsStr, lower: &OsStr, count: &OsStr) -> Result<Self, Error> {
        let upper = BadNumber::or_id(position, "id inside", upper, 0..=LAST_ID)?;
        let lower = BadNumber::or_id(position.saturating_add(1), "id outside", lower, 0..=LAST_ID)?;
        let most = u32::MAX.saturating_sub(upper.max(lower));
        let count = BadNumber::or_id(position.saturating_add(2), "count", count, 1..=most)?;
        Ok(Self { upper, lower, count })
    }

    /// The ids outside, the ones that must have been delegated.
    #[must_use]
    pub fn lower_range(self) -> IdRange {
        IdRange::of(self.lower, self.count)
    }

    /// The ids inside.
    #[must_use]
    pub fn upper_range(self) -> IdRange {
        IdRange::of(self.upper, self.count)
    }

    /// The first id outside.
    #[must_use]
    pub const fn lower(self) -> u32 {
        self.lower
    }

    /// How many ids there are on each side.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }

    /// As messages show it: both ranges, ends excluded.
    #[must_use]
    pub fn as_ranges(self) -> String {
        let Self { upper, lower, count } = self;
        let end = |start: u32| u64::from(start).saturating_add(count.into());
        format!("[{upper}-{}) -> [{lower}-{})", end(upper), end(lower))
    }

    /// Whether it maps `id` outside and nothing else.
    #[must_use]
    pub const fn is_only(self, id: u32) -> bool {
        self.lower == id && self.count == 1
    }
}

/// As the kernel takes it, see user_namespaces(7).
impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.upper, self.lower, self.count)
    }
}

/// Reads all that follows the target on the command line.
///
/// # Errors
///
/// [`Error::Usage`] if there is no range, [`Error::RangeCount`] if arguments are missing from the last one,
/// [`Error::Malformed`] or [`Error::Overflow`] for the first argument that is no possible number.
pub fn parse(arguments: &[OsString]) -> Result<Vec<Extent>, Error> {
    if arguments.is_empty() {
        return Err(Error::Usage);
    }
    if arguments.len() % 3 != 0 {
        return Err(Error::RangeCount { ranges: arguments.len().div_ceil(3), argc: arguments.len() });
    }
    let mut extents = Vec::with_capacity(arguments.len() / 3);
    let positions = (FIRST_POSITION..).step_by(3);
    for (position, range) in positions.zip(arguments.chunks_exact(3)) {
        let [upper, lower, count] = range else { continue };
        extents.push(Extent::parse(position, upper, lower, count)?);
    }
    Ok(extents)
}

/// An argument that should be a number and is not, or not one that is possible in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("argument {position} ({meaning}) is '{text}', {problem}")]
pub struct BadNumber {
    /// Its place on the command line; the target is argument 1.
    pub position: usize,
    /// What was expected there.
    pub meaning: &'static str,
    /// What was found there, fit to be shown.
    pub text: String,
    /// What is wrong with it.
    pub problem: NumberError,
}

impl BadNumber {
    fn or_id(
        position: usize,
        meaning: &'static str,
        text: &OsStr,
        allowed: RangeInclusive<u32>,
    ) -> Result<u32, Error> {
        let allowed = u64::from(*allowed.start())..=u64::from(*allowed.end());
        let problem = match number::parse(text.as_bytes(), Base::Prefixed, allowed).map(u32::try_from) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(_)) => NumberError::OutOfRange,
            Err(problem) => problem,
        };
        let argument = Self { position, meaning, text: shown(text.as_bytes()), problem };
        Err(match problem {
            NumberError::Malformed => Error::Malformed(argument),
            NumberError::OutOfRange => Error::Overflow(argument),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, parse};

    fn texts(arguments: &str) -> Result<Vec<String>, Error> {
        let arguments: Vec<_> =
            arguments.split(' ').filter(|word| !word.is_empty()).map(Into::into).collect();
        Ok(parse(&arguments)?.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn extents_keep_the_order_of_the_command_line() {
        assert_eq!(texts("1 100000 65536 0 1000 1").unwrap(), ["1 100000 65536", "0 1000 1"]);
        assert_eq!(texts("0x10 010 +1").unwrap(), ["16 8 1"]);
        let extent = parse(&["1", "100000", "65536"].map(std::ffi::OsString::from)).unwrap()[0];
        assert_eq!((extent.lower(), extent.count()), (100_000, 65_536));
        assert_eq!(extent.as_ranges(), "[1-65537) -> [100000-165536)");
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
            assert!(matches!(texts(bad), Err(Error::Overflow(_))), "{bad}");
        }
        for bad in ["x 0 1", "0 x 1", "0 0 x", "0 0 1x", "0x 0 1"] {
            assert!(matches!(texts(bad), Err(Error::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn a_bad_number_is_named_by_its_place_on_the_command_line() {
        let error = texts("0 1000 1 1 1o0000 65536").unwrap_err();
        let Error::Malformed(argument) = error else { panic!("{error:?}") };
        assert_eq!(argument.to_string(), "argument 6 (id outside) is '1o0000', not a number");
        // (uid_t) -1 is wrong by itself, and not because no count fits after it.
        for (arguments, position) in [("4294967295 0 1", 2), ("0 4294967295 1", 3), ("0 0 4294967296", 4)] {
            let error = texts(arguments).unwrap_err();
            let Error::Overflow(argument) = error else { panic!("{error:?}") };
            assert_eq!(argument.position, position, "{arguments}");
        }
    }

    #[test]
    fn ranges_are_whole_and_at_least_one() {
        assert!(matches!(texts(""), Err(Error::Usage)));
        for (arguments, ranges, argc) in [("0", 1, 1), ("0 1", 1, 2), ("0 1 2 3", 2, 4), ("0 1 2 3 4", 2, 5)]
        {
            match texts(arguments) {
                Err(Error::RangeCount { ranges: r, argc: a }) => assert_eq!((r, a), (ranges, argc)),
                other => panic!("{arguments}: {other:?}"),
            }
        }
    }
}
