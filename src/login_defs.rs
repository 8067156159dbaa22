//! The items of login.defs(5) that affect a decision.
//!
//! The file is read only if a decision depends on it: the caller's login group is not the real one, or the subid file is missing.
//! The defaults hold without the file, and for a file that cannot be read.

use crate::files;
use crate::number::{self, Base};

const PATH: &str = "/etc/login.defs";

/// The contents of the file.
#[derive(Debug, Default)]
pub(crate) struct LoginDefs(Vec<u8>);

impl From<Vec<u8>> for LoginDefs {
    fn from(text: Vec<u8>) -> Self {
        Self(text)
    }
}

impl LoginDefs {
    pub(crate) fn read() -> Self {
        Self(files::read(PATH).unwrap_or_default())
    }

    /// `GRANT_AUX_GROUP_SUBIDS`: whether the caller's real group may differ from the login group. Default no.
    pub(crate) fn grants_auxiliary_groups(&self) -> bool {
        self.value("GRANT_AUX_GROUP_SUBIDS").is_some_and(|value| value.eq_ignore_ascii_case(b"yes"))
    }

    /// Whether an item is given, and is 0.
    pub(crate) fn is_zero(&self, item: &str) -> bool {
        self.number(item) == Some(0)
    }

    /// The number of an item; `None` if the item is not given or is not a number.
    pub(crate) fn number(&self, item: &str) -> Option<u64> {
        number::parse(self.value(item)?, Base::Prefixed, 0..=u64::MAX).ok()
    }

    /// The last value of an item, without blanks and double quotes around it. A `#` after the value belongs to the value.
    fn value(&self, item: &str) -> Option<&[u8]> {
        let mut definitions = self.0.split(|byte| *byte == b'\n').filter_map(definition);
        definitions.rfind(|(name, _)| *name == item.as_bytes()).map(|(_, value)| value)
    }
}

/// Splits a line into name and value; `None` for a comment, and for a line without both.
fn definition(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = trim_blanks(line);
    let end = line.iter().position(|byte| is_blank(*byte))?;
    let (name, value) = line.split_at_checked(end)?;
    // A value of quotes alone is empty, and takes the place of an earlier one.
    let start = value.iter().position(|byte| !is_blank(*byte) && *byte != b'"').unwrap_or(value.len());
    let (_, value) = value.split_at_checked(start)?;
    let value = value.split(|byte| *byte == b'"').next()?;
    (!name.starts_with(b"#")).then_some((name, value))
}

/// Removes blanks and tabs at both ends. A carriage return stays and belongs to the value, as in shadow since 4.17.
fn trim_blanks(mut line: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = line {
        line = rest;
    }
    line
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
            ("GRANT_AUX_GROUP_SUBIDS yes\nGRANT_AUX_GROUP_SUBIDS \"\"\n", false),
            ("GRANT_AUX_GROUP_SUBIDS yes\nGRANT_AUX_GROUP_SUBIDS \n", true),
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
