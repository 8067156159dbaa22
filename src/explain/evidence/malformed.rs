//! Malformed lines of a subid file: the defect, and the ids that the line may mean.

use thiserror::Error;

use crate::escape::escape;
use crate::id_range::IdRange;
use crate::number::{self, Base, NumberError};
use crate::subid::line::LONGEST_LINE;

/// Why a line delegates no ids.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Defect {
    #[error("it has {0} fields instead of 3")]
    Fields(usize),
    /// Some fields seem to be of another line.
    #[error("it has {0} fields instead of 3, as if a newline were missing")]
    Joined(usize),
    /// The line ends as on Windows.
    #[error("it ends with a carriage return")]
    CarriageReturn,
    #[error("its {field} '{text}' is not a number")]
    NotANumber { field: &'static str, text: String },
    #[error("its {field} '{text}' is out of range")]
    OutOfRange { field: &'static str, text: String },
    #[error("its count is 0")]
    CountOfZero,
    #[error("it ends beyond the last id, 4294967295")]
    BeyondLastId,
    #[error("it is longer than {LONGEST_LINE} bytes")]
    TooLong,
}

/// The fields after the owner, without blanks around them.
fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b':').skip(1).map(<[u8]>::trim_ascii)
}

/// Start and count of a malformed line, without further fields. If a newline is missing, the next owner follows the count.
pub(super) fn intended(line: &[u8]) -> Option<IdRange> {
    if is_joined(line) {
        return possible_ranges(line, 1).first().copied();
    }
    let mut fields = fields(line);
    let mut id = || number::id(fields.next()?, Base::Decimal);
    IdRange::checked_new(id()?, id()?)
}

/// Whether the line has the range of another line behind its own.
fn is_joined(line: &[u8]) -> bool {
    !possible_ranges(line, 2).is_empty()
}

/// The ranges that a malformed line may mean for another program or after a correction: any two adjacent fields that are numbers,
/// beginning with the field of this index. Debian 12's newuidmap accepts a fourth field. Programs differ in the base of a number.
pub(super) fn possible_ranges(line: &[u8], index: usize) -> Vec<IdRange> {
    let fields: Vec<&[u8]> = fields(line).skip(index.saturating_sub(1)).collect();
    let pairs = fields.iter().zip(fields.iter().skip(1));
    let ranges = pairs.flat_map(|(start, count)| {
        [Base::Decimal, Base::Prefixed].into_iter().filter_map(move |base| {
            let count = number::id(count, base).or_else(|| number::id(leading_digits(count), base))?;
            IdRange::checked_new(number::id(start, base)?, count)
        })
    });
    ranges.collect()
}

fn leading_digits(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end).0
}

/// Why a line with an owner delegates no ids.
pub(super) fn defect(line: &[u8]) -> Defect {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
    if is_joined(line) {
        return Defect::Joined(fields.len());
    }
    if line.len() > LONGEST_LINE {
        return Defect::TooLong;
    }
    if line.ends_with(b"\r") {
        return Defect::CarriageReturn;
    }
    let [_, start, count] = fields[..] else { return Defect::Fields(fields.len()) };
    for (field, text) in [("start", start), ("count", count)] {
        match number::parse(text, Base::Prefixed, 0..=u32::MAX.into()) {
            Ok(0) if field == "count" => return Defect::CountOfZero,
            Ok(_) => {}
            Err(NumberError::Malformed) => return Defect::NotANumber { field, text: escape(text) },
            Err(NumberError::OutOfRange) => return Defect::OutOfRange { field, text: escape(text) },
        }
    }
    Defect::BeyondLastId
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_malformed_line_may_show_the_ids_that_it_would_delegate() {
        for (line, expected) in [
            ("alice:100000:65536\r", Some("100000 to 165535")),
            ("alice:100000:65536 ", Some("100000 to 165535")),
            ("alice: 100000 : 65536:x", Some("100000 to 165535")),
            ("alice:100000:65536bob:165536:65536", Some("100000 to 165535")),
            ("alice:100000", None),
            ("alice:100000:64k", None),
            ("alice:4294967295:2", None),
        ] {
            let found = super::intended(line.as_bytes()).map(|range| range.to_string());
            assert_eq!(found.as_deref(), expected, "{line}");
        }
    }
}
