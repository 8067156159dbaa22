//! One line of subuid(5) or subgid(5): `owner:start:count`.
//!
//! A line that is not exactly that delegates nothing, and is no error: shadow passes over it.

use crate::number::{self, Base};
use crate::range::IdRange;

/// A line with an owner; whether the rest makes a range is found out when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    owner: &'a [u8],
    range: &'a [u8],
}

impl<'a> Line<'a> {
    /// Splits the owner off.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let (owner, range) = split_at_colon(line)?;
        (!owner.is_empty()).then_some(Self { owner, range })
    }

    /// The owner: a user's name or uid, in subgid(5) as well.
    pub(crate) const fn owner(self) -> &'a [u8] {
        self.owner
    }

    /// Whether the owner is this uid in decimal, leading zeros or not.
    pub(crate) fn owner_is_uid(self, uid: u32) -> bool {
        // Neither the blanks nor the sign that strtoul would pass over make a uid.
        self.owner.iter().all(u8::is_ascii_digit)
            && number::parse(self.owner, Base::Decimal, 0..=u32::MAX.into()) == Ok(uid.into())
    }

    /// The ids delegated, none beyond 2³² - 1: a line whose end would wrap delegated everything in shadow 4.17.
    pub(crate) fn range(self) -> Option<IdRange> {
        let (start, count) = split_at_colon(self.range)?;
        IdRange::of_ids(id(start)?, id(count)?)
    }
}

/// A fourth field's colon stays in the second half, where it makes the number malformed.
fn split_at_colon(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (before, rest) = text.split_at_checked(memchr::memchr(b':', text)?)?;
    let (_, after) = rest.split_first()?;
    Some((before, after))
}

fn id(text: &[u8]) -> Option<u32> {
    u32::try_from(number::parse(text, Base::Prefixed, 0..=u32::MAX.into()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::Line;
    use crate::range::IdRange;

    #[test]
    fn three_whole_fields_delegate_a_range() {
        for (line, start, count) in [
            ("alice:100000:65536", 100_000, 65_536),
            ("#alice:0x10:010", 16, 8),
            ("a b:+1: 2", 1, 2),
            ("alice:0:4294967295", 0, u32::MAX),
            ("alice:4294967295:1", u32::MAX, 1),
            ("alice:0:0", 0, 0),
        ] {
            assert_eq!(
                Line::parse(line.as_bytes()).unwrap().range(),
                Some(IdRange::of(start, count)),
                "{line}"
            );
        }
    }

    #[test]
    fn anything_else_delegates_nothing() {
        for line in [
            "",
            "alice",
            ":",
            "::",
            ":1:1",
            "alice::1",
            "alice:1:",
            "alice:1",
            "alice:1:1:",
            "alice:1:1:x",
            "alice:1:1 ",
            "alice:1:1\r",
            "alice:1 :1",
            "alice:-1:1",
            "alice:1:-1",
            "alice:1:x",
            "alice:0:4294967296",
            "alice:4294967296:0",
            "alice:4294967295:2",
            "alice:18446744073709551615:18446744073709551615",
        ] {
            assert_eq!(Line::parse(line.as_bytes()).and_then(Line::range), None, "{line:?}");
        }
    }

    #[test]
    fn a_uid_as_owner_is_decimal() {
        for (owner, is_uid) in [
            ("1001", true),
            ("01001", true),
            ("0x3e9", false),
            ("+1001", false),
            (" 1001", false),
            ("1001 ", false),
            ("10010", false),
            ("4294968297", false),
            ("18446744073709552617", false),
        ] {
            let line = format!("{owner}:1:1");
            assert_eq!(Line::parse(line.as_bytes()).unwrap().owner_is_uid(1001), is_uid, "{owner:?}");
        }
    }
}
