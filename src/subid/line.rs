//! One line of subuid(5) or subgid(5): `owner:start:count`.
//!
//! A line that is not exactly that delegates nothing, and is no error: shadow passes over it.

use super::search::Search;
use crate::number::{self, Base};
use crate::range::IdRange;

/// A line with an owner; whether the rest makes a range is found out when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    owner: &'a [u8],
    range: &'a [u8],
}

impl<'a> Line<'a> {
    /// Splits the owner off.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let (owner, range) = split_at_colon(line)?;
        (!owner.is_empty()).then_some(Self { owner, range })
    }

    /// The owner: a user's name or uid, in subgid(5) as well.
    #[must_use]
    pub const fn owner(self) -> &'a [u8] {
        self.owner
    }

    /// The ids delegated, none beyond 2³² - 1: a line whose end would wrap delegated everything in shadow 4.17.
    #[must_use]
    pub fn range(self) -> Option<IdRange> {
        let (start, count) = split_at_colon(self.range)?;
        IdRange::of_ids(id(start)?, id(count)?)
    }
}

/// The owner of the lines that are looked for: a user's name, byte by byte, or the uid in canonical decimal.
///
/// A name is never read as a number: zero-padded numeric login names are real, and uid 1000 must not have the lines of the user
/// `001000`.
#[derive(Clone, Debug)]
pub struct Owner<'a> {
    name: Option<&'a [u8]>,
    /// Decimal digits without leading zeros.
    uid: Option<String>,
}

impl<'a> Owner<'a> {
    /// A user with this name, and this uid if it is known.
    #[must_use]
    pub fn new(name: &'a [u8], uid: Option<u32>) -> Self {
        // The owner of a line is never empty, and has no colon.
        let is_possible = !name.is_empty() && !name.contains(&b':');
        Self { name: is_possible.then_some(name), uid: uid.map(|uid| uid.to_string()) }
    }

    /// Finds each line of this owner's, and hardly another.
    #[must_use]
    pub fn search(&self) -> Search {
        Search::new(self.name.unwrap_or_default(), self.uid.as_deref().unwrap_or_default().as_bytes())
    }

    /// The line, if it is this owner's.
    #[must_use]
    pub fn line<'l>(&self, line: &'l [u8]) -> Option<Line<'l>> {
        let after = |owner: &[u8]| line.strip_prefix(owner)?.strip_prefix(b":");
        let by_name = self.name.and_then(after);
        let range = by_name.or_else(|| after(self.uid.as_ref()?.as_bytes()))?;
        let colon = line.len().checked_sub(range.len())?.checked_sub(1)?;
        let (owner, _) = line.split_at_checked(colon)?;
        Some(Line { owner, range })
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
    use super::{Line, Owner};
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
    fn an_owner_is_known_by_name_and_by_uid_in_canonical_decimal() {
        for (owner, is_alice, is_root) in [
            ("alice", true, false),
            ("1001", true, false),
            ("01001", false, false),
            ("0x3e9", false, false),
            ("+1001", false, false),
            (" 1001", false, false),
            ("1001 ", false, false),
            ("10010", false, false),
            ("100", false, false),
            ("4294968297", false, false),
            ("18446744073709552617", false, false),
            ("alicee", false, false),
            ("alic", false, false),
            ("root", false, true),
            ("0", false, true),
            ("000", false, false),
            ("", false, false),
            ("00x", false, false),
        ] {
            let text = format!("{owner}:5:7");
            for (found, expected) in [
                (Owner::new(b"alice", Some(1001)).line(text.as_bytes()), is_alice),
                (Owner::new(b"root", Some(0)).line(text.as_bytes()), is_root),
                (Owner::new(b"", None).line(text.as_bytes()), false),
                (
                    Owner::new(format!("{owner}:5").as_bytes(), None).line(format!("{text}:9").as_bytes()),
                    false,
                ),
            ] {
                assert_eq!(found, if expected { Line::parse(text.as_bytes()) } else { None }, "{owner:?}");
            }
        }
    }
}
