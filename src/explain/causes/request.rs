//! Causes in the request itself: a malformed argument, overlapping ranges, too many ranges.

use super::{Cause, Key, overlap, proc, suggestion};
use crate::explain::evidence::Evidence;
use crate::map_range::{BadNumber, MapRange};
use crate::mapping::target::BadTarget;
use crate::mapping::write;
use crate::number::{self, Base};

/// The kernel's limit on the extents of a map: `UID_GID_MAP_MAX_EXTENTS` since Linux 4.15, `UID_GID_MAP_MAX_BASE_EXTENTS` before.
const MAX_EXTENTS: usize = 340;
const MAX_EXTENTS_BEFORE: usize = 5;
const MAX_EXTENTS_SINCE: (u32, u32) = (4, 15);

/// The first argument names no target.
pub(super) fn bad_target(bad: BadTarget, evidence: &Evidence) -> Cause {
    // Descriptors are examined in /proc.
    if let Some(cause) = proc::covered(evidence) {
        return cause;
    }
    let target = &evidence.target_argument;
    let fix = match bad {
        BadTarget::Ended => {
            return Cause::new(Key::NoProcess, format!("{target} is {bad}"), proc::KEEP_ALIVE);
        }
        BadTarget::HiddenPid => "give the PID, or a descriptor of the process's directory in /proc",
        BadTarget::OtherPidNamespace => {
            "run the program in a PID namespace that contains the process, with its own /proc"
        }
        _ => {
            "give the PID in decimal, or fd: and the number of an inherited descriptor: of a process's directory in \
             /proc, or a pidfd"
        }
    };
    if is_option(target) {
        let program = evidence.id_type.program();
        let fix = format!("run {program} --help, which names all options, or give a target first");
        return Cause::new(Key::Argument, format!("'{target}' is not an option of {program}"), fix);
    }
    Cause::new(Key::Argument, format!("argument 1 (target) is '{target}', {bad}"), fix)
}

/// A dash and a letter, or two dashes. A negative number is a target that is wrong.
fn is_option(argument: &str) -> bool {
    argument
        .strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(|c: char| c == '-' || c.is_ascii_alphabetic()))
}

pub(super) fn bad_number(number: &BadNumber) -> Cause {
    let fix = "give three numbers for each range, in decimal, octal after 0 or hexadecimal after 0x: \
               two ids and a count of at least 1, with no id above 4294967294";
    let sentence = match number.position.checked_sub(2) {
        Some(first) if is_possible_count(number) => format!(
            "the range in arguments {first} to {} ends beyond the last id, 4294967294: '{}' is too large a count for it",
            number.position, number.text
        ),
        _ => number.to_string(),
    };
    Cause::new(Key::Argument, sentence, fix)
}

/// A count that is out of range only beside the two ids of its range.
fn is_possible_count(number: &BadNumber) -> bool {
    let count = number::id(number.text.as_bytes(), Base::Prefixed);
    number.meaning == "count" && count.is_some_and(|count| count > 0)
}

pub(super) fn incomplete_range(argc: usize) -> Cause {
    Cause::new(
        Key::Argument,
        format!("the number of arguments after the target is {argc}, not a multiple of 3"),
        "give three numbers for each range: the first id inside, the first id outside, and the count",
    )
}

/// The kernel refuses a map with EINVAL (`map_write` in kernel/user_namespace.c). The checks have the kernel's order.
pub(super) fn invalid_map(evidence: &Evidence) -> Vec<Cause> {
    let ranges = &evidence.ranges;
    too_long(ranges, evidence)
        .or_else(|| overlap::overlap(ranges, evidence))
        .or_else(|| too_many(ranges, evidence))
        .into_iter()
        .collect()
}

fn too_long(ranges: &[MapRange], evidence: &Evidence) -> Option<Cause> {
    let bytes = write::text(ranges).len();
    let limit = evidence.process.page_size.filter(|limit| bytes >= *limit)?;
    let sentence =
        format!("the map has {bytes} bytes, and the kernel accepts less than {limit} in one write");
    Some(too_much(sentence, evidence))
}

fn too_many(ranges: &[MapRange], evidence: &Evidence) -> Option<Cause> {
    let limit = match evidence.process.kernel {
        Some(version) if version < MAX_EXTENTS_SINCE => MAX_EXTENTS_BEFORE,
        _ => MAX_EXTENTS,
    };
    let count = ranges.len();
    (count > limit).then(|| {
        let sentence = format!("the request has {count} ranges, and the kernel accepts at most {limit}");
        too_much(sentence, evidence)
    })
}

fn too_much(sentence: String, evidence: &Evidence) -> Cause {
    let fix = format!(
        "delegate fewer and larger ranges in {}: adjacent lines can be merged{}",
        evidence.id_type.subid_file(),
        suggestion::then_migrate(evidence)
    );
    Cause::new(Key::TooMuch, sentence, fix)
}

#[cfg(test)]
mod tests {
    use super::Key::*;
    use super::{bad_target, invalid_map};
    use crate::explain::causes::test_evidence::{self, evidence, ranges};
    use crate::mapping::target::BadTarget;

    #[test]
    fn an_invalid_map_is_too_long_or_overlaps_or_has_too_many_ranges() {
        let many = |count: u32, first: u32| {
            let range = |n| format!("{n} {} 1", first + n);
            (0..count).map(range).collect::<Vec<_>>().join(" ")
        };
        for (request, kernel, expected) in [
            (many(340, 2_000), (6, 1), None),
            (
                many(341, 2_000),
                (6, 1),
                Some((TooMuch, "the request has 341 ranges, and the kernel accepts at most 340")),
            ),
            (
                many(6, 100_000),
                (4, 14),
                Some((TooMuch, "the request has 6 ranges, and the kernel accepts at most 5")),
            ),
            (
                many(300, 3_000_000_000),
                (6, 1),
                Some((TooMuch, "the map has 4990 bytes, and the kernel accepts less than 4096 in one write")),
            ),
            (
                "0 100 10 20 200 5 9 300 1".to_owned(),
                (6, 1),
                Some((Overlap, "ranges 1 and 3 of the request overlap: both contain the uid 9 inside")),
            ),
            (
                "0 100 10 20 105 10".to_owned(),
                (6, 1),
                Some((
                    Overlap,
                    "ranges 1 and 2 of the request overlap: both contain the uids 105 to 109 outside",
                )),
            ),
            ("0 100 10 10 110 10".to_owned(), (6, 1), None),
        ] {
            let causes = invalid_map(&evidence(|evidence| {
                evidence.ranges = ranges(&request);
                evidence.process.kernel = Some(kernel);
            }));
            let found = causes.first().map(|cause| (cause.key, cause.sentence.as_str()));
            assert_eq!(found, expected, "{} ranges", request.len());
        }
    }

    #[test]
    fn an_option_that_does_not_exist_is_no_target() {
        for (argument, sentence) in [
            ("--bogus", "'--bogus' is not an option of newuidmap"),
            ("-x", "'-x' is not an option of newuidmap"),
            ("--", "'--' is not an option of newuidmap"),
            ("-5", "argument 1 (target) is '-5', "),
            ("-", "argument 1 (target) is '-', "),
            ("self", "argument 1 (target) is 'self', "),
        ] {
            let evidence = evidence(|evidence| evidence.target_argument = argument.into());
            let cause = bad_target(BadTarget::NotAPid, &evidence);
            assert!(cause.sentence.starts_with(sentence), "{}", cause.sentence);
        }
    }

    #[test]
    fn a_bad_target_is_named_with_its_defect_unless_proc_is_not_mounted() {
        let evidence = evidence(|evidence| evidence.target_argument = "fd:7".into());
        let cause = bad_target(BadTarget::NotOpen, &evidence);
        assert_eq!(cause.sentence, "argument 1 (target) is 'fd:7', a descriptor that is not open");
        let cause = bad_target(BadTarget::Ended, &evidence);
        assert_eq!(
            (cause.key, cause.sentence.as_str()),
            (NoProcess, "fd:7 is a pidfd whose process has ended")
        );
        let cause = bad_target(
            BadTarget::NotOpen,
            &test_evidence::evidence(|evidence| evidence.proc.is_procfs = Some(false)),
        );
        assert_eq!(cause.key, Proc);
    }
}
