//! The decision, against sets of single ids: a range is allowed if each of its ids is delegated, or if it is the caller's own
//! id alone. Ids lie in small windows at the places where arithmetic can go wrong; of ranges that reach further, the ids
//! next to any range's ends stand for the others, since nothing changes in between.
#![no_main]

use std::collections::BTreeSet;
use std::ffi::OsString;

use libfuzzer_sys::{Corpus, fuzz_target};
use oracle::Bytes;
use uidmap::Kind;
use uidmap::caller::Caller;
use uidmap::error::Error;
use uidmap::extent::{self, Extent};
use uidmap::policy::{Claim, OwnTarget, Setgroups};
use uidmap::range::IdRange;
use uidmap::target::Target;

const OWN: u32 = 1000;
const WINDOWS: [u32; 4] = [0, OWN - 8, 1 << 31, u32::MAX - 15];

fn id(bytes: &mut Bytes<'_>) -> u32 {
    WINDOWS[usize::from(bytes.below(4))] + u32::from(bytes.below(16))
}

/// Mostly some ids; now and then up to some other window, or as many as there can be.
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
    kind: Kind,
    caller: &Caller,
    extents: &[Extent],
    granted: impl Iterator<Item = IdRange>,
    stops: bool,
) -> Result<Setgroups, Extent> {
    let mut claim = Claim::new(kind, caller, extents.to_vec());
    for range in granted {
        if stops && claim.is_settled() {
            break;
        }
        let wanted = claim.wanted();
        assert!(claim.wants(range) <= !claim.is_settled());
        assert!(
            claim.wants(range) <= wanted.iter().any(|extent| extent.lower_range().common(range).is_some())
        );
        claim.grant(range);
        assert!(!claim.wants(range));
    }
    let mut target = Target::open(std::process::id().to_string().as_ref()).unwrap();
    (target.uid, target.gid) = (caller.uid, caller.gid);
    let target = OwnTarget::check(target, caller, || false).unwrap();
    match claim.decide(target) {
        Ok(authorized) => {
            assert_eq!((authorized.kind(), authorized.extents()), (kind, extents));
            Ok(authorized.setgroups())
        }
        Err(Error::NotAllowed { extent, .. }) => Err(extent),
        Err(other) => panic!("{other}"),
    }
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let mut bytes = Bytes(input);
    let kind = if bytes.below(2) == 0 { Kind::Uid } else { Kind::Gid };
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
    let Ok(extents) = extent::parse(&words) else { return Corpus::Reject };

    let wanted: Vec<_> = extents.iter().map(|extent| ids(extent.lower(), extent.count())).collect();
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
        Some(position) => Err(extents[position]),
        None if kind == Kind::Gid && !wanted.iter().any(is_delegated) => Ok(Setgroups::Deny),
        None => Ok(Setgroups::Keep),
    };

    let ranges = || granted.iter().map(|(start, count)| IdRange::of(*start, *count));
    let shown = || format!("{kind:?} wants {wanted:?} of {delegated:?}");
    assert_eq!(decide(kind, &caller, &extents, ranges(), true), expected, "{}", shown());
    assert_eq!(decide(kind, &caller, &extents, ranges().rev(), false), expected, "{}", shown());
    Corpus::Keep
});
