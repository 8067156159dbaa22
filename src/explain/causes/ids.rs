//! Causes in this user namespace's own map: a requested id is not mapped, or a range crosses from one line of the map to the next.

use super::{Cause, Key, free_ids, suggestion};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::delegation::OwnLine;
use crate::id_range::{IdRange, IdSet};
use crate::map_range::MapRange;

/// A longer list of pieces does not help a reader.
const MAX_PIECES: usize = 4;

/// The kernel refuses ids that are not mapped in the parent namespace (`map_id_range_down`).
pub(super) fn not_mapped_here(evidence: &Evidence) -> Option<Cause> {
    let mapped: IdSet = evidence.process.mapped_lines.as_ref()?.iter().copied().collect();
    let mut missing: IdSet = evidence.ranges.iter().map(|range| range.lower_range()).collect();
    mapped.ranges().for_each(|range| missing.remove(range));
    if missing.is_empty() {
        return None;
    }
    let sentence = format!(
        "the request includes {}s that are not mapped in this user namespace: {missing}; /proc/self/{} has {mapped}",
        evidence.id_type.word(),
        evidence.id_type.map_file()
    );
    let free = free_ids::free_range_instead_of(|line| missing.intersects(line), evidence);
    let fix = match free {
        Some(range) => format!(
            "{}{}{}; or {}",
            replace_by(range, &missing, evidence),
            suggestion::then_migrate(evidence),
            then_check(range, &missing, evidence),
            suggestion::more_ids(evidence)
        ),
        None => suggestion::no_room(evidence),
    };
    Some(Cause::new(Key::NotMappedHere, sentence, fix))
}

/// In a container of 65,536 ids, the ids for nobody suffice only with those of the container's system accounts. This fix does not
/// delegate them unasked, and uidmap-check names them.
fn then_check(range: IdRange, missing: &IdSet, evidence: &Evidence) -> String {
    let own = evidence.lines().map_or(&[][..], |lines| &lines.own);
    let kept = own.iter().map(|line| line.range).filter(|line| !missing.intersects(*line));
    let count = kept.fold(range.count(), |sum, line| sum.saturating_add(line.count()));
    if count < u64::from(free_ids::NOBODY) {
        format!(
            "; then run uidmap-check, which reports whether images need more {}s",
            evidence.id_type.word()
        )
    } else {
        String::new()
    }
}

/// Delegates `range` instead of the ids that are missing here.
fn replace_by(range: IdRange, missing: &IdSet, evidence: &Evidence) -> String {
    let file = evidence.id_type.subid_file();
    match affected_line(evidence, |line| missing.intersects(line)) {
        Some(line) => {
            format!(
                "as root, run `sed -i '{}' {file}`{}, and request these ids",
                substitution(line, range),
                suggestion::condition(evidence)
            )
        }
        None => format!(
            "{} the caller's lines in {file} that delegate other ids by {}, and request these ids",
            suggestion::unchangeable(evidence)
                .map_or("as root, replace".to_owned(), |reason| format!("{reason}: replace")),
            suggestion::line(range, evidence)
        ),
    }
}

/// The caller's line that a command can change, if it is the only one.
fn affected_line(evidence: &Evidence, is_affected: impl Fn(IdRange) -> bool) -> Option<OwnLine> {
    if suggestion::unchangeable(evidence).is_some() {
        return None;
    }
    let mut affected = evidence.lines()?.own.iter().filter(|line| is_affected(line.range));
    let line = affected.next()?;
    (affected.next().is_none() && line.is_canonical).then_some(*line)
}

/// A command of sed(1) that gives a line another range, unless the line has changed meanwhile.
pub(super) fn substitution(line: OwnLine, range: IdRange) -> String {
    let OwnLine { number, range: old, .. } = line;
    format!("{number}s/:{}:{}$/:{}:{}/", old.start(), old.count(), range.start(), range.count())
}

/// The kernel translates a range at once, so the range must be within one line of the parent's map (`map_id_range_down`).
pub(super) fn crosses_boundary(evidence: &Evidence) -> Option<Cause> {
    let lines = evidence.process.mapped_lines.as_ref()?;
    let is_within = |range: IdRange| lines.iter().any(|line| range.common(*line) == Some(range));
    let position = evidence.ranges.iter().position(|range| !is_within(range.lower_range()))?;
    let range = evidence.ranges.get(position)?;
    let pieces = pieces(*range, lines);
    let boundary = pieces.get(1)?.1.start();
    let sentence = format!(
        "range {} of the request, {}s {}, crosses a boundary of this user namespace's own map: {} begins a new line of \
         /proc/self/{}, and the kernel accepts only ranges within one line",
        position.saturating_add(1),
        evidence.id_type.word(),
        range.lower_range(),
        boundary,
        evidence.id_type.map_file()
    );
    let fix = match affected_line(evidence, |line| !is_within(line)) {
        Some(line) if line.range == range.lower_range() => split_line(line, &pieces, evidence),
        _ => request_pieces(&pieces),
    };
    Some(Cause::new(Key::CrossesBoundary, sentence, fix))
}

/// The parts of a range that are within one line of the map, each with its first id inside.
fn pieces(range: MapRange, lines: &[IdRange]) -> Vec<(u64, IdRange)> {
    let lower = range.lower_range();
    let mut parts: Vec<IdRange> = lines.iter().filter_map(|line| lower.common(*line)).collect();
    parts.sort_unstable();
    let upper = |part: &IdRange| {
        range.upper_range().start().saturating_add(part.start().saturating_sub(lower.start()))
    };
    parts.into_iter().map(|part| (upper(&part), part)).collect()
}

fn request_pieces(pieces: &[(u64, IdRange)]) -> String {
    let shown: Vec<String> = pieces
        .iter()
        .take(MAX_PIECES)
        .map(|(upper, part)| format!("{upper} {} {}", part.start(), part.count()))
        .collect();
    let more = if pieces.len() > MAX_PIECES { ", and so on" } else { "" };
    format!("request each part as a range of its own: {}{more}", shown.join(", "))
}

/// Clients request a range for each line of the file.
fn split_line(line: OwnLine, pieces: &[(u64, IdRange)], evidence: &Evidence) -> String {
    let (word, file) = (evidence.id_type.word(), evidence.id_type.subid_file());
    let (Some(name), Some(((_, first), others))) = (suggestion::account_word(evidence), pieces.split_first())
    else {
        return request_pieces(pieces);
    };
    if pieces.len() > MAX_PIECES {
        return request_pieces(pieces);
    }
    let options: Vec<String> =
        others.iter().map(|(_, part)| format!("--add-sub{word}s {}", suggestion::interval(*part))).collect();
    format!(
        "{}; for clients that take one range from each line of {file}, as root, run `sed -i '{}' {file} && usermod {} {name}`{}",
        request_pieces(pieces),
        substitution(line, *first),
        options.join(" "),
        suggestion::then_migrate(evidence)
    )
}

#[cfg(test)]
mod tests {
    use super::{crosses_boundary, not_mapped_here};
    use crate::explain::causes::test_evidence::{evidence, ids, lines, ranges};
    use crate::explain::evidence::Evidence;
    use crate::explain::evidence::delegation::{Delegation, Lines, OwnLine};
    use crate::id_range::IdRange;

    fn with(mapped: &[(u32, u32)], own: &[(u32, u32)], request: &str) -> Evidence {
        evidence(|evidence| {
            evidence.process.mapped_lines = Some(lines(mapped));
            evidence.ranges = ranges(request);
            let own_line = |(number, (start, count)): (usize, &(u32, u32))| OwnLine {
                number,
                range: IdRange::new(*start, *count),
                is_canonical: true,
                is_alias: false,
            };
            evidence.delegation = Some(Delegation::File(Lines {
                delegated: ids(own),
                own: (1..).zip(own).map(own_line).collect(),
                ..Lines::default()
            }));
        })
    }

    #[test]
    fn ids_that_are_not_mapped_here_are_named_with_a_line_that_would_work() {
        let usual = &[(100_000, 65_536)];
        let cause = not_mapped_here(&with(&[(0, 65_536)], usual, "0 1000 1 1 100000 65536")).unwrap();
        assert_eq!(
            cause.sentence,
            "the request includes uids that are not mapped in this user namespace: 100000 to 165535; /proc/self/uid_map has 0 to \
             65535"
        );
        let fix = cause.fix.unwrap();
        assert!(
            fix.starts_with(
                "as root, run `sed -i '1s/:100000:65536$/:1001:64535/' /etc/subuid`, and request these ids; with podman, "
            ),
            "{fix}"
        );
        assert!(fix.ends_with(
            "; or the user who created this user namespace, such as by starting a container, can give it more ids"
        ));
        let then_check = "; then run uidmap-check, which reports whether images need more uids; or ";
        assert!(fix.contains(then_check), "{fix}");
        // The kept line has the ids that the new one lacks.
        let kept = &[(1, 999), (100_000, 65_536)];
        let request = "0 1000 1 1 1 999 1000 100000 65536";
        let enough = not_mapped_here(&with(&[(0, 65_536)], kept, request)).unwrap().fix.unwrap();
        assert!(enough.starts_with("as root, run `sed -i '2s/"), "{enough}");
        assert!(!enough.contains("uidmap-check"), "{enough}");
        let larger = not_mapped_here(&with(&[(0, 66_537)], usual, "0 1000 1 1 100000 65536")).unwrap();
        assert!(!larger.fix.unwrap().contains("uidmap-check"));
        let two = &[(100_000, 65_536), (200_000, 5)];
        let cause = not_mapped_here(&with(&[(0, 65_536)], two, "1 100000 65536 65537 200000 5")).unwrap();
        assert!(
            cause
                .fix
                .unwrap()
                .starts_with("as root, replace the caller's lines in /etc/subuid that delegate")
        );
        // A line that is too long is shortened.
        let cause = not_mapped_here(&with(&[(0, 65_536)], &[(1_001, 70_000)], "1 1001 70000")).unwrap();
        assert!(
            cause
                .fix
                .unwrap()
                .starts_with("as root, run `sed -i '1s/:1001:70000$/:1001:64535/' /etc/subuid`")
        );
        let cause = not_mapped_here(&with(&[(0, 1_500)], usual, "1 100000 65536")).unwrap();
        assert!(cause.fix.unwrap().starts_with("this user namespace has no room for 1000 more uids"));
        assert_eq!(not_mapped_here(&with(&[(0, 1), (1, 200_000)], usual, "1 100000 65536")), None);
    }

    #[test]
    fn a_range_across_a_boundary_of_the_own_map_is_named_with_its_parts() {
        let own_map = &[(0, 1), (1, 30_000), (30_001, 36_000)];
        let cause = crosses_boundary(&with(own_map, &[(1_001, 65_000)], "0 1000 1 1 1001 65000")).unwrap();
        assert_eq!(
            cause.sentence,
            "range 2 of the request, uids 1001 to 66000, crosses a boundary of this user namespace's own map: 30001 begins a new \
             line of /proc/self/uid_map, and the kernel accepts only ranges within one line"
        );
        assert_eq!(
            cause.fix.unwrap(),
            "request each part as a range of its own: 1 1001 29000, 29001 30001 36000; for clients that take one range from each \
             line of /etc/subuid, as root, run `sed -i '1s/:1001:65000$/:1001:29000/' /etc/subuid && usermod --add-subuids \
             30001-66000 alice`; with podman, run podman system migrate as alice afterwards"
        );
        let own = &[(1_001, 29_000), (30_001, 36_000)];
        let cause = crosses_boundary(&with(own_map, own, "1 1001 65000")).unwrap();
        assert_eq!(
            cause.fix.unwrap(),
            "request each part as a range of its own: 1 1001 29000, 29001 30001 36000"
        );
        for request in ["0 1000 1 1 1001 29000 29001 30001 36000", "0 30001 36000", "0 1 30000"] {
            assert_eq!(crosses_boundary(&with(own_map, own, request)), None, "{request}");
        }
    }
}
