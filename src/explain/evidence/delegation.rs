//! Evidence about the delegations: the plugin's answer for the refused range, or the file's lines for the caller.
//!
//! The evidence of a file includes two mistakes: a malformed line of the caller, and a line whose owner is similar to the caller's
//! name.

use std::io::Read;
use std::path::Path;

use super::lines::for_each_line;
use super::malformed::{Defect, defect, intended, possible_ranges};
use super::owners::{is_other_user, is_similar};
use crate::caller::Caller;
use crate::escape::escape;
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;
use crate::map_range::MapRange;
use crate::passwd::Passwd;
use crate::subid::file::SubidFile;
use crate::subid::line::{Line, Owner};
use crate::subid::plugin::{Plugin, PluginError};

/// The answer of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delegation {
    Plugin { library: String, answer: Result<bool, PluginError> },
    File(Lines),
}

/// The lines of a file that concern the caller. Lines are counted from 1, and texts are escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// The file does not exist, which login.defs(5) may allow.
    pub(crate) is_missing: bool,
    /// The ids that are delegated to the caller.
    pub(crate) delegated: IdSet,
    /// The first line of the caller that delegates no ids.
    pub(crate) defective: Option<(usize, Defect)>,
    /// The ids that this line would delegate without the defect, if they can be seen.
    pub(crate) intended: Option<IdRange>,
    /// The first line whose owner is similar to the caller, and this owner.
    pub(crate) similar: Option<(usize, String)>,
    /// The caller's lines that delegate ids, in the order of the file.
    pub(crate) own: Vec<OwnLine>,
    /// The ids that are delegated to other owners, also those that malformed lines seem to delegate.
    pub(crate) others: IdSet,
    /// The file is not read to its end, so `others` may lack ids.
    pub(crate) is_unread: bool,
}

/// A line of the caller that delegates ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnLine {
    pub(crate) number: usize,
    pub(crate) range: IdRange,
    /// The line ends with start and count in decimal, without leading zeros or blanks. A command can match them.
    pub(crate) is_canonical: bool,
    /// The owner is another name of the caller's uid.
    pub(crate) is_alias: bool,
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
        Self::of_file(id_type, caller, &[refused], passwd)
    }

    /// The lines of the file, after the kernel refused a map of these ranges; `None` if a plugin is configured.
    pub(crate) fn examine_file(
        id_type: IdType,
        caller: &Caller,
        requested: &[MapRange],
        passwd: &impl Passwd,
    ) -> Option<Self> {
        let has_plugin = Plugin::configured().ok()?.is_some();
        if has_plugin { None } else { Self::of_file(id_type, caller, requested, passwd) }
    }

    fn of_file(
        id_type: IdType,
        caller: &Caller,
        requested: &[MapRange],
        passwd: &impl Passwd,
    ) -> Option<Self> {
        let requested = requested.iter().map(|range| range.lower_range()).collect();
        Lines::examine(id_type, caller, &requested, passwd).map(Self::File)
    }

    /// The lines, if the source is the file.
    pub(crate) const fn lines(&self) -> Option<&Lines> {
        match self {
            Self::File(lines) => Some(lines),
            Self::Plugin { .. } => None,
        }
    }
}

impl Lines {
    /// The lines of the file; `None` if the file cannot be opened.
    pub(crate) fn examine(
        id_type: IdType,
        caller: &Caller,
        requested: &IdSet,
        passwd: &impl Passwd,
    ) -> Option<Self> {
        let file = SubidFile::open(id_type).ok()?.into_reader();
        let is_missing = Path::new(id_type.subid_file()).symlink_metadata().is_err();
        Some(Self { is_missing, ..Self::read(file, caller, requested, passwd) })
    }

    /// Reads the lines of the caller, and those of other names with the caller's uid. Such names are looked up only for lines with
    /// requested ids, as in the run: the user database may be behind a network.
    fn read(file: Option<impl Read>, caller: &Caller, requested: &IdSet, passwd: &impl Passwd) -> Self {
        let mut lines = Self::default();
        let (mut others, mut similar) = (Vec::new(), None);
        let owner = Owner::new(&caller.name, Some(caller.uid));
        let Some(file) = file else { return lines };
        let is_whole = for_each_line(file, |number, line| {
            let Some(parsed) = Line::parse(line) else {
                others.extend(possible_ranges(line, 1));
                return;
            };
            let range = parsed.range().filter(|range| range.count() > 0);
            let is_requested = range.is_some_and(|range| requested.intersects(range));
            let is_alias = !owner.owns(parsed);
            if !is_alias || (is_requested && has_uid_of(caller, parsed.owner(), passwd)) {
                if let Some(range) = range {
                    lines.own.push(OwnLine { is_alias, ..OwnLine::new(number, range, line) });
                    return;
                }
                if lines.defective.is_none() {
                    lines.defective = Some((number, defect(line)));
                    lines.intended = intended(line);
                }
                others.extend(possible_ranges(line, 2));
                return;
            }
            match range {
                Some(range) => others.push(range),
                None => others.extend(possible_ranges(line, 1)),
            }
            if similar.is_none() && is_similar(parsed.owner(), caller) {
                similar = Some((number, parsed.owner().to_owned()));
            }
        });
        lines.is_unread = !is_whole;
        // At most one look-up: the user database may be behind a network.
        lines.similar = similar
            .filter(|(_, owner)| !is_other_user(owner, caller, passwd))
            .map(|(number, owner)| (number, escape(&owner)));
        lines.delegated = lines.own.iter().map(|line| line.range).collect();
        lines.others = others.into_iter().collect();
        lines
    }
}

impl OwnLine {
    fn new(number: usize, range: IdRange, line: &[u8]) -> Self {
        let end = format!(":{}:{}", range.start(), range.count());
        Self { number, range, is_canonical: line.ends_with(end.as_bytes()), is_alias: false }
    }
}

fn has_uid_of(caller: &Caller, owner: &[u8], passwd: &impl Passwd) -> bool {
    passwd.by_name(owner).is_some_and(|account| account.uid == caller.uid)
}

#[cfg(test)]
mod tests {
    use super::Lines;
    use crate::caller::Caller;
    use crate::id_range::IdRange;
    use crate::passwd::TestPasswd;

    fn alice() -> Caller {
        Caller { uid: 1000, gid: 1001, login_gid: 1001, name: b"alice".to_vec() }
    }

    /// Alicia is another name for alice's uid. The ids 1 to 1000 are requested.
    fn read(file: &str) -> Lines {
        let passwd = TestPasswd(&[("alicia", 1000, 1001)]);
        let requested = [IdRange::new(1, 1000)].into_iter().collect();
        Lines::read(Some(file.as_bytes()), &alice(), &requested, &passwd)
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
            (
                "alice:100000:65536bob:165536:65536\r",
                "no id",
                Some((1, "it has 5 fields instead of 3, as if a newline were missing")),
            ),
        ] {
            let lines = read(file);
            assert_eq!(lines.delegated.to_string(), delegated, "{file}");
            let found = lines.defective.map(|(line, defect)| (line, defect.to_string()));
            assert_eq!(found, defect.map(|(line, text)| (line, text.to_owned())), "{file}");
        }
    }

    #[test]
    fn malformed_lines_of_other_owners_count_with_all_ids_that_they_may_mean() {
        for (line, expected) in [
            ("bob:100000:10:old comment", "100000 to 100009"),
            ("bob:100000:10\r", "100000 to 100009"),
            ("bob:100000:10 ", "100000 to 100009"),
            (":100000:10", "100000 to 100009"),
            ("bob:0x100:0x10:x", "256 to 271"),
            ("bob:0100:8:x", "64 to 71, 100 to 107"),
            ("bob:100:10carol:200:10", "100 to 109, 200 to 209"),
            ("bob:100:10:carol:200:10", "100 to 109, 200 to 209"),
            ("alice:100:10bob:200:10", "200 to 209"),
            ("alice:100:10:x", "no id"),
            ("alice:100:10 ", "no id"),
            ("bob:100", "no id"),
            ("bob:4294967295:2:x", "no id"),
            ("bob", "no id"),
        ] {
            assert_eq!(read(line).others.to_string(), expected, "{line}");
        }
    }

    #[test]
    fn the_first_similar_owner_is_found_and_the_ids_of_other_owners_are_known() {
        let lines = read("bob:200000:9\nAlice:100000:9\nalic:1:1\nalice:0x10:3\nalice:20:3\nalicia:30:3\n");
        assert_eq!(lines.similar, Some((2, "Alice".to_owned())));
        assert_eq!(lines.others.to_string(), "1, 100000 to 100008, 200000 to 200008");
        let own: Vec<_> =
            lines.own.iter().map(|line| (line.number, line.is_canonical, line.is_alias)).collect();
        assert_eq!(own, [(4, false, false), (5, true, false), (6, true, true)]);
    }
}
