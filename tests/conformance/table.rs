//! Holds the table of docs/compatibility.md and the deviations together: each row is held by a witness of its number, seen on
//! the versions that the row says, or by a test of tests/rules or tests/failures that it names.

use std::fs;

use super::bench::Version;
use super::deviation::Deviation;

/// Everything in which the table and the program do not agree.
pub fn disputes() -> Vec<String> {
    let rows = rows();
    let numbers: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let expected: Vec<String> = (1..=rows.len()).map(|number| number.to_string()).collect();
    let mut disputes = Vec::new();
    if numbers != expected {
        disputes.push(format!("the numbers are not 1 to {}", rows.len()));
    }
    for row in &rows {
        let (number, seen_on, held_by) = (&row[0], &row[5], row[6].trim_matches('`'));
        let deviation = Deviation::ALL.into_iter().find(|one| one.number().to_string() == *number);
        match deviation {
            Some(deviation) if held_by != "conformance" || *seen_on != shown(deviation.seen_on()) => {
                disputes.push(format!("{number} is {deviation:?}, seen on {}", shown(deviation.seen_on())));
            }
            None if !is_test(held_by) => disputes.push(format!("{number}: there is no test {held_by}")),
            _ => {}
        }
    }
    for deviation in Deviation::ALL {
        if !expected.contains(&deviation.number().to_string()) {
            disputes.push(format!("{deviation:?} has no row"));
        }
    }
    disputes
}

fn path(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The cells of each row: number, case, shadow, here, why, seen on, held by.
fn rows() -> Vec<Vec<String>> {
    let text = fs::read_to_string(path("docs/compatibility.md")).unwrap();
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit());
    rows.map(cells).inspect(|row: &Vec<String>| assert_eq!(row.len(), 7, "{row:?}")).collect()
}

fn shown(versions: &[Version]) -> String {
    let number = |version: &Version| match version {
        Version::Debian12 => "12",
        Version::Debian13 => "13",
    };
    versions.iter().map(number).collect::<Vec<_>>().join(", ")
}

/// `module::name` of either.
fn is_test(held_by: &str) -> bool {
    let Some((module, name)) = held_by.split_once("::") else { return false };
    let has_it = |directory: &&str| {
        fs::read_to_string(path(&format!("tests/{directory}/{module}.rs")))
            .is_ok_and(|text| text.contains(&format!("#[test]\nfn {name}()")))
    };
    ["rules", "failures"].iter().any(|directory| has_it(&directory))
}
