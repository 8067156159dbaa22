//! Checks numbers against strtoul(3) of the C library.

use crate::number::{Base, parse};

/// Checks one input.
pub fn check(text: &[u8]) {
    for base in [Base::Decimal, Base::Prefixed] {
        for allowed in [0..=u64::MAX, 0..=u64::from(u32::MAX), 1..=65_536] {
            assert_eq!(parse(text, base, allowed.clone()), super::oracle::number(text, base, allowed));
        }
    }
}
