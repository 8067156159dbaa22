//! The command line: words separated by NUL, as the kernel hands them over. Nothing but an option that is known, in the first
//! place, is taken from the words; the ranges are three numbers each, against strtoul(3).
#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use libfuzzer_sys::fuzz_target;
use uidmap::cli::{self, Invocation};
use uidmap::error::Error;
use uidmap::number::{Base, NumberError};
use uidmap::{Kind, extent};

const OPTIONS: [&[u8]; 5] = [b"--help", b"--version", b"--check", b"--json", b"--check-namespace"];

/// Or what is like one and whose name is no text: clap refuses that before it asks whether it knows it. As a target it would be
/// refused, too.
fn is_option(word: &[u8]) -> bool {
    let name = word.split(|byte| *byte == b'=').next().unwrap();
    word == b"--"
        || OPTIONS.contains(&name)
        || (name.starts_with(b"--") && std::str::from_utf8(name).is_err())
}

/// The ranges as text, or which argument is wrong and how.
fn extents(words: &[OsString]) -> Result<Vec<String>, (usize, NumberError)> {
    let last = u64::from(u32::MAX) - 1;
    let number = |at: usize, most: u64, least: u64| {
        oracle::number(words[at].as_bytes(), Base::Prefixed, least..=most)
            .map_err(|problem| (at + 2, problem))
    };
    let range = |first: usize| {
        let (upper, lower) = (number(first, last, 0)?, number(first + 1, last, 0)?);
        let count = number(first + 2, u64::from(u32::MAX) - upper.max(lower), 1)?;
        Ok(format!("{upper} {lower} {count}"))
    };
    (0..words.len()).step_by(3).map(range).collect()
}

fuzz_target!(|input: &[u8]| {
    let words: Vec<OsString> = match input {
        [] => Vec::new(),
        _ => input.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect(),
    };
    let invocation = cli::parse(Kind::Uid, words.clone());
    let Some((first, rest)) = words.split_first() else {
        assert_eq!(invocation, Invocation::Usage);
        return;
    };
    let Invocation::Map(request) = invocation else {
        assert!(is_option(first.as_bytes()), "{words:?}");
        return;
    };
    assert!(!is_option(first.as_bytes()), "{words:?}");
    assert_eq!((&request.target, request.ranges.as_slice()), (first, rest));
    match extent::parse(rest) {
        Ok(parsed) => {
            let parsed = parsed.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(Ok(parsed), extents(rest));
        }
        Err(Error::Usage) => assert!(rest.is_empty()),
        Err(Error::RangeCount { ranges, argc }) => {
            assert_eq!((ranges, argc), (rest.len().div_ceil(3), rest.len()));
            assert_ne!(argc % 3, 0);
        }
        Err(Error::Malformed(bad)) => {
            assert_eq!(extents(rest), Err((bad.position, NumberError::Malformed)));
        }
        Err(Error::Overflow(bad)) => {
            assert_eq!(extents(rest), Err((bad.position, NumberError::OutOfRange)));
        }
        Err(other) => panic!("{other}"),
    }
});
