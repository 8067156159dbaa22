//! Numbers as strtoul(3) reads them, but for negative ones, which are refused.
//!
//! Shadow reads the numbers of the command line, of subuid(5) and of login.defs(5) with strtoul(3), so files and scripts with
//! octal, hexadecimal or blank-led numbers exist.

use std::ops::RangeInclusive;

use thiserror::Error;

/// Why a text is not an allowed number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum NumberError {
    /// The text has no digits, or other characters after them.
    #[error("not a number")]
    Malformed,
    /// The number is negative or not in the allowed range.
    #[error("out of range")]
    OutOfRange,
}

/// The base in which a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// Decimal, with or without leading zeros.
    Decimal,
    /// Hexadecimal after `0x`, octal after `0`, decimal otherwise: strtoul's base 0.
    Prefixed,
}

/// Reads the whole of `text` as an id or a count of ids.
pub(crate) fn id(text: &[u8], base: Base) -> Option<u32> {
    u32::try_from(parse(text, base, 0..=u32::MAX.into()).ok()?).ok()
}

/// Reads the whole of `text` as a number in the range `allowed`: white space, an optional sign, digits.
///
/// # Errors
///
/// [`NumberError`]. The range is checked first: `-1x` is out of range, as in shadow.
pub(crate) fn parse(text: &[u8], base: Base, allowed: RangeInclusive<u64>) -> Result<u64, NumberError> {
    let start = text.iter().position(|byte| !is_space(*byte)).unwrap_or(text.len());
    let (_, text) = text.split_at(start);
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (radix, digits) = match (base, text) {
        (Base::Prefixed, [b'0', b'x' | b'X', digits @ ..])
            if digits.first().is_some_and(u8::is_ascii_hexdigit) =>
        {
            (16, digits)
        }
        (Base::Prefixed, [b'0', ..]) => (8, text),
        _ => (10, text),
    };
    let end = digits.iter().position(|byte| digit(*byte, radix).is_none()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if digits.is_empty() {
        return Err(NumberError::Malformed);
    }
    // `None` is a number that does not fit 64 bits.
    let value = digits.iter().try_fold(0_u64, |value, byte| {
        value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit(*byte, radix)?))
    });
    match value {
        Some(value) if allowed.contains(&value) && !(negative && value > 0) => {
            if rest.is_empty() {
                Ok(value)
            } else {
                Err(NumberError::Malformed)
            }
        }
        _ => Err(NumberError::OutOfRange),
    }
}

/// C's isspace(3) in the C locale; Rust's `is_ascii_whitespace` leaves out the vertical tab.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'\x0b'
}

fn digit(byte: u8, radix: u32) -> Option<u32> {
    char::from(byte).to_digit(radix)
}

#[cfg(test)]
mod tests {
    use super::{Base, NumberError::*, parse};

    #[test]
    fn numbers_are_read_as_strtoul_reads_them() {
        for (text, expected) in [
            ("0", Ok(0)),
            ("100000", Ok(100_000)),
            ("+7", Ok(7)),
            (" \t\n\x0b\x0c\r7", Ok(7)),
            (" +7", Ok(7)),
            ("010", Ok(8)),
            ("0x1F", Ok(31)),
            ("0xff", Ok(255)),
            ("0X1f", Ok(31)),
            ("-0", Ok(0)),
            ("4294967295", Ok(4_294_967_295)),
            ("4294967296", Err(OutOfRange)),
            ("18446744073709551616", Err(OutOfRange)),
            ("99999999999999999999999", Err(OutOfRange)),
            ("-1", Err(OutOfRange)),
            ("-1x", Err(OutOfRange)),
            ("", Err(Malformed)),
            (" ", Err(Malformed)),
            ("+", Err(Malformed)),
            ("+-1", Err(Malformed)),
            ("--1", Err(Malformed)),
            ("+ 1", Err(Malformed)),
            ("7 ", Err(Malformed)),
            ("7x", Err(Malformed)),
            ("0x", Err(Malformed)),
            ("0xg", Err(Malformed)),
            ("08", Err(Malformed)),
            ("0b11", Err(Malformed)),
            ("0o17", Err(Malformed)),
            ("1_000", Err(Malformed)),
            ("ten", Err(Malformed)),
            ("\u{661}", Err(Malformed)),
        ] {
            assert_eq!(parse(text.as_bytes(), Base::Prefixed, 0..=u32::MAX.into()), expected, "{text:?}");
        }
    }

    #[test]
    fn the_range_is_checked_before_trailing_characters() {
        for (text, expected) in [
            ("0x", Err(OutOfRange)),
            ("08", Err(OutOfRange)),
            ("5x", Err(Malformed)),
            ("11x", Err(OutOfRange)),
        ] {
            assert_eq!(parse(text.as_bytes(), Base::Prefixed, 1..=10), expected, "{text:?}");
        }
    }

    #[test]
    fn decimal_knows_no_prefix() {
        for (text, expected) in
            [("010", Ok(10)), ("0x10", Err(Malformed)), (" +5", Ok(5)), ("2147483648", Err(OutOfRange))]
        {
            assert_eq!(parse(text.as_bytes(), Base::Decimal, 0..=2_147_483_647), expected, "{text:?}");
        }
    }
}
