//! Checks login.defs(5) against a parser that reads the lines from the last to the first.

use crate::login_defs::LoginDefs;
use crate::number::Base;

fn value(text: &[u8], item: &[u8]) -> Option<Vec<u8>> {
    text.split(|byte| *byte == b'\n').rev().find_map(|line| {
        let mut at = 0;
        let mut end = line.len();
        while at < end && matches!(line[at], b' ' | b'\t') {
            at += 1;
        }
        while end > at && matches!(line[end - 1], b' ' | b'\t') {
            end -= 1;
        }
        let name = at;
        while at < end && !matches!(line[at], b' ' | b'\t') {
            at += 1;
        }
        if at == end || &line[name..at] != item {
            return None;
        }
        while at < end && matches!(line[at], b' ' | b'\t' | b'"') {
            at += 1;
        }
        let value = at;
        while at < end && line[at] != b'"' {
            at += 1;
        }
        Some(line[value..at].to_vec())
    })
}

/// Checks one input.
pub fn check(text: &[u8]) {
    let defs = LoginDefs::from(text.to_vec());
    let granted = value(text, b"GRANT_AUX_GROUP_SUBIDS").map(|value| value.to_ascii_lowercase());
    assert_eq!(defs.grants_auxiliary_groups(), granted.as_deref() == Some(b"yes"));
    for item in ["SUB_UID_COUNT", "SUB_GID_COUNT", "#"] {
        let expected = value(text, item.as_bytes()).filter(|_| !item.starts_with('#'));
        let is_zero = |text: Vec<u8>| super::oracle::number(&text, Base::Prefixed, 0..=u64::MAX) == Ok(0);
        assert_eq!(defs.is_zero(item), expected.is_some_and(is_zero), "{item}");
    }
}
