//! What is wrong with the request itself.

use super::{Cause, Key, process};
use crate::explain::evidence::Evidence;
use crate::id_type::IdType;
use crate::map_range::{BadNumber, MapRange};
use crate::mapping::target::BadTarget;
use crate::mapping::write;

/// How many extents a map may have since Linux 4.15 (`UID_GID_MAP_MAX_EXTENTS`), and before
/// (`UID_GID_MAP_MAX_BASE_EXTENTS`).
const MOST_EXTENTS: usize = 340;
const MOST_EXTENTS_ONCE: usize = 5;
const MANY_EXTENTS_SINCE: (u32, u32) = (4, 15);

pub(super) fn bad_target(bad: BadTarget, evidence: &Evidence) -> Cause {
    if let Some(cause) = process::covered(evidence) {
        return cause;
    }
    let fix = match bad {
        BadTarget::Ended => {
            let sentence = format!("{} is {bad}", evidence.target_word);
            return Cause::new(
                Key::NoProcess,
                sentence,
                "keep the process alive until both of its maps are written",
            );
        }
        BadTarget::HiddenPid => "give the PID, or a descriptor of the process's directory in /proc",
        BadTarget::OtherPidNamespace => {
            "call it in a PID namespace, with its own /proc, in which the process is"
        }
        _ => {
            "give the PID in decimal, or fd: and the number of a descriptor that is handed down, \
             of a process's directory in /proc or a pidfd"
        }
    };
    Cause::new(Key::Argument, format!("argument 1 (target) is '{}', {bad}", evidence.target_word), fix)
}

pub(super) fn bad_number(number: &BadNumber) -> Cause {
    let fix = "give three numbers for each range, in decimal, octal after 0 or hexadecimal after 0x: \
               two ids up to 4294967294 and a count of at least 1 that ends there or before";
    Cause::new(Key::Argument, number.to_string(), fix)
}

pub(super) fn missing_words(argc: usize) -> Cause {
    let sentence = format!("after the target there are {argc} arguments, which are not three for each range");
    Cause::new(
        Key::Argument,
        sentence,
        "give three for each range: the first id inside, the first id outside, the count",
    )
}

/// What the kernel answers with EINVAL, in its order.
pub(super) fn invalid(evidence: &Evidence) -> Vec<Cause> {
    let extents = &evidence.ranges;
    let fix = format!(
        "delegate fewer and larger ranges in {}: lines that touch can be one",
        evidence.id_type.subid_file()
    );
    let bytes = write::text(extents).len();
    if let Some(limit) = evidence.process.page_size.filter(|limit| bytes >= *limit) {
        let sentence =
            format!("the map has {bytes} bytes, and the kernel takes less than {limit} in one write");
        return vec![Cause::new(Key::TooMuch, sentence, fix)];
    }
    let most = match evidence.process.kernel {
        Some(version) if version < MANY_EXTENTS_SINCE => MOST_EXTENTS_ONCE,
        _ => MOST_EXTENTS,
    };
    if let Some(cause) = overlap(extents, evidence.id_type) {
        return vec![cause];
    }
    if extents.len() > most {
        let sentence =
            format!("the request has {} ranges, and the kernel takes at most {most}", extents.len());
        return vec![Cause::new(Key::TooMuch, sentence, fix)];
    }
    Vec::new()
}

fn overlap(extents: &[MapRange], id_type: IdType) -> Option<Cause> {
    for (second, later) in extents.iter().enumerate() {
        for (first, earlier) in extents.iter().take(second).enumerate() {
            for (side, one, other) in [
                ("inside", earlier.upper_range(), later.upper_range()),
                ("outside", earlier.lower_range(), later.lower_range()),
            ] {
                let Some(common) = one.common(other) else { continue };
                let plural = if common.count() == 1 { "" } else { "s" };
                let (first, second) = (first.saturating_add(1), second.saturating_add(1));
                let sentence = format!(
                    "ranges {first} and {second} of the request overlap: {side}, both have the {}{plural} {common}",
                    id_type.word()
                );
                let fix = format!(
                    "map each id once; clients take their ranges from {}, so look for a line that is there twice",
                    id_type.subid_file()
                );
                return Some(Cause::new(Key::Overlap, sentence, fix));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Key::*;
    use super::{bad_target, invalid};
    use crate::explain::causes::test_evidence::{self, evidence, ranges};
    use crate::mapping::target::BadTarget;

    #[test]
    fn what_the_kernel_cannot_take_is_told_by_its_size_or_place() {
        let many = |count: u32, first: u32| {
            let range = |n| format!("{n} {} 1", first + n);
            (0..count).map(range).collect::<Vec<_>>().join(" ")
        };
        for (wanted, kernel, expected) in [
            (many(340, 2_000), (6, 1), None),
            (
                many(341, 2_000),
                (6, 1),
                Some((TooMuch, "the request has 341 ranges, and the kernel takes at most 340")),
            ),
            (
                many(6, 100_000),
                (4, 14),
                Some((TooMuch, "the request has 6 ranges, and the kernel takes at most 5")),
            ),
            (
                many(300, 3_000_000_000),
                (6, 1),
                Some((TooMuch, "the map has 4990 bytes, and the kernel takes less than 4096 in one write")),
            ),
            (
                "0 100 10 20 200 5 9 300 1".to_owned(),
                (6, 1),
                Some((Overlap, "ranges 1 and 3 of the request overlap: inside, both have the uid 9")),
            ),
            (
                "0 100 10 20 105 10".to_owned(),
                (6, 1),
                Some((
                    Overlap,
                    "ranges 1 and 2 of the request overlap: outside, both have the uids 105 to 109",
                )),
            ),
            ("0 100 10 10 110 10".to_owned(), (6, 1), None),
        ] {
            let causes = invalid(&evidence(|evidence| {
                evidence.ranges = ranges(&wanted);
                evidence.process.kernel = Some(kernel);
            }));
            let found = causes.first().map(|cause| (cause.key, cause.sentence.as_str()));
            assert_eq!(found, expected, "{} ranges", wanted.len());
        }
    }

    #[test]
    fn a_target_that_is_none_is_named() {
        let evidence = evidence(|evidence| evidence.target_word = "fd:7".into());
        let cause = bad_target(BadTarget::NotOpen, &evidence);
        assert_eq!(cause.sentence, "argument 1 (target) is 'fd:7', a descriptor that is not open");
        let cause = bad_target(BadTarget::Ended, &evidence);
        assert_eq!(
            (cause.key, cause.sentence.as_str()),
            (NoProcess, "fd:7 is a pidfd whose process has ended")
        );
        // Descriptors are looked at in /proc.
        let cause = bad_target(
            BadTarget::NotOpen,
            &test_evidence::evidence(|evidence| evidence.proc.mounted = Some(false)),
        );
        assert_eq!(cause.key, Proc);
    }
}
