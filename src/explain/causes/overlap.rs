//! The cause of a map that contains an id twice: the ranges that overlap, and the lines of the file that repeat the ids.

use super::{Cause, Key, free_ids, ids, suggestion};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::delegation::OwnLine;
use crate::id_range::{IdRange, IdSet};
use crate::map_range::MapRange;

/// The first pair of ranges with a common id.
pub(super) fn overlap(ranges: &[MapRange], evidence: &Evidence) -> Option<Cause> {
    for (second, later) in ranges.iter().enumerate() {
        for (first, earlier) in ranges.iter().take(second).enumerate() {
            for (side, one, other) in [
                ("inside", earlier.upper_range(), later.upper_range()),
                ("outside", earlier.lower_range(), later.lower_range()),
            ] {
                let Some(common) = one.common(other) else { continue };
                let plural = if common.count() == 1 { "" } else { "s" };
                let (first, second) = (first.saturating_add(1), second.saturating_add(1));
                let (reason, fix) = match side {
                    "outside" => overlap_outside([*earlier, *later], common, evidence),
                    _ => (String::new(), "map each id inside once: the client's own configuration gives the ids inside, such as \
                                          lxc.idmap or --uidmap".to_owned()),
                };
                return Some(Cause::new(
                    Key::Overlap,
                    format!(
                        "ranges {first} and {second} of the request overlap: both contain the {}{plural} {common} {side}{reason}",
                        evidence.id_type.word()
                    ),
                    fix,
                ));
            }
        }
    }
    None
}

/// Why both ranges have the ids, and the fix.
fn overlap_outside(both: [MapRange; 2], common: IdRange, evidence: &Evidence) -> (String, String) {
    let (word, file, own) = (evidence.id_type.word(), evidence.id_type.subid_file(), evidence.own_id());
    let lines = evidence.lines().map_or(&[][..], |lines| &lines.own);
    let mut overlapping = lines.iter().filter(|line| line.range.common(common).is_some());
    let (one, other) = (overlapping.next(), overlapping.next());
    if let Some(line) = one.filter(|_| both.iter().any(|range| range.is_only(own))) {
        let reason =
            format!(", which is the caller's own {word}, and line {} of {file} contains it", line.number);
        return (reason, without_own_id(*line, evidence));
    }
    if let (Some(one), Some(other)) = (one, other) {
        let reason = format!(", and so do lines {} and {} of {file}", one.number, other.number);
        return (reason, without_common_ids(*one, *other, evidence));
    }
    let fix = format!(
        "map each id once: the client's own configuration repeats the ids, such as lxc.idmap or --{word}map"
    );
    (String::new(), fix)
}

/// Whether a command can change the line.
fn can_be_changed(line: OwnLine, evidence: &Evidence) -> bool {
    line.is_canonical && suggestion::unchangeable(evidence).is_none()
}

/// Takes the own id out of a line of the file.
fn without_own_id(line: OwnLine, evidence: &Evidence) -> String {
    let (word, file) = (evidence.id_type.word(), evidence.id_type.subid_file());
    let own = IdRange::new(evidence.own_id(), 1);
    let mut rest: IdSet = [line.range].into_iter().collect();
    rest.remove(own);
    let migrate = suggestion::then_migrate(evidence);
    let or_client = format!("; or have the client map the own {word} once");
    let other = free_ids::free_range_instead_of(|range| range == line.range, evidence);
    let (parts, condition): (Vec<IdRange>, _) = match other {
        // The line should not delegate the rest, either.
        Some(other) if free_ids::includes_accounts(&rest, evidence) => {
            (vec![other], suggestion::condition(evidence))
        }
        _ => (rest.ranges().collect(), String::new()),
    };
    match (parts.split_first(), suggestion::account_word(evidence)) {
        (Some((first, others)), Some(name)) if can_be_changed(line, evidence) => {
            let add = others.first().map_or(String::new(), |part| {
                format!(" && usermod --add-sub{word}s {} {name}", suggestion::interval(*part))
            });
            format!(
                "as root, run `sed -i '{}' {file}{add}`{condition}{migrate}{or_client}",
                ids::substitution(line, *first)
            )
        }
        _ => format!(
            "write line {} of {file} without the caller's own {word}{migrate}{or_client}",
            line.number
        ),
    }
}

/// Leaves the common ids to the larger one of two lines.
fn without_common_ids(one: OwnLine, other: OwnLine, evidence: &Evidence) -> String {
    let file = evidence.id_type.subid_file();
    let (kept, changed) = if other.range.count() > one.range.count() { (other, one) } else { (one, other) };
    let mut rest: IdSet = [changed.range].into_iter().collect();
    rest.remove(kept.range);
    let script = match rest.ranges().next() {
        Some(rest) => ids::substitution(changed, rest),
        None => format!("{}{{/:{}:{}$/d}}", changed.number, changed.range.start(), changed.range.count()),
    };
    let migrate = suggestion::then_migrate(evidence);
    if can_be_changed(changed, evidence) {
        format!("as root, run `sed -i '{script}' {file}`{migrate}")
    } else {
        format!("take the common ids out of line {} of {file}{migrate}", changed.number)
    }
}

#[cfg(test)]
mod tests {
    use super::{IdRange, Key, OwnLine};
    use crate::explain::causes::test_evidence::{evidence, ranges};
    use crate::explain::evidence::delegation::{Delegation, Lines};

    /// The file has lines of alice's with these ranges, and the ranges of the request overlap.
    fn of_request(uid: u32, own: &[(u32, u32)], request: &str) -> (String, String) {
        let own_line = |(number, (start, count)): (usize, &(u32, u32))| OwnLine {
            number,
            range: IdRange::new(*start, *count),
            is_canonical: true,
            is_alias: false,
        };
        let evidence = evidence(|evidence| {
            evidence.credentials.uid = uid;
            let own = (1..).zip(own).map(own_line).collect();
            evidence.delegation = Some(Delegation::File(Lines { own, ..Lines::default() }));
        });
        let cause = super::overlap(&ranges(request), &evidence).unwrap();
        assert_eq!(cause.key, Key::Overlap);
        (cause.sentence, cause.fix.unwrap())
    }

    #[test]
    fn an_overlap_comes_with_the_reason_that_the_file_gives() {
        let migrate = "; with podman, run podman system migrate as alice afterwards";
        for (uid, own, request, reason, fix) in [
            (
                100_500,
                &[(100_000, 65_536)][..],
                "0 100500 1 1 100000 65536",
                "the uid 100500 outside, which is the caller's own uid, and line 1 of /etc/subuid contains it",
                "as root, run `sed -i '1s/:100000:65536$/:100000:500/' /etc/subuid && usermod --add-subuids 100501-165535 alice`",
            ),
            (
                100_000,
                &[(100_000, 65_536)],
                "0 100000 1 1 100000 65536",
                "the uid 100000 outside, which is the caller's own uid, and line 1 of /etc/subuid contains it",
                "as root, run `sed -i '1s/:100000:65536$/:100001:65535/' /etc/subuid`",
            ),
            (
                1_000,
                &[(100_000, 65_536), (100_000, 65_536)],
                "1 100000 65536 65537 100000 65536",
                "the uids 100000 to 165535 outside, and so do lines 1 and 2 of /etc/subuid",
                "as root, run `sed -i '2{/:100000:65536$/d}' /etc/subuid`",
            ),
            (
                1_000,
                &[(150_000, 10), (100_000, 65_536)],
                "1 150000 10 11 100000 65536",
                "the uids 150000 to 150009 outside, and so do lines 1 and 2 of /etc/subuid",
                "as root, run `sed -i '1{/:150000:10$/d}' /etc/subuid`",
            ),
            (
                1_000,
                &[(100_000, 10), (100_005, 10)],
                "1 100000 10 11 100005 10",
                "the uids 100005 to 100009 outside, and so do lines 1 and 2 of /etc/subuid",
                "as root, run `sed -i '2s/:100005:10$/:100010:5/' /etc/subuid`",
            ),
            (
                1_000,
                &[(100_000, 65_536)],
                "0 100000 10 10 100005 10",
                "the uids 100005 to 100009 outside",
                "map each id once: the client's own configuration repeats the ids, such as lxc.idmap or --uidmap",
            ),
            (
                1_000,
                &[(100_000, 65_536)],
                "0 100000 10 5 100010 10",
                "the uids 5 to 9 inside",
                "map each id inside once",
            ),
        ] {
            let (sentence, found) = of_request(uid, own, request);
            let expected = format!("ranges 1 and 2 of the request overlap: both contain {reason}");
            assert_eq!(sentence, expected);
            assert!(found.starts_with(fix), "{found}");
            assert_eq!(found.contains(migrate), fix.starts_with("as root"), "{found}");
        }
    }
}
