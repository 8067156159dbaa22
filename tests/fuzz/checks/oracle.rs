//! Oracles that several fuzz targets share.

#![allow(unsafe_code, reason = "the C library is the oracle")]

use std::ffi::CString;
use std::ops::RangeInclusive;

use crate::number::{Base, NumberError};

/// Parses a number with strtoul(3), as shadow's `a2ul` and `str2ul` do, and refuses negative numbers.
pub(super) fn number(text: &[u8], base: Base, allowed: RangeInclusive<u64>) -> Result<u64, NumberError> {
    // strtoul(3) stops at a NUL; the NUL then counts as a character after the number.
    let seen = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let string = CString::new(seen).unwrap();
    let mut end = std::ptr::null_mut();
    let base = match base {
        Base::Decimal => 10,
        Base::Prefixed => 0,
    };
    // SAFETY: the string ends with NUL, `end` is set to a position in it, and errno belongs to this thread.
    let (value, consumed, overflowed) = unsafe {
        *libc::__errno_location() = 0;
        let value = libc::strtoul(string.as_ptr(), &raw mut end, base);
        (value, end.offset_from(string.as_ptr()), *libc::__errno_location() == libc::ERANGE)
    };
    let consumed = usize::try_from(consumed).unwrap();
    if consumed == 0 {
        return Err(NumberError::Malformed);
    }
    let is_negative = text[..consumed].contains(&b'-') && value != 0;
    if is_negative || overflowed || !allowed.contains(&value) {
        Err(NumberError::OutOfRange)
    } else if consumed < text.len() {
        Err(NumberError::Malformed)
    } else {
        Ok(value)
    }
}

/// Turns the input of a fuzzer into small numbers; after its end, all are 0.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Bytes<'_> {
    pub(super) fn next(&mut self) -> u8 {
        match self.0 {
            [first, rest @ ..] => {
                self.0 = rest;
                *first
            }
            [] => 0,
        }
    }

    pub(super) fn below(&mut self, end: u8) -> u8 {
        self.next() % end
    }
}
