//! Checks the decision against sets of single ids. A range is allowed if each of its ids is delegated, or if it is only the
//! caller's own id. Most ids are in small windows around the values at which arithmetic could overflow. A larger range is
//! represented by the ids next to the ends of all ranges, since the result is the same between them.

use std::collections::BTreeSet;
use std::ffi::OsString;

use super::oracle::Bytes;
use crate::caller::Caller;
use crate::id_range::IdRange;
use crate::id_type::IdType;
use crate::map_range::{self, MapRange};
use crate::mapping::policy::{Claim, OwnTarget, PolicyError, Setgroups};
use crate::mapping::target::Target;

const OWN: u32 = 1000;
const WINDOWS: [u32; 4] = [0, OWN - 8, 1 << 31, u32::MAX - 15];

fn id(bytes: &mut Bytes<'_>) -> u32 {
    WINDOWS[usize::from(bytes.below(4))] + u32::from(bytes.below(16))
}

/// Mostly a few ids, sometimes a range up to another window or nearly all ids.
fn count(bytes: &mut Bytes<'_>, start: u32) -> u32 {
    match bytes.below(8) {
        0 => id(bytes).saturating_sub(start),
        1 => u32::MAX - u32::from(bytes.below(4)),
        _ => u32::from(bytes.below(18)),
    }
}

fn ids(start: u32, count: u32) -> std::ops::Range<u64> {
    u64::from(start)..u64::from(start) + u64::from(count)
}

fn decide(
    id_type: IdType,
    caller: &Caller,
    ranges: &[MapRange],
    granted: impl Iterator<Item = IdRange>,
    stops: bool,
) -> Result<Setgroups, MapRange> {
    let mut claim = Claim::new(id_type, caller, ranges.to_vec());
    for range in granted {
        if stops && claim.all_granted() {
            break;
        }
        let wanted = claim.missing_ranges();
        assert!(claim.still_needs(range) <= !claim.all_granted());
        assert!(
            claim.still_needs(range)
                <= wanted.iter().any(|wanted| wanted.lower_range().common(range).is_some())
        );
        claim.grant(range);
        assert!(!claim.still_needs(range));
    }
    let target =
        OwnTarget::check(Target::owned_by(caller.uid, caller.gid).unwrap(), caller, || false).unwrap();
    match claim.decide(target) {
        Ok(authorized) => {
            assert_eq!((authorized.id_type(), authorized.ranges()), (id_type, ranges));
            Ok(authorized.setgroups())
        }
        Err(PolicyError::NotAllowed { range, .. }) => Err(range),
        Err(other) => panic!("{other}"),
    }
}

/// Checks one input; returns false if it is not a valid request.
pub fn check(input: &[u8]) -> bool {
    let mut bytes = Bytes(input);
    let id_type = if bytes.below(2) == 0 { IdType::Uid } else { IdType::Gid };
    let caller = Caller { uid: OWN, gid: OWN, login_gid: OWN, name: b"alice".to_vec() };
    let mut words: Vec<OsString> = Vec::new();
    let mut granted = Vec::new();
    for _ in 0..=bytes.below(4) {
        let lower = id(&mut bytes);
        words.extend([0, lower, count(&mut bytes, lower)].map(|number| number.to_string().into()));
    }
    for _ in 0..bytes.below(8) {
        let start = id(&mut bytes);
        granted.push((start, count(&mut bytes, start)));
    }
    let Ok(ranges) = map_range::parse(&words) else { return false };

    let wanted: Vec<_> = ranges.iter().map(|range| ids(range.lower(), range.count())).collect();
    let delegated: Vec<_> = granted.iter().map(|(start, count)| ids(*start, *count)).collect();
    let probes: BTreeSet<u64> = wanted
        .iter()
        .chain(&delegated)
        .flat_map(|range| [range.start, range.end])
        .flat_map(|end| end.saturating_sub(1)..=end)
        .collect();
    let is_delegated = |range: &std::ops::Range<u64>| {
        let mut of_range = probes.iter().filter(|id| range.contains(id));
        of_range.all(|id| delegated.iter().any(|range| range.contains(id)))
    };
    let own = ids(OWN, 1);
    let refused = wanted.iter().position(|range| *range != own && !is_delegated(range));
    let expected = match refused {
        Some(position) => Err(ranges[position]),
        None if id_type == IdType::Gid && !wanted.iter().any(is_delegated) => Ok(Setgroups::Deny),
        None => Ok(Setgroups::Keep),
    };

    let grants = || granted.iter().map(|(start, count)| IdRange::new(*start, *count));
    let shown = || format!("{id_type:?} wants {wanted:?} of {delegated:?}");
    assert_eq!(decide(id_type, &caller, &ranges, grants(), true), expected, "{}", shown());
    assert_eq!(decide(id_type, &caller, &ranges, grants().rev(), false), expected, "{}", shown());
    true
}
