//! The delegated ids, as getsubids(1) lists them: from the subid files or the subid plugin.

use super::report::{Finding, Remedy};
use crate::caller::Caller;
use crate::escape::escape;
use crate::explain::cause::Key;
use crate::explain::causes::{self, NOBODY};
use crate::explain::evidence::accounts::Accounts;
use crate::explain::evidence::delegation::Lines;
use crate::explain::evidence::id_map::{self, MapLine};
use crate::explain::evidence::path::Denial;
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;
use crate::passwd::Passwd;
use crate::subid::list::{Delegated, ListError, list};
use crate::subid::plugin::PluginError;
use crate::subid::{Source, SubidError};

/// The ids that useradd(8) delegates.
const USUAL_COUNT: u64 = 65_536;

#[derive(Debug)]
pub(super) struct Delegation {
    id_type: IdType,
    /// The ranges, without empty ones and those beyond the last id; or why there is no list.
    ranges: Result<Vec<IdRange>, ListError>,
    /// The lines of the file; `None` with a plugin.
    lines: Option<Lines>,
}

impl Delegation {
    pub(super) fn list(id_type: IdType, caller: &Caller, passwd: &impl Passwd) -> Self {
        let source = Source::open(id_type);
        let all = [IdRange::new(0, u32::MAX)].into_iter().collect();
        let lines = matches!(source, Ok(Source::File(_)))
            .then(|| Lines::examine(id_type, caller, &all, passwd))
            .flatten();
        let listed = source
            .map_err(ListError::from)
            .and_then(|source| list(source, id_type, &caller.name, Some(caller.uid), passwd));
        let range =
            |start: u64, count: u64| IdRange::checked_new(start.try_into().ok()?, count.try_into().ok()?);
        let usable = |listed: Vec<Delegated>| {
            let ranges = listed.into_iter().filter_map(|delegated| range(delegated.start, delegated.count));
            ranges.filter(|range| range.count() > 0).collect()
        };
        Self { id_type, ranges: listed.map(usable), lines }
    }

    /// `None` without a list.
    pub(super) fn listed(&self) -> Option<&[IdRange]> {
        self.ranges.as_deref().ok()
    }

    /// Whether the source answered with an empty list.
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.as_ref().is_ok_and(Vec::is_empty)
    }

    /// The ids, and beside them the ids of this user namespace: only ids that are in both can be mapped. After a trial, the program has
    /// named the cause of an empty list.
    pub(super) fn finding(&self, caller: &Caller, is_tried: bool) -> Finding {
        let (word, user) = (self.id_type.word(), escape(&caller.name));
        let subject = match self.id_type {
            IdType::Uid => "delegated uids",
            IdType::Gid => "delegated gids",
        };
        let ranges = match &self.ranges {
            Ok(ranges) => ranges,
            Err(error) => {
                let detail = format!("cannot be listed: {error}");
                return Finding::bad(subject, detail, plugin_failure(error, &user));
            }
        };
        let mapped = id_map::read("self", self.id_type);
        let detail = |ids: &str| format!("{ids}{}", mapped.as_deref().map(shown).unwrap_or_default());
        let count = ranges.iter().fold(0_u64, |sum, range| sum.saturating_add(range.count()));
        if count == 0 {
            let nothing =
                || Remedy::without_fix(Key::NotDelegated, format!("no {word}s are delegated to {user}"));
            let remedy = match caller.uid {
                0 => Some(for_root(word)),
                _ => (!is_tried).then(nothing),
            };
            return Finding::bad(subject, detail("no id"), remedy);
        }
        let detail = detail(&ranges.iter().map(IdRange::to_string).collect::<Vec<_>>().join(", "));
        // The caller's own id becomes 0, and is not delegated.
        let few_ids = (count < NOBODY.into()).then(|| {
            Remedy::new(
                Key::FewIds,
                format!(
                    "{count} {word}s are delegated to {user}, and usual images have {word}s up to {NOBODY} (nobody)"
                ),
                self.more_ids(caller, ranges, mapped.as_deref()),
            )
        });
        let remedies: Vec<Remedy> = few_ids.into_iter().chain(self.unusual_line(caller)).collect();
        if remedies.is_empty() {
            Finding::good(subject, detail)
        } else {
            Finding::note(subject, detail, remedies)
        }
    }

    fn more_ids(&self, caller: &Caller, ranges: &[IdRange], mapped: Option<&[MapLine]>) -> String {
        let accounts = Accounts::examine(self.id_type);
        // With a plugin, there are no lines.
        let lines = self.lines.as_ref().filter(|lines| !lines.is_unread && accounts.unread.is_none());
        let others = lines.map(|lines| ids_of_others(lines, &accounts, ranges));
        more_ids(
            self.id_type.word(),
            mapped,
            ranges,
            caller.own_id(self.id_type),
            others.as_ref(),
            &causes::directory_condition(self.id_type, &accounts),
        )
    }

    /// The first line that newuidmap reads otherwise than clients do. They look for the name and the uid, and read decimal numbers.
    fn unusual_line(&self, caller: &Caller) -> Option<Remedy> {
        let mut own = self.lines.as_ref()?.own.iter();
        let line = own.find(|line| line.is_alias || !line.is_canonical)?;
        let (file, user, number) = (self.id_type.subid_file(), escape(&caller.name), line.number);
        Some(Remedy::new(
            Key::DefectiveLine,
            format!(
                "some clients (unshare, some versions of podman) look in {file} for the owner {user} or {} and for decimal numbers, and \
                 line {number} has another form",
                caller.uid
            ),
            format!(
                "write line {number} of {file} as {}:{}:{}; with podman, run podman system migrate as {user} afterwards",
                causes::line_owner(&caller.name, caller.uid),
                line.range.start(),
                line.range.count()
            ),
        ))
    }
}

/// The ids that other users have, by delegation or as accounts. Excluded are ids below 1000, 65534 (nobody), and 65533 (nogroup on
/// Alpine).
fn ids_of_others(lines: &Lines, accounts: &Accounts, delegated: &[IdRange]) -> IdSet {
    let mut accounts = accounts.ids.clone();
    accounts.remove(IdRange::new(0, causes::CONTAINER_MIN));
    accounts.remove(IdRange::new(NOBODY.saturating_sub(1), 2));
    let mut ids: IdSet = lines.others.ranges().chain(accounts.ranges()).collect();
    for range in delegated {
        ids.remove(*range);
    }
    ids
}

/// The ids of this user namespace.
fn shown(mapped: &[MapLine]) -> String {
    let ranges: Vec<String> = mapped.iter().map(|line| line.inside().to_string()).collect();
    format!(" (this user namespace has {})", ranges.join(", "))
}

/// How to get as many ids as usual images have. A container often has 65,536 ids: then all of them are needed, except 0 and the
/// caller's own. No ids are named if those of other users are unknown.
fn more_ids(
    word: &str,
    mapped: Option<&[MapLine]>,
    delegated: &[IdRange],
    own: u32,
    others: Option<&IdSet>,
    condition: &str,
) -> String {
    let usual = format!(
        "have {USUAL_COUNT} {word}s delegated: by root, with the option --add-sub{word}s of usermod(8), or by the administrator of the \
         directory service"
    );
    let Some(mapped) = mapped else { return usual };
    let mut possible: IdSet = mapped.iter().map(|line| line.inside()).collect();
    possible.remove(IdRange::new(0, 1));
    possible.remove(IdRange::new(own, 1));
    let with_others = count(&possible);
    others.into_iter().flat_map(IdSet::ranges).for_each(|range| possible.remove(range));
    let taken = with_others.saturating_sub(count(&possible));
    if count(&possible) < NOBODY.into() {
        let reason = if taken == 0 { String::new() } else { format!(": other users have {taken}") };
        return format!(
            "start the container with at least {} {word}s{reason}",
            USUAL_COUNT.saturating_add(taken)
        );
    }
    let mut missing = possible;
    for range in delegated {
        missing.remove(*range);
    }
    let mut ordinary = missing.clone();
    ordinary.remove(IdRange::new(0, causes::CONTAINER_MIN));
    if others.is_none() || count(&ordinary) >= USUAL_COUNT {
        return usual;
    }
    let of_the_system = if count(&missing) > count(&ordinary) {
        ", which include ids of the container's system accounts"
    } else {
        ""
    };
    let options: Vec<String> =
        missing.ranges().map(|range| format!("--add-sub{word}s {}", causes::interval(range))).collect();
    format!(
        "have the {word}s {missing} delegated, too{condition}{of_the_system}: by root, with the options {} of usermod(8)",
        options.join(" ")
    )
}

fn count(ids: &IdSet) -> u64 {
    ids.ranges().map(IdRange::count).sum()
}

/// The cause of an unreadable file comes from the program, which reads the same file.
fn plugin_failure(error: &ListError, user: &str) -> Option<Remedy> {
    let fix = match error {
        ListError::Source(SubidError::File { .. }) => return None,
        ListError::Source(SubidError::Unusable(unusable)) => {
            let denial = Denial::of("/etc/nsswitch.conf");
            return Some(causes::unusable(unusable, denial.as_ref()).into());
        }
        ListError::Plugin { error: PluginError::UnknownUser, .. } => causes::delegate_or_reach(user),
        ListError::Plugin { .. } => format!(
            "check that the plugin is installed, and that its service runs and knows {user} (for sss: sssd), or as root, remove the \
             line subid: from /etc/nsswitch.conf"
        ),
    };
    let sentence = format!("the subid plugin in /etc/nsswitch.conf lists no ids for {user}: {error}");
    Some(Remedy::new(Key::Plugin, sentence, fix))
}

/// Root usually needs no delegation, and is checked by mistake.
fn for_root(word: &str) -> Remedy {
    Remedy::new(
        Key::NotDelegated,
        format!("no {word}s are delegated to root; an engine that root starts with CAP_SYS_ADMIN needs none"),
        "to check the user who starts containers, run uidmap-check --user NAME",
    )
}

#[cfg(test)]
mod tests {
    use super::{Caller, Delegation, IdType, ids_of_others, more_ids};
    use crate::explain::evidence::accounts::Accounts;
    use crate::explain::evidence::delegation::Lines;
    use crate::explain::evidence::id_map::MapLine;
    use crate::id_range::{IdRange, IdSet};

    fn ids(ranges: &[(u32, u32)]) -> IdSet {
        ranges.iter().map(|(start, count)| IdRange::new(*start, *count)).collect()
    }

    #[test]
    fn the_remedy_for_few_ids_depends_on_the_ids_of_the_user_namespace() {
        let usual = "have 65536 uids delegated: ";
        let outer = "start the container with at least 65536 uids";
        let rootless = &[(0, 1), (1, 65_536)][..];
        for (mapped, delegated, others, expected) in [
            (&[(0, u32::MAX)][..], (100_000, 1000), &[][..], usual),
            (&[(0, 67_537)], (1001, 1000), &[], usual),
            (
                rootless,
                (1001, 64_535),
                &[],
                "have the uids 1 to 999, 65536 delegated, too, which include ids of the container's system accounts: by root, \
                 with the options --add-subuids 1-999 --add-subuids 65536-65536 of usermod(8)",
            ),
            (
                rootless,
                (10_000, 5000),
                &[],
                "have the uids 1 to 999, 1001 to 9999, 15000 to 65536 delegated, too, ",
            ),
            (
                rootless,
                (1, 999),
                &[],
                "have the uids 1001 to 65536 delegated, too: by root, with the options --add-subuids 1001-65536 of usermod(8)",
            ),
            // As in a container of Docker's userns-remap.
            (&[(0, 65_536)], (1001, 64_535), &[], "have the uids 1 to 999 delegated, too, "),
            (&[(0, 65_535)], (1001, 64_534), &[], outer),
            (&[(0, 1), (100_000, 65_000)], (100_000, 65_000), &[], outer),
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
                "have the uids 1 to 999, 6002 to 9999, 40000 to 95536 delegated, too, ",
            ),
            (&[(0, 97_537)], (1002, 1), &[(10_000, 30_000)], usual),
            (&[(0, u32::MAX)], (100_000, 1000), &[(101_000, 65_536)], usual),
        ] {
            let lines: Vec<MapLine> =
                mapped.iter().map(|(inside, count)| MapLine::new(*inside, 0, *count)).collect();
            let (start, count) = delegated;
            let remedy =
                more_ids("uid", Some(&lines), &[IdRange::new(start, count)], 1000, Some(&ids(others)), "");
            assert!(remedy.starts_with(expected), "{mapped:?}, {delegated:?}: {remedy}");
        }
        assert!(more_ids("uid", None, &[], 1000, Some(&ids(&[])), "").starts_with(usual));
        // The ids of other users are unknown, or have a condition.
        let mapped: Vec<MapLine> =
            rootless.iter().map(|(inside, count)| MapLine::new(*inside, 0, *count)).collect();
        assert!(more_ids("uid", Some(&mapped), &[IdRange::new(1001, 9)], 1000, None, "").starts_with(usual));
        let conditional =
            more_ids("uid", Some(&mapped), &[IdRange::new(1, 999)], 1000, Some(&ids(&[])), " (only if)");
        assert!(
            conditional.starts_with("have the uids 1001 to 65536 delegated, too (only if): "),
            "{conditional}"
        );
    }

    /// A plugin may delegate any id to another user.
    #[test]
    fn with_a_plugin_the_remedy_for_few_ids_names_no_ids() {
        let caller = Caller { uid: 1000, gid: 1000, login_gid: 1000, name: b"alice".to_vec() };
        let delegation = Delegation { id_type: IdType::Uid, ranges: Ok(Vec::new()), lines: None };
        let mapped = [MapLine::new(0, 0, 65_536)];
        let remedy = delegation.more_ids(&caller, &[IdRange::new(2_000, 8_000)], Some(&mapped));
        assert!(remedy.starts_with("have 65536 uids delegated: "), "{remedy}");
    }

    #[test]
    fn ids_of_others_are_those_of_their_lines_and_accounts_but_of_no_system_account() {
        let lines = Lines { others: ids(&[(500, 5), (10_000, 30_000), (50_000, 10)]), ..Lines::default() };
        let accounts = Accounts { ids: ids(&[(0, 1002), (65_533, 2), (70_000, 1)]), ..Accounts::default() };
        let others = ids_of_others(&lines, &accounts, &[IdRange::new(50_000, 5)]);
        assert_eq!(others, ids(&[(500, 5), (1_000, 2), (10_000, 30_000), (50_005, 5), (70_000, 1)]));
    }
}
