//! Reads the table of docs/compatibility.md and checks that a witness or a test holds each row.

use std::collections::BTreeMap;
use std::fs;

use super::bench::Suite;
use super::witness::Witness;

/// The cells of each row, by number: case, shadow, here, why, seen on, held by.
pub struct Table(BTreeMap<u8, Vec<String>>);

impl Table {
    pub fn read() -> Self {
        let text = fs::read_to_string(path("docs/compatibility.md")).unwrap();
        let rows = text.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit());
        let cells =
            |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
        let rows = rows.map(cells).inspect(|row: &Vec<String>| assert_eq!(row.len(), 7, "{row:?}"));
        Self(rows.map(|row| (row[0].parse().unwrap(), row[1..].to_vec())).collect())
    }

    /// True if the row lists the suite in the column *seen on*.
    pub fn is_seen(&self, deviation: u8, suite: Suite) -> bool {
        self.0.get(&deviation).is_some_and(|row| row[4].split(", ").any(|seen| seen == suite.short()))
    }

    /// All contradictions between the table and the witnesses, and names of tests that do not exist.
    pub fn disputes(&self, witnesses: &[Witness]) -> Vec<String> {
        let mut disputes = Vec::new();
        for (number, row) in &self.0 {
            let (seen_on, held_by) = (&row[4], row[5].trim_matches('`'));
            let shown = |suite| witnesses.iter().any(|one| one.deviation == *number && one.shows_on(suite));
            let names = Suite::ALL.into_iter().filter(|suite| shown(*suite)).map(Suite::short);
            let names = names.collect::<Vec<_>>().join(", ");
            if held_by == "conformance" && names != *seen_on {
                disputes.push(format!("{number}: the witnesses show it on {names}, the table on {seen_on}"));
            } else if held_by != "conformance" && !is_test(held_by) {
                disputes.push(format!("{number}: there is no test {held_by}"));
            }
        }
        let unknown = witnesses.iter().filter(|one| !self.0.contains_key(&one.deviation));
        disputes.extend(unknown.map(|one| format!("a witness of {}, which has no row", one.deviation)));
        disputes
    }
}

pub fn path(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// True if `module::name` is a test in tests/policy or tests/diagnosis.
fn is_test(held_by: &str) -> bool {
    let Some((module, name)) = held_by.split_once("::") else { return false };
    ["policy", "diagnosis"].iter().any(|directory| {
        fs::read_to_string(path(&format!("tests/{directory}/{module}.rs")))
            .is_ok_and(|text| text.contains(&format!("#[test]\nfn {name}()")))
    })
}
