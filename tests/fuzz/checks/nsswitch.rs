//! Checks the `subid:` line of nsswitch.conf(5) against a parser that reads byte by byte.

use crate::subid::nsswitch::{Service, parse};

fn word(text: &[u8]) -> Option<Vec<u8>> {
    for line in text.split(|byte| *byte == b'\n') {
        if line.len() < 6 || line[..6].to_ascii_lowercase() != b"subid:" {
            continue;
        }
        let mut word = Vec::new();
        for byte in &line[6..] {
            match (byte, word.is_empty()) {
                (b' ' | b'\t', true) => {}
                (b' ' | b'\t', false) => break,
                _ => word.push(*byte),
            }
        }
        if !word.is_empty() {
            return Some(word);
        }
    }
    None
}

/// Checks one input.
pub fn check(text: &[u8]) {
    let expected = match word(text) {
        None => Service::Files,
        Some(word) if word == b"files" => Service::Files,
        Some(word) => Service::Plugin(word),
    };
    assert_eq!(parse(text), expected);
}
