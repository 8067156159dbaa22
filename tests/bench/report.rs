//! Writes the figures as Markdown and the plot of the growth.

use std::fs;
use std::path::Path;

use super::case::Goal;
use super::contender::Program;
use super::growth::Point;
use super::harness::InstallMode;
use super::plot;
use super::samples::Samples;

#[derive(Clone, Copy, Debug)]
pub enum Unit {
    Microseconds,
    Kibibytes,
    Count,
}

impl Unit {
    pub fn show(self, value: f64) -> String {
        let (scale, places, word) = self.scale(value);
        format!("{:.places$}{word}", value / scale)
    }

    /// The median, and the quartiles if they differ, in the unit of the median.
    fn distribution(self, samples: &Samples) -> String {
        let median = self.show(samples.median());
        let (scale, places, _) = self.scale(samples.median());
        let [first, third] = [1, 3].map(|quarter| samples.quartile(quarter) / scale);
        if first < third { format!("{median} ({first:.places$} – {third:.places$})") } else { median }
    }

    /// The unit and the decimal places with which a value has at least three significant figures.
    fn scale(self, value: f64) -> (f64, usize, &'static str) {
        match self {
            Self::Microseconds if value < 10_000.0 => (1.0, 0, " µs"),
            Self::Microseconds if value < 100_000.0 => (1000.0, 1, " ms"),
            Self::Microseconds => (1000.0, 0, " ms"),
            Self::Kibibytes => (1.0, 0, " KiB"),
            Self::Count => (1.0, 0, ""),
        }
    }
}

/// The samples of our program and of another one, for one case and install mode.
#[derive(Clone, Debug)]
pub struct Row {
    pub case: String,
    pub mode: InstallMode,
    pub unit: Unit,
    pub ours: Samples,
    pub theirs: Samples,
    pub goal: Goal,
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let mode = if self.mode == InstallMode::Setuid { "setuid" } else { "capabilities" };
        vec![
            self.case.clone(),
            mode.into(),
            self.unit.distribution(&self.ours),
            self.unit.distribution(&self.theirs),
            ratio(self.ours.median() / self.theirs.median()),
            ratio(self.ours.ratios(&self.theirs).median()),
            format!("{}", self.goal.at_most),
            self.goal.aim.map_or_else(String::new, |aim| format!("{aim}")),
            self.ours.count().to_string(),
        ]
    }
}

#[derive(Debug)]
pub struct Report {
    pub machine: String,
    pub rows: Vec<Row>,
    pub growth: Vec<Point>,
}

impl Report {
    pub fn markdown(&self) -> String {
        let head = ["case", "installed", "ours", "theirs", "ratio", "by rounds", "at most", "aim", "runs"];
        let rows = table(&head, self.rows.iter().map(Row::cells));
        let head = ["lines", "ours", "theirs", "ratio", "doing nothing", "runs"];
        let show = |samples| Unit::Microseconds.distribution(samples);
        let growth = self.growth.iter().map(|point| {
            let (ours, theirs) = (point.of(Program::Ours), point.of(Program::Reference));
            vec![
                thousands(point.lines),
                show(ours),
                show(theirs),
                ratio(ours.median() / theirs.median()),
                show(point.of(Program::Nothing)),
                ours.count().to_string(),
            ]
        });
        format!("{}\n\n{rows}\n{}", self.machine, table(&head, growth))
    }

    /// Writes the figures and the plot into `target/`.
    pub fn write(&self) {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        fs::write(target.join("bench.md"), self.markdown()).unwrap();
        fs::write(target.join("bench.svg"), plot::svg(&self.growth)).unwrap();
    }
}

/// A ratio with at least two significant figures.
fn ratio(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.4}") } else { format!("{ratio:.2}") }
}

pub fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

/// A Markdown table with aligned columns.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let mut all: Vec<Vec<String>> = vec![head];
    all.extend(rows);
    let widths: Vec<usize> = (0..all[0].len())
        .map(|column| all.iter().map(|row| row[column].chars().count()).max().unwrap())
        .collect();
    let line = |cells: &Vec<String>| {
        let cells = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    let (head, body) = all.split_first().unwrap();
    [line(head), line(&rule)].into_iter().chain(body.iter().map(line)).collect()
}
