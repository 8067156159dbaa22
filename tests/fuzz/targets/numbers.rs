//! Numbers, against the C library's strtoul(3).
#![no_main]

use libfuzzer_sys::fuzz_target;
use uidmap::number::{Base, parse};

fuzz_target!(|text: &[u8]| {
    for base in [Base::Decimal, Base::Prefixed] {
        for allowed in [0..=u64::MAX, 0..=u64::from(u32::MAX), 1..=65_536] {
            assert_eq!(parse(text, base, allowed.clone()), oracle::number(text, base, allowed));
        }
    }
});
