//! Checks the command line; NUL separates the arguments of an input. An option counts only as the first argument. The numbers of a
//! range are compared with strtoul(3).

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::cli::{self, Command};
use crate::map_range::{self, RangeError};
use crate::number::{Base, NumberError};

const OPTIONS: [&[u8]; 2] = [b"--help", b"--version"];

/// The ranges as text, or the position and the error of a malformed argument.
fn ranges(words: &[OsString]) -> Result<Vec<String>, (usize, NumberError)> {
    let last = u64::from(u32::MAX) - 1;
    let number = |at: usize, most: u64, least: u64| {
        super::oracle::number(words[at].as_bytes(), Base::Prefixed, least..=most)
            .map_err(|problem| (at + 2, problem))
    };
    let range = |first: usize| {
        let (upper, lower) = (number(first, last, 0)?, number(first + 1, last, 0)?);
        let count = number(first + 2, u64::from(u32::MAX) - upper.max(lower), 1)?;
        Ok(format!("{upper} {lower} {count}"))
    };
    (0..words.len()).step_by(3).map(range).collect()
}

/// Checks one input.
pub fn check(input: &[u8]) {
    let words: Vec<OsString> = match input {
        [] => Vec::new(),
        _ => input.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect(),
    };
    let command = cli::parse(words.clone());
    let Some((first, rest)) = words.split_first() else {
        assert_eq!(command, Command::Usage);
        return;
    };
    let Command::Map(request) = command else {
        assert!(OPTIONS.contains(&first.as_bytes()), "{words:?}");
        return;
    };
    assert!(!OPTIONS.contains(&first.as_bytes()), "{words:?}");
    assert_eq!((&request.target, request.ranges.as_slice()), (first, rest));
    match map_range::parse(rest) {
        Ok(parsed) => {
            let parsed = parsed.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(Ok(parsed), ranges(rest));
        }
        Err(RangeError::Missing) => assert!(rest.is_empty()),
        Err(RangeError::Incomplete { ranges, argc }) => {
            assert_eq!((ranges, argc), (rest.len().div_ceil(3), rest.len()));
            assert_ne!(argc % 3, 0);
        }
        Err(RangeError::Malformed(bad)) => {
            assert_eq!(ranges(rest), Err((bad.position, NumberError::Malformed)));
        }
        Err(RangeError::Overflow(bad)) => {
            assert_eq!(ranges(rest), Err((bad.position, NumberError::OutOfRange)));
        }
    }
}
