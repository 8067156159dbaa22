//! What is delegated to the caller, and what looks as if it was meant to be.

use std::io::{BufRead, BufReader, Read};

use crate::passwd::Passwd;

use crate::caller::Caller;
use crate::escape::escape;
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;
use crate::map_range::MapRange;
use crate::number::{self, Base, NumberError};
use crate::subid::file::SubidFile;
use crate::subid::line::{LONGEST_LINE, Line, Owner};
use crate::subid::plugin::{Plugin, PluginError};

/// More of a file is not looked at: 64 MiB are some two million lines.
const MOST_BYTES: u64 = 64 << 20;

/// What the source says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delegation {
    /// The plugin was asked.
    Plugin {
        /// Its library.
        library: String,
        /// What it said of the range.
        answer: Result<bool, PluginError>,
    },
    /// The file was read.
    File(Lines),
}

/// The lines of a file that have to do with the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// What is delegated to the caller.
    pub(crate) delegated: IdSet,
    /// The first line for the caller that delegates nothing, by its number, and why.
    pub(crate) defective: Option<(usize, Defect)>,
    /// The first line whose owner is nearly the caller, by its number, and that owner.
    pub(crate) near: Option<(usize, String)>,
    /// The first id after all that is delegated to anybody.
    pub(crate) free: u64,
}

/// Why a line delegates nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Defect {
    /// Not three fields.
    #[error("it has {0} fields instead of 3")]
    Fields(usize),
    /// Windows's end of line.
    #[error("it ends with a carriage return")]
    CarriageReturn,
    /// A field is no number.
    #[error("its {field} '{text}' is not a number")]
    NotANumber {
        /// Which.
        field: &'static str,
        /// What is there.
        text: String,
    },
    /// A field is too large, or negative.
    #[error("its {field} '{text}' is out of range")]
    OutOfRange {
        /// Which.
        field: &'static str,
        /// What is there.
        text: String,
    },
    /// The count is 0.
    #[error("its count is 0")]
    Zero,
    /// There are no such ids.
    #[error("it ends beyond the last id, 4294967295")]
    BeyondLastId,
    /// It is not read.
    #[error("it is longer than {LONGEST_LINE} bytes")]
    TooLong,
}

impl Delegation {
    /// Asks the source again, for the range that was refused; `None` if it cannot be asked.
    pub(crate) fn examine(
        id_type: IdType,
        caller: &Caller,
        refused: MapRange,
        passwd: &impl Passwd,
    ) -> Option<Self> {
        if let Some(plugin) = Plugin::configured().ok()? {
            return Some(Self::of_plugin(&plugin, id_type, caller, refused));
        }
        let file = SubidFile::open(id_type).ok()?.into_reader();
        Some(Self::File(Lines::read(file, caller, refused.lower_range(), passwd)))
    }

    fn of_plugin(plugin: &Plugin, id_type: IdType, caller: &Caller, refused: MapRange) -> Self {
        Self::Plugin {
            library: plugin.library().to_owned(),
            answer: plugin.has_range(id_type, &caller.name, refused),
        }
    }
}

impl Lines {
    /// Of an owner who is the caller by another name, those count that have to do with what is wanted: the user database is
    /// asked for no others, as it was not before.
    fn read(file: Option<impl Read>, caller: &Caller, wanted: IdRange, passwd: &impl Passwd) -> Self {
        let mut lines = Self::default();
        let mut delegated = Vec::new();
        let owner = Owner::new(&caller.name, Some(caller.uid));
        let Some(file) = file else { return lines };
        for (index, line) in BufReader::new(file.take(MOST_BYTES)).split(b'\n').enumerate() {
            let Ok(line) = line else { break };
            let number = index.saturating_add(1);
            let Some(parsed) = Line::parse(&line) else { continue };
            let range = parsed.range().filter(|range| range.count() > 0);
            lines.free = lines.free.max(range.map_or(0, IdRange::end));
            let is_wanted = range.is_some_and(|range| range.common(wanted).is_some());
            if owner.owns(parsed) || (is_wanted && is_caller(parsed.owner(), caller, passwd)) {
                match range {
                    Some(range) => delegated.push(range),
                    None => drop(lines.defective.get_or_insert_with(|| (number, defect(&line)))),
                }
            } else if lines.near.is_none() && is_near(parsed.owner(), caller) {
                lines.near = Some((number, escape(parsed.owner())));
            }
        }
        lines.delegated = delegated.into_iter().collect();
        lines
    }
}

fn is_caller(owner: &[u8], caller: &Caller, passwd: &impl Passwd) -> bool {
    passwd.by_name(owner).is_some_and(|account| account.uid == caller.uid)
}

/// What is wrong with a line that has an owner and delegates nothing.
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
            Ok(0) if field == "count" => return Defect::Zero,
            Ok(_) => {}
            Err(NumberError::Malformed) => return Defect::NotANumber { field, text: escape(text) },
            Err(NumberError::OutOfRange) => return Defect::OutOfRange { field, text: escape(text) },
        }
    }
    Defect::BeyondLastId
}

/// Whether an owner that is not the caller was probably meant to be: blanks, case, a comment's sign, a domain, a slip of
/// one letter, another form of the uid, or the gid.
fn is_near(owner: &[u8], caller: &Caller) -> bool {
    let trimmed = owner.trim_ascii();
    let trimmed = trimmed.strip_prefix(b"#").unwrap_or(trimmed).trim_ascii();
    let bare = trimmed.split(|byte| *byte == b'@').next().unwrap_or_default();
    let bare = bare.rsplit(|byte| *byte == b'\\' || *byte == b'+').next().unwrap_or_default();
    let is_id = |base| {
        let number = number::parse(trimmed, base, 0..=u32::MAX.into());
        number.is_ok_and(|number| number == caller.uid.into() || number == caller.gid.into())
    };
    bare.eq_ignore_ascii_case(&caller.name)
        || is_id(Base::Prefixed)
        || is_id(Base::Decimal)
        || (caller.name.len() >= 4 && is_one_slip_away(bare, &caller.name))
}

/// Whether one letter inserted, left out or changed makes one of the other, or two exchanged.
fn is_one_slip_away(one: &[u8], other: &[u8]) -> bool {
    let same_start = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let rests = (one.get(same_start..), other.get(same_start..));
    let (Some(one), Some(other)) = rests else { return false };
    let equal = |skip_one, skip_other| match (one.get(skip_one..), other.get(skip_other..)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    };
    let exchanged = matches!((one, other), ([a, b, ..], [c, d, ..]) if a == d && b == c) && equal(2, 2);
    equal(1, 1) || equal(1, 0) || equal(0, 1) || exchanged
}

#[cfg(test)]
mod tests {
    use super::{Lines, is_near};
    use crate::caller::Caller;
    use crate::id_range::IdRange;
    use crate::passwd::TestPasswd;

    fn alice() -> Caller {
        Caller { uid: 1000, gid: 1001, login_gid: 1001, name: b"alice".to_vec() }
    }

    /// With alicia, who is alice by another name; the ids 1 to 1000 are wanted.
    fn read(file: &str) -> Lines {
        let passwd = TestPasswd(&[("alicia", 1000, 1001)]);
        Lines::read(Some(file.as_bytes()), &alice(), IdRange::new(1, 1000), &passwd)
    }

    #[test]
    fn the_callers_lines_and_their_defects_are_found() {
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
    fn owners_that_are_nearly_the_caller_are_told_from_others() {
        for (owner, near) in [
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
            assert_eq!(is_near(owner.as_bytes(), &alice()), near, "{owner:?}");
        }
        let lines = read("bob:200000:9\nAlice:100000:9\nalic:1:1\n");
        assert_eq!(lines.near, Some((2, "Alice".to_owned())));
        assert_eq!(lines.free, 200_009);
    }
}
