//! The decision: may this caller write this map for this target?
//!
//! The policy makes no system call: facts come in, and an [`AuthorizedMap`] or an error comes out. The one question back, to
//! login.defs(5), is a closure. Root gets no exemption: a caller with uid 0 may map only the ids that the files delegate to root.

use libc::{gid_t, uid_t};
use thiserror::Error;

use super::target::Target;
use crate::caller::Caller;
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;
use crate::map_range::MapRange;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum PolicyError {
    /// The target is not the caller's.
    #[error(
        "Target process is owned by a different user: \
         uid:{uid} pw_uid:{uid} st_uid:{target_uid}, gid:{gid} pw_gid:{login_gid} st_gid:{target_gid}"
    )]
    ForeignTarget {
        /// The caller's real uid, which is the one of the passwd entry, too.
        uid: uid_t,
        /// The caller's real gid.
        gid: gid_t,
        /// The gid of the caller's passwd entry.
        login_gid: gid_t,
        /// The owner of the target's `/proc` directory.
        target_uid: uid_t,
        /// The group of the target's `/proc` directory.
        target_gid: gid_t,
    },
    /// The first range of the request that is not delegated to the caller.
    #[error("{} range {} not allowed", .id_type.word(), .range.as_intervals())]
    NotAllowed { id_type: IdType, range: MapRange },
}

/// A target that belongs to the caller.
#[derive(Debug)]
pub(crate) struct OwnTarget(Target);

impl OwnTarget {
    /// Checks that the target has the caller's uid and gid, and that the caller's gid is the one of the passwd entry: newgrp(1)
    /// changes it. `grants_auxiliary_groups` is called only if the gids differ, and lifts this last condition.
    ///
    /// # Errors
    ///
    /// [`PolicyError::ForeignTarget`]
    pub(crate) fn check(
        target: Target,
        caller: &Caller,
        grants_auxiliary_groups: impl FnOnce() -> bool,
    ) -> Result<Self, PolicyError> {
        if caller.uid == target.uid()
            && caller.gid == target.gid()
            && (caller.gid == caller.login_gid || grants_auxiliary_groups())
        {
            return Ok(Self(target));
        }
        Err(PolicyError::ForeignTarget {
            uid: caller.uid,
            gid: caller.gid,
            login_gid: caller.login_gid,
            target_uid: target.uid(),
            target_gid: target.gid(),
        })
    }
}

/// The target's right to call setgroups(2), once the map is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setgroups {
    /// The right stays as it is.
    Keep,
    /// No group was delegated, so the right is taken away. Otherwise a process could leave its group, and escape a file mode that
    /// denies access to the members of that group (CVE-2018-7169).
    Deny,
}

/// The ranges of a request, and those of their ids that still need a grant.
#[derive(Debug)]
pub(crate) struct Claim {
    id_type: IdType,
    own_id: u32,
    ranges: Vec<MapRange>,
    /// The source is asked about the caller's own gid, too: the answer decides about setgroups(2), not about the map.
    claims_own_id: bool,
    missing: IdSet,
}

impl Claim {
    /// A range of one id, the caller's own, needs no delegation. The own gid is claimed nevertheless if the request has no other
    /// range: a delegation of it leaves setgroups(2) allowed.
    pub(crate) fn new(id_type: IdType, caller: &Caller, ranges: Vec<MapRange>) -> Self {
        let own_id = caller.own_id(id_type);
        let claims_own_id = id_type == IdType::Gid && ranges.iter().all(|range| range.is_only(own_id));
        let claimed = ranges.iter().filter(|range| claims_own_id || !range.is_only(own_id));
        let missing = claimed.map(|range| range.lower_range()).collect();
        Self { id_type, own_id, ranges, claims_own_id, missing }
    }

    /// True once every claimed id has been granted.
    pub(crate) fn all_granted(&self) -> bool {
        self.missing.is_empty()
    }

    /// True if granting `range` would grant a claimed id that has not been granted.
    pub(crate) fn still_needs(&self, range: IdRange) -> bool {
        self.missing.intersects(range)
    }

    /// True if the request contains ids that need a delegation and have none.
    pub(crate) fn needs_delegation(&self) -> bool {
        self.ranges.iter().any(|range| !range.is_only(self.own_id) && self.still_needs(range.lower_range()))
    }

    /// The ranges with missing ids, for a source that answers for whole ranges.
    pub(crate) fn missing_ranges(&self) -> Vec<MapRange> {
        self.ranges.iter().filter(|range| self.still_needs(range.lower_range())).copied().collect()
    }

    /// Records that `range` is delegated to the caller. Grants add up, in any order.
    pub(crate) fn grant(&mut self, range: IdRange) {
        self.missing.remove(range);
    }

    /// Decides the request.
    ///
    /// # Errors
    ///
    /// [`PolicyError::NotAllowed`]
    pub(crate) fn decide(self, OwnTarget(target): OwnTarget) -> Result<AuthorizedMap, PolicyError> {
        let mut group_was_delegated = false;
        for range in &self.ranges {
            let is_claimed = self.claims_own_id || !range.is_only(self.own_id);
            if is_claimed && !self.still_needs(range.lower_range()) {
                group_was_delegated = true;
            } else if !range.is_only(self.own_id) {
                return Err(PolicyError::NotAllowed { id_type: self.id_type, range: *range });
            }
        }
        let setgroups = match self.id_type {
            IdType::Gid if !group_was_delegated => Setgroups::Deny,
            IdType::Uid | IdType::Gid => Setgroups::Keep,
        };
        Ok(AuthorizedMap { target, id_type: self.id_type, ranges: self.ranges, setgroups })
    }
}

/// A map that the caller may write for its target. [`Claim::decide`] alone makes one.
#[derive(Debug)]
pub(crate) struct AuthorizedMap {
    target: Target,
    id_type: IdType,
    ranges: Vec<MapRange>,
    setgroups: Setgroups,
}

impl AuthorizedMap {
    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) const fn id_type(&self) -> IdType {
        self.id_type
    }

    pub(crate) fn ranges(&self) -> &[MapRange] {
        &self.ranges
    }

    pub(crate) const fn setgroups(&self) -> Setgroups {
        self.setgroups
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, OwnTarget, PolicyError, Setgroups};
    use crate::caller::Caller;
    use crate::id_range::IdRange;
    use crate::id_type::IdType::{self, Gid, Uid};
    use crate::map_range;
    use crate::mapping::target::Target;

    fn alice() -> Caller {
        Caller { uid: 1000, gid: 1000, login_gid: 1000, name: b"alice".to_vec() }
    }

    /// The refused range, or the decision about setgroups(2).
    fn decide(id_type: IdType, wanted: &str, granted: &[(u32, u32)]) -> Result<Setgroups, String> {
        let words: Vec<_> = wanted.split(' ').map(Into::into).collect();
        let ranges = map_range::parse(&words).unwrap();
        let mut claim = Claim::new(id_type, &alice(), ranges.clone());
        for (start, count) in granted {
            claim.grant(IdRange::new(*start, *count));
        }
        let own = OwnTarget::check(Target::owned_by(1000, 1000).unwrap(), &alice(), || false).unwrap();
        match claim.decide(own) {
            Ok(authorized) => {
                assert_eq!((authorized.id_type(), authorized.ranges()), (id_type, ranges.as_slice()));
                Ok(authorized.setgroups())
            }
            Err(PolicyError::NotAllowed { range, .. }) => Err(range.to_string()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_target_is_the_callers_by_uid_gid_and_login_group() {
        for (target_ids, login_gid, auxiliary, own) in [
            ((1000, 1000), 1000, false, true),
            ((1001, 1000), 1000, true, false),
            ((1000, 1001), 1000, true, false),
            ((999, 1000), 1000, true, false),
            ((1000, 999), 1000, true, false),
            ((0, 0), 1000, true, false),
            ((1000, 1000), 100, false, false),
            ((1000, 1000), 100, true, true),
        ] {
            let caller = Caller { login_gid, ..alice() };
            let checked =
                OwnTarget::check(Target::owned_by(target_ids.0, target_ids.1).unwrap(), &caller, || {
                    auxiliary
                });
            assert_eq!(checked.is_ok(), own, "{target_ids:?} {login_gid} {auxiliary}");
        }
    }

    #[test]
    fn a_request_is_allowed_if_all_of_it_is_granted_or_the_callers_own_id() {
        for (wanted, granted, refused) in [
            ("0 1000 1", &[][..], None),
            ("0 1000 1 1 1000 1", &[], None),
            ("0 1001 1", &[], Some("0 1001 1")),
            ("0 1000 2", &[], Some("0 1000 2")),
            ("0 1000 2", &[(1001, 1)], Some("0 1000 2")),
            ("0 1000 2", &[(1000, 2)], None),
            ("0 100000 65536", &[(100_000, 65_536)], None),
            ("0 100000 65537", &[(100_000, 65_536)], Some("0 100000 65537")),
            ("0 99999 1", &[(100_000, 65_536)], Some("0 99999 1")),
            ("0 100 30", &[(120, 10), (100, 10), (110, 10)], None),
            ("0 100 30", &[(95, 20), (110, 40)], None),
            ("0 100 30", &[(100, 10), (111, 19)], Some("0 100 30")),
            ("0 1000 1 1 100 10 11 200 10", &[(100, 10)], Some("11 200 10")),
            ("0 1000 1 1 200 10 11 100 10", &[(100, 10)], Some("1 200 10")),
            ("0 100 10 10 105 10", &[(100, 15)], None),
            ("0 0 4294967295", &[(0, u32::MAX)], None),
            ("0 0 1", &[(0, 0)], Some("0 0 1")),
        ] {
            for id_type in [Uid, Gid] {
                assert_eq!(
                    decide(id_type, wanted, granted).err().as_deref(),
                    refused,
                    "{wanted} {granted:?}"
                );
            }
        }
    }

    #[test]
    fn setgroups_is_denied_if_no_range_came_from_a_delegation() {
        for (wanted, granted, uid, gid) in [
            ("0 1000 1", &[][..], Setgroups::Keep, Setgroups::Deny),
            ("0 1000 1 1 1000 1", &[], Setgroups::Keep, Setgroups::Deny),
            ("0 1000 1", &[(1000, 1)], Setgroups::Keep, Setgroups::Keep),
            ("0 1000 1 1 100 1", &[(100, 1)], Setgroups::Keep, Setgroups::Keep),
            ("0 100 1", &[(100, 1)], Setgroups::Keep, Setgroups::Keep),
        ] {
            assert_eq!(decide(Uid, wanted, granted), Ok(uid), "{wanted} {granted:?}");
            assert_eq!(decide(Gid, wanted, granted), Ok(gid), "{wanted} {granted:?}");
        }
    }

    /// Otherwise a source is asked in vain, which may be behind a network.
    #[test]
    fn the_own_gid_is_claimed_only_if_the_request_has_no_other_range() {
        for (id_type, wanted, all_granted) in [
            (Gid, "0 1000 1", false),
            (Gid, "0 1000 1 1 1000 1", false),
            (Gid, "0 1000 1 1 100 10", true),
            (Uid, "0 1000 1", true),
        ] {
            let words: Vec<_> = wanted.split(' ').map(Into::into).collect();
            let mut claim = Claim::new(id_type, &alice(), map_range::parse(&words).unwrap());
            claim.grant(IdRange::new(100, 10));
            assert_eq!(claim.all_granted(), all_granted, "{id_type:?} {wanted}");
        }
    }

    #[test]
    fn a_source_is_asked_for_ranges_with_missing_ids() {
        let words: Vec<_> = "0 1000 1 1 100 10 11 200 10".split(' ').map(Into::into).collect();
        let mut claim = Claim::new(Uid, &alice(), map_range::parse(&words).unwrap());
        for ((start, count), left) in [
            ((0, 0), &["1 100 10", "11 200 10"][..]),
            ((100, 9), &["1 100 10", "11 200 10"]),
            ((109, 1), &["11 200 10"]),
            ((200, 10), &[]),
        ] {
            claim.grant(IdRange::new(start, count));
            let wanted: Vec<_> = claim.missing_ranges().iter().map(ToString::to_string).collect();
            assert_eq!(wanted, left, "{start} {count}");
        }
    }
}
