//! The deviations of docs/compatibility.md that a case can show. Each is recognised by what the case is and by what just this
//! deviation makes of it, so that nothing else hides behind it.

use super::case::Case;
use super::harness::{Attempt, Kind, usage};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deviation {
    /// Older versions word the same refusal differently.
    Wording,
    /// 1
    NoRange,
    /// 2, 3, 4, 5: lines that older versions take for another delegation than the newest.
    Lines,
    /// 7
    CountZero,
    /// 16: 4.13 takes negative PIDs, and 0, for processes that are not there.
    PidOutOfRange,
    /// 17: 4.13 and 4.17 say nothing.
    MissingFile,
    /// 18: 4.13 overlooks that a number is out of range where another one is malformed, and checks limits elsewhere.
    Overflow,
    /// 19: Debian 13's C library reads `0b1`.
    Binary,
}

impl Deviation {
    pub const ALL: [Self; 8] = [
        Self::Wording,
        Self::NoRange,
        Self::Lines,
        Self::CountZero,
        Self::PidOutOfRange,
        Self::MissingFile,
        Self::Overflow,
        Self::Binary,
    ];

    pub fn of(case: &Case, ours: &Attempt, theirs: &Attempt) -> Option<Self> {
        Self::ALL.into_iter().find(|deviation| deviation.explains(case, ours, theirs))
    }

    fn explains(self, case: &Case, ours: &Attempt, theirs: &Attempt) -> bool {
        let (our_line, their_line) = (ours.outcome.first_line(), theirs.outcome.first_line());
        let both_refuse = ours.outcome.status == Some(1)
            && theirs.outcome.status == Some(1)
            && ours.map == theirs.map
            && ours.setgroups == theirs.setgroups;
        let we_refuse = ours.outcome.status == Some(1) && ours.map.is_empty() && ours.setgroups == "allow";
        match self {
            Self::Wording => {
                both_refuse && canonical(our_line, case.kind) == canonical(their_line, case.kind)
            }
            Self::NoRange => case.ranges.is_empty() && we_refuse && our_line == usage(case.kind),
            Self::Lines => {
                let disputed = case.lines().any(is_disputed);
                let setgroups = (ours.setgroups.as_str(), theirs.setgroups.as_str());
                let same_but_setgroups = (&ours.outcome, &ours.map) == (&theirs.outcome, &theirs.map);
                let stricter = same_but_setgroups && setgroups == ("deny", "allow");
                let laxer = same_but_setgroups && setgroups == ("allow", "deny");
                disputed && (stricter || we_refuse && our_line.contains("not allowed"))
                    || case.lines().any(|line| line.starts_with("01000:"))
                        && (their_line.contains("not allowed") || laxer)
            }
            Self::CountZero => {
                both_refuse
                    && overflow(our_line)
                    && case.ranges.iter().skip(2).step_by(3).any(|count| is_zero(count))
                    && their_line.contains("not allowed")
            }
            Self::PidOutOfRange => {
                both_refuse
                    && our_line == usage(case.kind)
                    && their_line.contains("Could not open proc directory")
            }
            Self::MissingFile => {
                let unused = case.login_defs.contains("_COUNT 0");
                case.subid.is_none()
                    && theirs.outcome.status == Some(1)
                    && their_line.is_empty()
                    && (unused || our_line.contains("cannot open"))
            }
            Self::Overflow => {
                both_refuse
                    && overflow(our_line)
                    && case.ranges.iter().any(|number| is_extreme(number) || is_zero(number))
            }
            Self::Binary => {
                case.ranges.iter().any(|number| number.starts_with("0b"))
                    && we_refuse
                    && (our_line == usage(case.kind) || overflow(our_line))
            }
        }
    }
}

/// The newest words for what older versions say.
fn canonical(line: &str, kind: Kind) -> String {
    let program = kind.program();
    if line.starts_with("usage: ") {
        return usage(kind);
    }
    let line = line.strip_prefix(&format!("{program}: ")).unwrap_or(line);
    // 4.13 names the target in one program and says "process" in the other.
    let line = line
        .replace("Target PID is", "Target process is")
        .replace("Target process PID is", "Target process is");
    let line = line.replace(" is wrong for", "");
    line.strip_suffix(": No such file or directory").unwrap_or(&line).to_owned()
}

fn overflow(line: &str) -> bool {
    line.contains("overflow detected")
}

fn is_zero(number: &str) -> bool {
    number.trim_start_matches([' ', '+', '-']).trim_start_matches("0x").chars().all(|digit| digit == '0')
}

/// Negative, or around and beyond the largest id, or a 0, which no count can be, with something after it.
fn is_extreme(number: &str) -> bool {
    number.contains('-') || number.trim().len() >= 10 || ["0x", "08", "0b1"].contains(&number)
}

/// A count of 0, an end beyond the last id, or a fourth field.
fn is_disputed(line: &str) -> bool {
    let fields: Vec<&str> = line.split(':').collect();
    match fields[..] {
        [_, _, count] => is_zero(count) || is_extreme(count) || is_extreme(fields[1]),
        _ => fields.len() > 3,
    }
}
