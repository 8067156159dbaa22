#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| uidmap::fuzzing::numbers::check(input));
