//! The id maps of a process: /proc/PID/uid_map and gid_map, see user_namespaces(7).

use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;

/// A line of a map. The second column is an id of the reader's user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MapLine {
    inside: u32,
    outside: u32,
    count: u32,
}

impl MapLine {
    #[cfg(test)]
    pub(crate) const fn new(inside: u32, outside: u32, count: u32) -> Self {
        Self { inside, outside, count }
    }

    pub(crate) fn inside(self) -> IdRange {
        IdRange::new(self.inside, self.count)
    }

    pub(crate) fn words(self) -> String {
        format!("{} {} {}", self.inside, self.outside, self.count)
    }
}

/// The lines of a map; `None` if the map cannot be read.
pub(crate) fn read(pid: &str, id_type: IdType) -> Option<Vec<MapLine>> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/{}", id_type.map_file())).ok()?)
}

/// The ids of the reader's namespace that a map has.
pub(crate) fn outside_ids(lines: &[MapLine]) -> IdSet {
    lines.iter().map(|line| IdRange::new(line.outside, line.count)).collect()
}

fn parse(map: &str) -> Option<Vec<MapLine>> {
    let line = |line: &str| {
        let mut columns = line.split_whitespace().map(|column| column.parse().ok());
        Some(MapLine { inside: columns.next()??, outside: columns.next()??, count: columns.next()?? })
    };
    map.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{outside_ids, parse};

    #[test]
    fn a_map_has_three_columns() {
        let map = parse("         0       1000          1\n         1     100000      65535\n").unwrap();
        assert_eq!(map.iter().map(|line| line.words()).collect::<Vec<_>>(), ["0 1000 1", "1 100000 65535"]);
        assert_eq!(map[1].inside().to_string(), "1 to 65535");
        assert_eq!(outside_ids(&map).to_string(), "1000, 100000 to 165534");
        for malformed in ["0 1\n", "0 x 1\n"] {
            assert_eq!(parse(malformed), None);
        }
    }
}
