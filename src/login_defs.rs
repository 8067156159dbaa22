//! The items of login.defs(5) that have a say here.
//!
//! Read when a decision depends on it, which is rare: a caller whose login group differs from the real one, or a
//! subid file that is missing. Without the file, or where it cannot be read, the defaults hold.

use crate::config;
use crate::number::{self, Base};

const PATH: &str = "/etc/login.defs";

/// The file's contents.
#[derive(Debug, Default)]
pub struct LoginDefs(Vec<u8>);

impl From<Vec<u8>> for LoginDefs {
    fn from(text: Vec<u8>) -> Self {
        Self(text)
    }
}

impl LoginDefs {
    /// Reads the file.
    #[must_use]
    pub fn read() -> Self {
        Self(config::read(PATH).unwrap_or_default())
    }

    /// `GRANT_AUX_GROUP_SUBIDS`: whether the caller's real group may be another than the login group. Default no.
    #[must_use]
    pub fn grants_auxiliary_groups(&self) -> bool {
        self.value("GRANT_AUX_GROUP_SUBIDS").is_some_and(|value| value.eq_ignore_ascii_case(b"yes"))
    }

    /// Whether an item is a count of 0. No item needs that default.
    #[must_use]
    pub fn is_zero(&self, item: &str) -> bool {
        self.value(item).is_some_and(|value| number::parse(value, Base::Prefixed, 0..=u64::MAX) == Ok(0))
    }

    /// The last value that an item is given. Blanks and quotes around it do not belong to it; a `#` after it does.
    fn value(&self, item: &str) -> Option<&[u8]> {
        let mut definitions = self.0.split(|byte| *byte == b'\n').filter_map(definition);
        definitions.rfind(|(name, _)| *name == item.as_bytes()).map(|(_, value)| value)
    }
}

/// Splits a line into name and value, unless it has none or is a comment.
fn definition(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = trim_blanks(line);
    let end = line.iter().position(|byte| is_blank(*byte))?;
    let (name, value) = line.split_at_checked(end)?;
    let start = value.iter().position(|byte| !is_blank(*byte) && *byte != b'"')?;
    let (_, value) = value.split_at_checked(start)?;
    let value = value.split(|byte| *byte == b'"').next()?;
    (!name.starts_with(b"#")).then_some((name, value))
}

/// A carriage return is no blank: it belongs to the value, as to shadow since 4.17.
fn trim_blanks(line: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !is_blank(*byte);
    match (line.iter().position(is_text), line.iter().rposition(is_text)) {
        (Some(first), Some(last)) => line.get(first..=last).unwrap_or_default(),
        _ => &[],
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

#[cfg(test)]
mod tests {
    use super::LoginDefs;

    fn defs(text: &str) -> LoginDefs {
        text.as_bytes().to_vec().into()
    }

    #[test]
    fn auxiliary_groups_are_granted_by_yes_alone() {
        for (text, granted) in [
            ("", false),
            ("GRANT_AUX_GROUP_SUBIDS yes", true),
            ("\t GRANT_AUX_GROUP_SUBIDS\t YES \n", true),
            ("GRANT_AUX_GROUP_SUBIDS \"yes\"\n", true),
            ("GRANT_AUX_GROUP_SUBIDS yes\r\n", false),
            ("GRANT_AUX_GROUP_SUBIDS no\n", false),
            ("GRANT_AUX_GROUP_SUBIDS\n", false),
            ("GRANT_AUX_GROUP_SUBIDS=yes\n", false),
            ("GRANT_AUX_GROUP_SUBIDS yes # why\n", false),
            ("grant_aux_group_subids yes\n", false),
            ("#GRANT_AUX_GROUP_SUBIDS yes\n", false),
            ("# GRANT_AUX_GROUP_SUBIDS yes\n", false),
            ("XGRANT_AUX_GROUP_SUBIDS yes\n", false),
            ("GRANT_AUX_GROUP_SUBIDS yes\nGRANT_AUX_GROUP_SUBIDS no\n", false),
            ("GRANT_AUX_GROUP_SUBIDS no\nUMASK 022\nGRANT_AUX_GROUP_SUBIDS yes\n", true),
        ] {
            assert_eq!(defs(text).grants_auxiliary_groups(), granted, "{text:?}");
        }
    }

    #[test]
    fn a_count_is_zero_in_any_form() {
        for (text, zero) in [
            ("", false),
            ("SUB_UID_COUNT 0", true),
            ("SUB_UID_COUNT 0x0\n", true),
            ("SUB_UID_COUNT 65536\n", false),
            ("SUB_UID_COUNT none\n", false),
            ("SUB_GID_COUNT 0\n", false),
        ] {
            assert_eq!(defs(text).is_zero("SUB_UID_COUNT"), zero, "{text:?}");
        }
    }
}
