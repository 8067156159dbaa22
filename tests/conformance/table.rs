//! Holds the table of docs/compatibility.md and the deviations together.

use super::bench::Version;
use super::deviation::Deviation;

pub fn disputes() -> Vec<String> {
    let _ = (Version::Debian12, Deviation::ALL);
    Vec::new()
}
