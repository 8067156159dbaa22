//! The remedy for a delegation that is smaller than usual images need.

use std::path::Path;

use super::report::Remedy;
use crate::caller::Caller;
use crate::escape::escape;
use crate::explain::cause::Key;
use crate::explain::causes::{self, CONTAINER_MIN, NOBODY, Recipient};
use crate::explain::evidence::accounts::Accounts;
use crate::explain::evidence::delegation::Lines;
use crate::explain::evidence::id_map::MapLine;
use crate::explain::evidence::mounts::Mount;
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;

/// The ids that useradd(8) delegates.
const USUAL_COUNT: u64 = 65_536;

/// The ids of a user, and those of other users.
struct Holdings<'a> {
    id_type: IdType,
    own: u32,
    delegated: &'a [IdRange],
    /// `None` if the ids of other users are unknown.
    others: Option<IdSet>,
}

/// A way to more ids.
#[derive(Debug, PartialEq, Eq)]
enum More {
    /// These ids can be delegated, each range within a line of the user namespace's map.
    Ids(Vec<IdRange>),
    /// No ids can be named.
    Advice(String),
}

/// The remedy; `None` if the delegation suffices. A plugin has no lines. Without /proc, the mapped ids are unknown.
pub(super) fn remedy(
    id_type: IdType,
    caller: &Caller,
    delegated: &[IdRange],
    lines: Option<&Lines>,
    mapped: Option<&[MapLine]>,
) -> Option<Remedy> {
    let count = delegated.iter().fold(0_u64, |sum, range| sum.saturating_add(range.count()));
    // The caller's own id becomes 0, and is not delegated.
    if count >= NOBODY.into() {
        return None;
    }
    let accounts = Accounts::examine(id_type);
    let lines = lines.filter(|lines| !lines.is_unread && accounts.unread.is_none());
    let others = lines.map(|lines| ids_of_others(lines, &accounts, delegated));
    let holdings = Holdings { id_type, own: caller.own_id(id_type), delegated, others };
    let (word, user) = (id_type.word(), escape(&caller.name));
    let fix = match holdings.more_ids(mapped) {
        More::Advice(advice) => advice,
        More::Ids(ids) => {
            let mount = Mount::of(Path::new(id_type.subid_file()));
            let Caller { name, uid, .. } = caller;
            let recipient =
                Recipient { id_type, name, uid: *uid, mount: mount.as_ref(), accounts: &accounts };
            format!(
                "{}{}{}",
                recipient.delegate(&ids),
                if ids.iter().any(|range| has_system_accounts(*range)) {
                    "; these include ids of the container's system accounts"
                } else {
                    ""
                },
                causes::user_migrates(&user)
            )
        }
    };
    Some(Remedy::new(
        Key::FewIds,
        format!(
            "{count} {word}s are delegated to {user}, and usual images have {word}s up to {NOBODY} (nobody)"
        ),
        fix,
    ))
}

/// The accounts of images: those below 1000, nobody, and nogroup on Alpine.
fn system_accounts() -> [IdRange; 2] {
    [IdRange::new(0, CONTAINER_MIN), IdRange::new(NOBODY.saturating_sub(1), 2)]
}

fn has_system_accounts(range: IdRange) -> bool {
    system_accounts().into_iter().any(|accounts| accounts.common(range).is_some())
}

/// The ids that other users have, by delegation or as accounts, without system accounts.
fn ids_of_others(lines: &Lines, accounts: &Accounts, delegated: &[IdRange]) -> IdSet {
    let mut accounts = accounts.ids.clone();
    for range in system_accounts() {
        accounts.remove(range);
    }
    let mut ids: IdSet = lines.others.ranges().chain(accounts.ranges()).collect();
    for range in delegated {
        ids.remove(*range);
    }
    ids
}

impl Holdings<'_> {
    /// As many ids as usual images have. A container often has 65,536 ids: then all of them are needed, except 0 and the caller's own.
    /// No ids are named if those of other users are unknown.
    fn more_ids(&self, mapped: Option<&[MapLine]>) -> More {
        let word = self.id_type.word();
        let usual = More::Advice(format!(
            "have {USUAL_COUNT} {word}s delegated: by root, with the option --add-sub{word}s of usermod(8), or by the administrator of \
             the directory service"
        ));
        let Some(mapped) = mapped else { return usual };
        let mut possible: IdSet = mapped.iter().map(|line| line.inside()).collect();
        possible.remove(IdRange::new(0, 1));
        possible.remove(IdRange::new(self.own, 1));
        let with_others = count(&possible);
        self.others.iter().flat_map(IdSet::ranges).for_each(|range| possible.remove(range));
        let taken = with_others.saturating_sub(count(&possible));
        if count(&possible) < NOBODY.into() {
            let reason = if taken == 0 { String::new() } else { format!(": other users have {taken}") };
            let enough = USUAL_COUNT.saturating_add(taken);
            return More::Advice(format!("start the container with at least {enough} {word}s{reason}"));
        }
        let mut missing = possible;
        for range in self.delegated {
            missing.remove(*range);
        }
        let mut ordinary = missing.clone();
        ordinary.remove(IdRange::new(0, CONTAINER_MIN));
        if self.others.is_none() || count(&ordinary) >= USUAL_COUNT {
            return usual;
        }
        // The kernel accepts no range across two lines of the map.
        let within = |range: IdRange| mapped.iter().filter_map(move |line| range.common(line.inside()));
        More::Ids(missing.ranges().flat_map(within).collect())
    }
}

fn count(ids: &IdSet) -> u64 {
    ids.ranges().map(IdRange::count).sum()
}

#[cfg(test)]
mod tests {
    use super::{Caller, Holdings, IdType, More, ids_of_others};
    use crate::explain::evidence::accounts::Accounts;
    use crate::explain::evidence::delegation::Lines;
    use crate::explain::evidence::id_map::MapLine;
    use crate::id_range::{IdRange, IdSet};

    fn ids(ranges: &[(u32, u32)]) -> IdSet {
        ranges.iter().map(|(start, count)| IdRange::new(*start, *count)).collect()
    }

    /// The ids, or the advice, for alice, who has one range.
    fn more_ids(mapped: &[(u32, u32)], delegated: (u32, u32), others: Option<&[(u32, u32)]>) -> String {
        let lines: Vec<MapLine> =
            mapped.iter().map(|(inside, count)| MapLine::new(*inside, 0, *count)).collect();
        let delegated = [IdRange::new(delegated.0, delegated.1)];
        let holdings =
            Holdings { id_type: IdType::Uid, own: 1000, delegated: &delegated, others: others.map(ids) };
        match holdings.more_ids((!lines.is_empty()).then_some(&lines)) {
            More::Ids(ids) => ids.iter().map(IdRange::to_string).collect::<Vec<_>>().join(", "),
            More::Advice(advice) => advice,
        }
    }

    #[test]
    fn the_remedy_for_few_ids_depends_on_the_ids_of_the_user_namespace() {
        let usual = "have 65536 uids delegated: by root, with the option --add-subuids of usermod(8), or by the administrator of the \
                     directory service";
        let outer = "start the container with at least 65536 uids";
        let rootless = &[(0, 1), (1, 65_536)][..];
        for (mapped, delegated, others, expected) in [
            (&[(0, u32::MAX)][..], (100_000, 1000), &[][..], usual),
            (&[(0, 67_537)], (1001, 1000), &[], usual),
            (rootless, (1001, 64_535), &[], "1 to 999, 65536"),
            (rootless, (10_000, 5000), &[], "1 to 999, 1001 to 9999, 15000 to 65536"),
            (rootless, (1, 999), &[], "1001 to 65536"),
            // As in a container of Docker's userns-remap.
            (&[(0, 65_536)], (1001, 64_535), &[], "1 to 999"),
            (&[(0, 65_535)], (1001, 64_534), &[], outer),
            (&[(0, 1), (100_000, 65_000)], (100_000, 65_000), &[], outer),
            // No range crosses a boundary of the map.
            (
                &[(0, 1), (1, 30_000), (30_001, 36_000)],
                (50_000, 10),
                &[],
                "1 to 999, 1001 to 30000, 30001 to 49999, 50010 to 66000",
            ),
            // Other users have the account 1001 and the ids 10000 to 39999.
            (
                &[(0, 65_536)],
                (1002, 5000),
                &[(1001, 1), (10_000, 30_000)],
                "start the container with at least 95537 uids: other users have 30001",
            ),
            (
                &[(0, 95_537)],
                (1002, 5000),
                &[(1001, 1), (10_000, 30_000)],
                "1 to 999, 6002 to 9999, 40000 to 95536",
            ),
            (&[(0, 97_537)], (1002, 1), &[(10_000, 30_000)], usual),
            (&[(0, u32::MAX)], (100_000, 1000), &[(101_000, 65_536)], usual),
            // Without /proc, the map is unknown.
            (&[], (1, 999), &[], usual),
        ] {
            assert_eq!(more_ids(mapped, delegated, Some(others)), expected, "{mapped:?}, {delegated:?}");
        }
        assert_eq!(more_ids(rootless, (1, 999), None), usual);
    }

    /// A plugin may delegate any id to another user.
    #[test]
    fn with_a_plugin_the_remedy_names_no_ids() {
        let caller = Caller { uid: 1000, gid: 1000, login_gid: 1000, name: b"alice".to_vec() };
        let mapped = [MapLine::new(0, 0, 65_536)];
        let remedy = |delegated| super::remedy(IdType::Uid, &caller, &[delegated], None, Some(&mapped));
        let few = remedy(IdRange::new(2_000, 8_000)).unwrap();
        assert!(few.fix.unwrap().starts_with("have 65536 uids delegated: "));
        assert_eq!(remedy(IdRange::new(1, 65_534)), None);
    }

    #[test]
    fn ids_of_others_are_those_of_their_lines_and_accounts_but_of_no_system_account() {
        let lines = Lines { others: ids(&[(500, 5), (10_000, 30_000), (50_000, 10)]), ..Lines::default() };
        let accounts = Accounts { ids: ids(&[(0, 1002), (65_533, 2), (70_000, 1)]), ..Accounts::default() };
        let others = ids_of_others(&lines, &accounts, &[IdRange::new(50_000, 5)]);
        assert_eq!(others, ids(&[(500, 5), (1_000, 2), (10_000, 30_000), (50_005, 5), (70_000, 1)]));
    }
}
