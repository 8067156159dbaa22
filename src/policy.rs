//! The decision: may this caller have this map on this target?
//!
//! Nothing here asks the system anything. Facts come in, and an [`Authorized`] map comes out or an error does;
//! there is no other way to an [`Authorized`], and nothing else can be written.
//!
//! Root gets no exemption: a caller with uid 0 is delegated what the files delegate to root.

use crate::caller::Caller;
use crate::error::Error;
use crate::extent::Extent;
use crate::kind::Kind;
use crate::range::{IdRange, IdSet};
use crate::target::Target;

/// A target that is the caller's.
#[derive(Debug)]
pub struct OwnTarget(Target);

impl OwnTarget {
    /// Checks that the target is the caller's: its uid, its gid, and that the caller has not changed to another group
    /// (newgrp(1)), unless `auxiliary_groups` says that this is allowed, which is asked last.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignTarget`]
    pub fn check(
        target: Target,
        caller: &Caller,
        auxiliary_groups: impl FnOnce() -> bool,
    ) -> Result<Self, Error> {
        if caller.uid == target.uid
            && caller.gid == target.gid
            && (caller.gid == caller.login_gid || auxiliary_groups())
        {
            return Ok(Self(target));
        }
        Err(Error::ForeignTarget {
            uid: caller.uid,
            gid: caller.gid,
            login_gid: caller.login_gid,
            target_uid: target.uid,
            target_gid: target.gid,
        })
    }
}

/// What becomes of the target's right to call setgroups(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setgroups {
    /// It stays as it is.
    Keep,
    /// It is taken away: nobody delegated the group, so a process must not be able to leave it and escape what is denied
    /// to its members (CVE-2018-7169).
    Deny,
}

/// A request on its way to a decision: the ranges wanted, and what of them was not granted yet.
#[derive(Debug)]
pub struct Claim {
    kind: Kind,
    own_id: u32,
    extents: Vec<Extent>,
    outstanding: IdSet,
}

impl Claim {
    /// What has to be delegated for these ranges. The caller's own id alone does not; for a gid the files are asked
    /// nevertheless where it is all that is wanted, since then it depends on them what becomes of setgroups(2).
    #[must_use]
    pub fn new(kind: Kind, caller: &Caller, extents: Vec<Extent>) -> Self {
        let own_id = match kind {
            Kind::Uid => caller.uid,
            Kind::Gid => caller.gid,
        };
        let own_alone = extents.iter().all(|extent| extent.is_only(own_id));
        let outstanding = extents
            .iter()
            .filter(|extent| !extent.is_only(own_id) || (own_alone && kind == Kind::Gid))
            .map(|extent| extent.lower_range())
            .collect();
        Self { kind, own_id, extents, outstanding }
    }

    /// Whether nothing that could still be granted would make a difference.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Whether the request includes more than the caller's own id, and so cannot be allowed without a delegation.
    #[must_use]
    pub fn needs_delegation(&self) -> bool {
        self.extents.iter().any(|extent| !extent.is_only(self.own_id) && self.wants(extent.lower_range()))
    }

    /// Whether granting `range` would make a difference.
    #[must_use]
    pub fn wants(&self, range: IdRange) -> bool {
        self.outstanding.intersects(range)
    }

    /// The ranges of which something is outstanding, for a source that answers for whole ranges.
    #[must_use]
    pub fn wanted(&self) -> Vec<Extent> {
        self.extents.iter().filter(|extent| self.wants(extent.lower_range())).copied().collect()
    }

    /// Takes note that `range` is delegated to the caller. Grants add up, in any order.
    pub fn grant(&mut self, range: IdRange) {
        self.outstanding.remove(range);
    }

    /// Decides.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] with the first range of the request of which something was not granted.
    pub fn decide(self, OwnTarget(target): OwnTarget) -> Result<Authorized, Error> {
        let is_refused = |extent: &&Extent| {
            !extent.is_only(self.own_id) && self.outstanding.intersects(extent.lower_range())
        };
        if let Some(extent) = self.extents.iter().find(is_refused) {
            return Err(Error::NotAllowed { kind: self.kind, extent: *extent });
        }
        let setgroups = match self.kind {
            Kind::Gid if !self.is_settled() => Setgroups::Deny,
            _ => Setgroups::Keep,
        };
        Ok(Authorized { target, kind: self.kind, extents: self.extents, setgroups })
    }
}

/// A map that its target may be given.
#[derive(Debug)]
pub struct Authorized {
    target: Target,
    kind: Kind,
    extents: Vec<Extent>,
    setgroups: Setgroups,
}

impl Authorized {
    /// Whose map it is.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Which ids it maps.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its lines.
    #[must_use]
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// What has to become of setgroups(2) before it is written.
    #[must_use]
    pub const fn setgroups(&self) -> Setgroups {
        self.setgroups
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, OwnTarget, Setgroups};
    use crate::caller::Caller;
    use crate::error::Error;
    use crate::extent;
    use crate::kind::Kind::{self, Gid, Uid};
    use crate::range::IdRange;
    use crate::target::Target;

    fn target(uid: u32, gid: u32) -> Target {
        let mut target = Target::open(std::process::id().to_string().as_ref()).unwrap();
        (target.uid, target.gid) = (uid, gid);
        target
    }

    fn alice() -> Caller {
        Caller { uid: 1000, gid: 1000, login_gid: 1000, name: b"alice".to_vec() }
    }

    /// The range refused, or what becomes of setgroups.
    fn decide(kind: Kind, wanted: &str, granted: &[(u32, u32)]) -> Result<Setgroups, String> {
        let words: Vec<_> = wanted.split(' ').map(Into::into).collect();
        let extents = extent::parse(&words).unwrap();
        let mut claim = Claim::new(kind, &alice(), extents.clone());
        for (start, count) in granted {
            claim.grant(IdRange::of(*start, *count));
        }
        let own = OwnTarget::check(target(1000, 1000), &alice(), || false).unwrap();
        match claim.decide(own) {
            Ok(authorized) => {
                assert_eq!((authorized.kind(), authorized.extents()), (kind, extents.as_slice()));
                Ok(authorized.setgroups())
            }
            Err(Error::NotAllowed { extent, .. }) => Err(extent.to_string()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_target_is_the_callers_by_uid_gid_and_login_group() {
        for (target_ids, login_gid, auxiliary, own) in [
            ((1000, 1000), 1000, false, true),
            ((1001, 1000), 1000, true, false),
            ((1000, 1001), 1000, true, false),
            ((0, 0), 1000, true, false),
            ((1000, 1000), 100, false, false),
            ((1000, 1000), 100, true, true),
        ] {
            let caller = Caller { login_gid, ..alice() };
            let checked = OwnTarget::check(target(target_ids.0, target_ids.1), &caller, || auxiliary);
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
            for kind in [Uid, Gid] {
                assert_eq!(decide(kind, wanted, granted).err().as_deref(), refused, "{wanted} {granted:?}");
            }
        }
    }

    #[test]
    fn setgroups_is_denied_if_nothing_came_from_a_delegation() {
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

    #[test]
    fn a_source_is_asked_for_ranges_of_which_something_is_outstanding() {
        let words: Vec<_> = "0 1000 1 1 100 10 11 200 10".split(' ').map(Into::into).collect();
        let mut claim = Claim::new(Uid, &alice(), extent::parse(&words).unwrap());
        for ((start, count), left) in [
            ((0, 0), &["1 100 10", "11 200 10"][..]),
            ((100, 9), &["1 100 10", "11 200 10"]),
            ((109, 1), &["11 200 10"]),
            ((200, 10), &[]),
        ] {
            claim.grant(IdRange::of(start, count));
            let wanted: Vec<_> = claim.wanted().iter().map(ToString::to_string).collect();
            assert_eq!(wanted, left, "{start} {count}");
        }
    }
}
