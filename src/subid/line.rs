//! One line of subuid(5) or subgid(5): `owner:start:count`. Any other line delegates nothing and is no error, as in shadow.

use memchr::memmem;

use crate::id_range::IdRange;
use crate::number::{self, Base};

/// The length of the longest line that counts, in bytes without its newline. Longer lines delegate nothing, as in shadow.
pub(crate) const LONGEST_LINE: usize = 1023;

/// A line with an owner. The range is parsed when it is needed.
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

    /// A user's name or uid, also in subgid(5).
    pub(crate) const fn owner(self) -> &'a [u8] {
        self.owner
    }

    /// The delegated ids. A range that ends beyond 2³² - 1 delegates nothing: in shadow 4.17 its end wraps.
    pub(crate) fn range(self) -> Option<IdRange> {
        let length = self.owner.len().saturating_add(1).saturating_add(self.range.len());
        let (start, count) = split_at_colon(self.range).filter(|_| length <= LONGEST_LINE)?;
        let id = |text| number::id(text, Base::Prefixed);
        IdRange::checked_new(id(start)?, id(count)?)
    }
}

/// The owner whose lines are searched for: the user's name, byte by byte, or the uid in canonical decimal.
///
/// A name is never read as a number. Zero-padded numeric login names exist, and the lines of the user `001000` must not be those of
/// uid 1000.
#[derive(Clone, Debug)]
pub(crate) struct Owner<'a> {
    name: &'a [u8],
    /// Decimal digits without leading zeros.
    uid: Option<String>,
}

impl<'a> Owner<'a> {
    pub(crate) fn new(name: &'a [u8], uid: Option<u32>) -> Self {
        Self { name, uid: uid.map(|uid| uid.to_string()) }
    }

    pub(crate) fn owns(&self, line: Line) -> bool {
        line.owner == self.name || self.uid.as_ref().is_some_and(|uid| line.owner == uid.as_bytes())
    }

    /// The owner's lines of a block, which must begin with a newline. Each line that the search finds is parsed, and its owner
    /// compared: a name with a newline or colon matches no line.
    pub(crate) fn lines<'b>(&self, block: &'b [u8]) -> Vec<Line<'b>> {
        let mut lines = Vec::new();
        for owner in std::iter::once(self.name).chain(self.uid.as_deref().map(str::as_bytes)) {
            let beginning = [b"\n", owner, b":"].concat();
            for newline in memmem::find_iter(block, &beginning) {
                let (_, text) = block.split_at(newline.saturating_add(1));
                let line = text.split(|byte| *byte == b'\n').next().and_then(Line::parse);
                lines.extend(line.filter(|line| self.owns(*line)));
            }
        }
        lines
    }
}

/// The colon before a fourth field stays in the second half, and makes the number malformed.
fn split_at_colon(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (before, rest) = text.split_at_checked(memchr::memchr(b':', text)?)?;
    let (_, after) = rest.split_first()?;
    Some((before, after))
}

#[cfg(test)]
mod tests {
    use super::{Line, Owner};
    use crate::id_range::IdRange;

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
                Some(IdRange::new(start, count)),
                "{line}"
            );
        }
    }

    #[test]
    fn the_longest_line_has_1023_bytes() {
        for (length, delegates) in [(1023, true), (1024, false)] {
            let line = format!("alice:{}1:7", "0".repeat(length - "alice:1:7".len()));
            assert_eq!(line.len(), length);
            let range = Line::parse(line.as_bytes()).and_then(Line::range);
            assert_eq!(range, delegates.then(|| IdRange::new(1, 7)), "{length}");
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
            let line = format!("{owner}:5:7");
            let parsed = Line::parse(line.as_bytes());
            // Before, between and after other lines.
            for block in
                [format!("\n{line}"), format!("\nbob:1:1\n{line}\n\nbob:1:1"), format!("\n\n{line}\n")]
            {
                for (found, is_owner) in [
                    (Owner::new(b"alice", Some(1001)).lines(block.as_bytes()), is_alice),
                    (Owner::new(b"root", Some(0)).lines(block.as_bytes()), is_root),
                    (Owner::new(b"", None).lines(block.as_bytes()), false),
                    // A name with a colon is no owner.
                    (Owner::new(format!("{owner}:5").as_bytes(), None).lines(block.as_bytes()), false),
                ] {
                    assert_eq!(found, if is_owner { vec![parsed.unwrap()] } else { vec![] }, "{owner:?}");
                }
            }
        }
    }
}
