//! Evidence about the delegations: the plugin's answer for the refused range, or the file's lines for the caller.
//!
//! The evidence of a file includes two mistakes: a malformed line of the caller, and a line whose owner is similar to the caller's
//! name.

use std::io::{BufRead, BufReader, Read};

use thiserror::Error;

use crate::caller::Caller;
use crate::escape::escape;
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;
use crate::map_range::MapRange;
use crate::number::{self, Base, NumberError};
use crate::passwd::Passwd;
use crate::subid::file::SubidFile;
use crate::subid::line::{LONGEST_LINE, Line, Owner};
use crate::subid::plugin::{Plugin, PluginError};

/// The number of bytes that are read, some two million lines. A huge sparse file must not keep the failed program running.
const MAX_BYTES: u64 = 64 << 20;

/// The answer of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delegation {
    Plugin { library: String, answer: Result<bool, PluginError> },
    File(Lines),
}

/// The lines of a file that concern the caller. Lines are counted from 1, and texts are escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// The ids that are delegated to the caller.
    pub(crate) delegated: IdSet,
    /// The first line of the caller that delegates no ids.
    pub(crate) defective: Option<(usize, Defect)>,
    /// The first line whose owner is similar to the caller, and this owner.
    pub(crate) similar: Option<(usize, String)>,
    /// The first id beyond the delegated ranges of all owners.
    pub(crate) first_free: u64,
}

/// Why a line delegates no ids.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Defect {
    #[error("it has {0} fields instead of 3")]
    Fields(usize),
    /// The line ends as on Windows.
    #[error("it ends with a carriage return")]
    CarriageReturn,
    #[error("its {field} '{text}' is not a number")]
    NotANumber { field: &'static str, text: String },
    #[error("its {field} '{text}' is out of range")]
    OutOfRange { field: &'static str, text: String },
    #[error("its count is 0")]
    CountOfZero,
    #[error("it ends beyond the last id, 4294967295")]
    BeyondLastId,
    #[error("it is longer than {LONGEST_LINE} bytes")]
    TooLong,
}

impl Delegation {
    /// Asks the source a second time about the range that was refused; `None` if the source cannot be opened.
    pub(crate) fn examine(
        id_type: IdType,
        caller: &Caller,
        refused: MapRange,
        passwd: &impl Passwd,
    ) -> Option<Self> {
        if let Some(plugin) = Plugin::configured().ok()? {
            let answer = plugin.has_range(id_type, &caller.name, refused);
            return Some(Self::Plugin { library: plugin.library().to_owned(), answer });
        }
        let file = SubidFile::open(id_type).ok()?.into_reader();
        Some(Self::File(Lines::read(file, caller, refused.lower_range(), passwd)))
    }
}

impl Lines {
    /// Reads the lines of the caller, and those of other names with the caller's uid. Such names are looked up only for lines with
    /// requested ids, as in the run: the user database may be behind a network.
    fn read(file: Option<impl Read>, caller: &Caller, requested: IdRange, passwd: &impl Passwd) -> Self {
        let mut lines = Self::default();
        let mut delegated = Vec::new();
        let owner = Owner::new(&caller.name, Some(caller.uid));
        let Some(file) = file else { return lines };
        for (index, line) in BufReader::new(file.take(MAX_BYTES)).split(b'\n').enumerate() {
            let Ok(line) = line else { break };
            let number = index.saturating_add(1);
            let Some(parsed) = Line::parse(&line) else { continue };
            let range = parsed.range().filter(|range| range.count() > 0);
            lines.first_free = lines.first_free.max(range.map_or(0, IdRange::end));
            let is_requested = range.is_some_and(|range| range.common(requested).is_some());
            if owner.owns(parsed) || (is_requested && has_uid_of(caller, parsed.owner(), passwd)) {
                match range {
                    Some(range) => delegated.push(range),
                    None => drop(lines.defective.get_or_insert_with(|| (number, defect(&line)))),
                }
            } else if lines.similar.is_none() && is_similar(parsed.owner(), caller) {
                lines.similar = Some((number, escape(parsed.owner())));
            }
        }
        lines.delegated = delegated.into_iter().collect();
        lines
    }
}

fn has_uid_of(caller: &Caller, owner: &[u8], passwd: &impl Passwd) -> bool {
    passwd.by_name(owner).is_some_and(|account| account.uid == caller.uid)
}

/// Why a line with an owner delegates no ids.
fn defect(line: &[u8]) -> Defect {
    if line.len() > LONGEST_LINE {
        return Defect::TooLong;
    }
    if line.ends_with(b"\r") {
        return Defect::CarriageReturn;
    }
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
    let [_, start, count] = fields[..] else { return Defect::Fields(fields.len()) };
    for (field, text) in [("start", start), ("count", count)] {
        match number::parse(text, Base::Prefixed, 0..=u32::MAX.into()) {
            Ok(0) if field == "count" => return Defect::CountOfZero,
            Ok(_) => {}
            Err(NumberError::Malformed) => return Defect::NotANumber { field, text: escape(text) },
            Err(NumberError::OutOfRange) => return Defect::OutOfRange { field, text: escape(text) },
        }
    }
    Defect::BeyondLastId
}

/// Whether an owner is probably a misspelling of the caller: blanks, another case, a comment sign, a domain, one wrong letter,
/// another notation of the uid, or the gid.
fn is_similar(owner: &[u8], caller: &Caller) -> bool {
    let trimmed = owner.trim_ascii();
    let trimmed = trimmed.strip_prefix(b"#").unwrap_or(trimmed).trim_ascii();
    // Directory services use name@domain, DOMAIN\name and DOMAIN+name.
    let name = trimmed.split(|byte| *byte == b'@').next().unwrap_or_default();
    let name = name.rsplit(|byte| *byte == b'\\' || *byte == b'+').next().unwrap_or_default();
    let is_own_id = |base| {
        let number = number::parse(trimmed, base, 0..=u32::MAX.into());
        number.is_ok_and(|number| number == caller.uid.into() || number == caller.gid.into())
    };
    name.eq_ignore_ascii_case(&caller.name)
        || is_own_id(Base::Prefixed)
        || is_own_id(Base::Decimal)
        || (caller.name.len() >= 4 && differs_by_one_typo(name, &caller.name))
}

/// Whether one name becomes the other if one letter is inserted, removed or replaced, or two adjacent letters are swapped.
fn differs_by_one_typo(one: &[u8], other: &[u8]) -> bool {
    let same_start = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let rests = (one.get(same_start..), other.get(same_start..));
    let (Some(one), Some(other)) = rests else { return false };
    let equal = |skip_one, skip_other| match (one.get(skip_one..), other.get(skip_other..)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    };
    let is_swap = matches!((one, other), ([a, b, ..], [c, d, ..]) if a == d && b == c) && equal(2, 2);
    equal(1, 1) || equal(1, 0) || equal(0, 1) || is_swap
}

#[cfg(test)]
mod tests {
    use super::{Lines, is_similar};
    use crate::caller::Caller;
    use crate::id_range::IdRange;
    use crate::passwd::TestPasswd;

    fn alice() -> Caller {
        Caller { uid: 1000, gid: 1001, login_gid: 1001, name: b"alice".to_vec() }
    }

    /// Alicia is another name for alice's uid. The ids 1 to 1000 are requested.
    fn read(file: &str) -> Lines {
        let passwd = TestPasswd(&[("alicia", 1000, 1001)]);
        Lines::read(Some(file.as_bytes()), &alice(), IdRange::new(1, 1000), &passwd)
    }

    #[test]
    fn the_lines_of_the_caller_are_found_and_the_first_defect_among_them() {
        let long = format!("alice:{}100:1", "0".repeat(1100));
        for (file, delegated, defect) in [
            ("alice:100000:10\nbob:7:7\n1000:100010:10", "100000 to 100019", None),
            ("bob:1:1\n\nalice:1:1:x\n", "no id", Some((3, "it has 4 fields instead of 3"))),
            ("alice:1:5\nalicia:6:5\nalicia:3000:5\n", "1 to 10", None),
            ("alice:1\n", "no id", Some((1, "it has 2 fields instead of 3"))),
            ("alice:1:10\r\n", "no id", Some((1, "it ends with a carriage return"))),
            ("alice:1o0:10\n", "no id", Some((1, "its start '1o0' is not a number"))),
            ("alice:100:10 \n", "no id", Some((1, "its count '10 ' is not a number"))),
            ("alice:-1:10\n", "no id", Some((1, "its start '-1' is out of range"))),
            ("alice:5:5\n1000:100:0\n", "5 to 9", Some((2, "its count is 0"))),
            ("alice:4294967295:2\n", "no id", Some((1, "it ends beyond the last id, 4294967295"))),
            (&long, "no id", Some((1, "it is longer than 1023 bytes"))),
        ] {
            let lines = read(file);
            assert_eq!(lines.delegated.to_string(), delegated, "{file}");
            let found = lines.defective.map(|(line, defect)| (line, defect.to_string()));
            assert_eq!(found, defect.map(|(line, text)| (line, text.to_owned())), "{file}");
        }
    }

    #[test]
    fn a_misspelt_owner_is_similar_to_the_caller_and_another_user_is_not() {
        for (owner, expected) in [
            ("Alice", true),
            (" alice", true),
            ("alice ", true),
            ("#alice", true),
            ("# alice", true),
            ("alice@example.org", true),
            ("EXAMPLE\\alice", true),
            ("alic", true),
            ("aliice", true),
            ("alike", true),
            ("ailce", true),
            ("0x3e8", true),
            ("+1000", true),
            ("001000", true),
            ("0001001", true),
            ("1001", true),
            ("bob", false),
            ("1002", false),
            ("ali", false),
            ("malices", false),
            ("alicia", false),
            ("", false),
        ] {
            assert_eq!(is_similar(owner.as_bytes(), &alice()), expected, "{owner:?}");
        }
        let lines = read("bob:200000:9\nAlice:100000:9\nalic:1:1\n");
        assert_eq!(lines.similar, Some((2, "Alice".to_owned())));
        assert_eq!(lines.first_free, 200_009);
    }
}
