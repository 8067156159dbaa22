//! Where, among many lines, those of one owner may begin.
//!
//! Few bytes are compared, and at all places in the same way, so that the compiler makes vector instructions of it, those that
//! every processor of the architecture has. That takes less time than to tell lines apart, or to look for whole owners.

use std::ops::ControlFlow;

use memchr::{memchr, memchr_iter};

/// How many places are looked at before it is asked whether a line may begin at one of them.
const BLOCK: usize = 128;

/// What an owner's lines begin with: one of two texts.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    one: Ends,
    other: Ends,
}

/// The first and the last byte of a text, and how many there are.
#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u8,
    last: u8,
    length: usize,
}

/// What is compared: a newline, the first byte of a line after it, and where the last byte of each text would be.
type Place = [u8; 4];

impl Search {
    /// Looks for lines that begin with one of these texts.
    #[must_use]
    pub fn new(one: &[u8], other: &[u8]) -> Self {
        Self { one: Ends::of(one), other: Ends::of(other) }
    }

    /// Calls `visit` with the lines that may be the owner's, in their order, until it breaks: with all that are, and with few
    /// others, for [`Owner::line`](super::line::Owner::line) to tell apart. `text` is a newline and lines, each with its end
    /// but for the last one.
    ///
    /// # Errors
    ///
    /// The break.
    pub fn try_for_each(
        self,
        text: &[u8],
        mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut rest = text;
        while let Some(block) = self.block(rest) {
            // Most blocks are passed over for the fewest comparisons.
            if any(block, |place| self.begins_like_the_owner(place))
                && any(block, |place| self.is_possible(place))
            {
                for newline in memchr_iter(b'\n', block[0]) {
                    if places(block).nth(newline).is_some_and(|place| self.is_possible(place)) {
                        visit(line_after(newline, rest))?;
                    }
                }
            }
            rest = rest.get(BLOCK..).unwrap_or_default();
        }
        memchr_iter(b'\n', rest).try_for_each(|newline| visit(line_after(newline, rest)))
    }

    /// The bytes of the next places; the last ones of a text do not fill a block.
    fn block(self, text: &[u8]) -> Option<[&[u8; BLOCK]; 4]> {
        let bytes = |offset| text.get(offset..)?.first_chunk();
        Some([bytes(0)?, bytes(1)?, bytes(self.one.length)?, bytes(self.other.length)?])
    }

    /// Whether the first byte of a line is one of the owner's: at all places that are possible, and at others.
    #[expect(clippy::needless_bitwise_bool, reason = "with branches it would be one place at a time")]
    fn begins_like_the_owner(self, [newline, first, ..]: Place) -> bool {
        (newline == b'\n') & ((first == self.one.first) | (first == self.other.first))
    }

    /// Whether a line of the owner's may begin here.
    #[expect(clippy::needless_bitwise_bool, reason = "with branches it would be one place at a time")]
    fn is_possible(self, [newline, first, last_of_one, last_of_other]: Place) -> bool {
        let is_one = (first == self.one.first) & (last_of_one == self.one.last);
        let is_other = (first == self.other.first) & (last_of_other == self.other.last);
        (newline == b'\n') & (is_one | is_other)
    }
}

impl Ends {
    /// An empty text is not looked for: what stands here for it is in empty lines only.
    fn of(text: &[u8]) -> Self {
        let ends = |text: &[u8]| Some((*text.first()?, *text.last()?));
        match ends(text) {
            Some((first, last)) => Self { first, last, length: text.len() },
            None => Self { first: b'\n', last: b'\n', length: 1 },
        }
    }
}

fn any(block: [&[u8; BLOCK]; 4], is: impl Fn(Place) -> bool) -> bool {
    places(block).fold(false, |found, place| found | is(place))
}

fn places([newlines, firsts, of_one, of_other]: [&[u8; BLOCK]; 4]) -> impl Iterator<Item = Place> {
    let bytes = newlines.iter().zip(firsts).zip(of_one).zip(of_other);
    bytes.map(|(((newline, first), of_one), of_other)| [*newline, *first, *of_one, *of_other])
}

/// Up to the next newline, or to the end.
fn line_after(newline: usize, text: &[u8]) -> &[u8] {
    let line = text.get(newline.saturating_add(1)..).unwrap_or_default();
    line.get(..memchr(b'\n', line).unwrap_or(line.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Search};
    use proptest::prelude::{ProptestConfig, prop, prop_assert_eq, proptest};
    use std::ops::ControlFlow;

    fn found(search: Search, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let flow = search.try_for_each(text.as_bytes(), |line| {
            lines.push(String::from_utf8_lossy(line).into_owned());
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        lines
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn no_line_of_the_owner_is_missed(
            one in "[ab0]{0,3}",
            other in "[ab0]{0,300}",
            lines in prop::collection::vec("[ab0:]{0,5}|[ab0]{75,85}", 0..200),
            finds in prop::collection::vec(0_usize..200, 0..4),
        ) {
            let mut lines = lines;
            for place in finds {
                lines.insert(place.min(lines.len()), format!("{other}:1"));
            }
            let is_owners = |line: &String| {
                let is = |owner: &str| !owner.is_empty() && line.starts_with(&format!("{owner}:"));
                is(&one) || is(&other)
            };
            let text: String = [String::new()].iter().chain(&lines).map(String::as_str).collect::<Vec<_>>().join("\n");
            let mut found = found(Search::new(one.as_bytes(), other.as_bytes()), &text);
            found.retain(is_owners);
            lines.retain(is_owners);
            prop_assert_eq!(found, lines);
        }
    }

    #[test]
    fn a_line_is_found_wherever_it_lies_in_a_block() {
        for length in BLOCK..=2 * BLOCK {
            let (before, after) = ("b".repeat(length), "b".repeat(2 * BLOCK));
            let text = format!("\n{before}\nxy:b\n{after}");
            assert_eq!(found(Search::new(b"xy", b"xy"), &text)[0], "xy:b", "{length}");
        }
    }

    #[test]
    fn hardly_another_line_is_found() {
        let others: Vec<_> = (1000..9999).map(|number| format!("\nuser{number}:{number}:1007")).collect();
        let others = others.concat();
        for search in [Search::new(b"user1007", b"1007"), Search::new(b"1007", b"user1007")] {
            let lines = found(search, &others);
            assert!(
                lines.contains(&"user1007:1007:1007".to_owned()) && lines.len() < 1000,
                "{}",
                lines.len()
            );
        }
        assert!(found(Search::new(b"", b""), &others).len() <= BLOCK);
    }

    #[test]
    fn nothing_is_looked_for_after_a_break() {
        let text = "\nalice:1:1".repeat(100);
        let mut seen = 0;
        let flow = Search::new(b"alice", b"").try_for_each(text.as_bytes(), |_| {
            seen += 1;
            if seen < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert_eq!((flow, seen), (ControlFlow::Break(()), 3));
    }
}
