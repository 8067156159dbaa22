//! Ids to delegate: free ones, as useradd(8) would choose, and the command that delegates them.
//!
//! Free ids belong to no line of the subid file and to no local account. Accounts of a directory are not listed, so the advice has
//! a condition. The kernel accepts no range that crosses a line of this user namespace's own map, so suggested ids are within one line.

use libc::uid_t;

use crate::escape::{escape, shell_word};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::accounts::Accounts;
use crate::explain::evidence::place::Container;
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;
use crate::number::{self, Base, NumberError};

/// In a container without the ids that useradd(8) chooses: the first id that no system account has, and the fewest ids that are worth
/// a delegation. Images have system accounts below 1000.
pub(crate) const CONTAINER_MIN: u32 = 1_000;
const CONTAINER_COUNT: u64 = 1_000;

/// The number of ids: the last 32-bit number, -1, is no id.
const ALL_IDS: u64 = 0xffff_ffff;

/// Free ids for the caller; `None` if there is no room, or if not all used ids are known.
pub(super) fn free_range(evidence: &Evidence) -> Option<IdRange> {
    free_range_instead_of(|_| false, evidence)
}

/// The same, if the lines of the caller with these ranges are replaced.
pub(super) fn free_range_instead_of(
    is_replaced: impl Fn(IdRange) -> bool,
    evidence: &Evidence,
) -> Option<IdRange> {
    if unread_file(evidence).is_some() {
        return None;
    }
    let used = used_ids(is_replaced, evidence);
    let limits = evidence.accounts.limits;
    let usual = gaps(limits.min, limits.max.saturating_add(1), &used, evidence);
    if let Some(gap) = usual.iter().find(|gap| gap.count() >= limits.count) {
        return range(gap.start(), limits.count);
    }
    if has_all_ids(evidence) {
        return None;
    }
    let gaps = gaps(CONTAINER_MIN.into(), ALL_IDS, &used, evidence);
    let gap = gaps
        .iter()
        .find(|gap| gap.count() >= limits.count)
        .or_else(|| gaps.iter().max_by_key(|gap| gap.count()))?;
    range(gap.start(), gap.count().min(limits.count)).filter(|range| range.count() >= CONTAINER_COUNT)
}

/// Whether this user namespace has every id, as the initial one has. Unknown ids count as mapped.
pub(super) fn has_all_ids(evidence: &Evidence) -> bool {
    let mapped = evidence.process.mapped_lines.as_ref();
    mapped.is_none_or(|lines| lines.iter().any(|line| line.count() >= ALL_IDS))
}

/// The lowest id that may be delegated: below are the ids of accounts.
pub(super) fn first_delegable(evidence: &Evidence) -> u64 {
    if has_all_ids(evidence) { evidence.accounts.limits.min } else { CONTAINER_MIN.into() }
}

/// Whether the ids may be delegated to the caller: as many as are worth it, free, and within one line of the own map.
pub(super) fn may_be_delegated(range: IdRange, evidence: &Evidence) -> bool {
    let end = range.end();
    let gaps = gaps(first_delegable(evidence), end, &used_ids(|_| false, evidence), evidence);
    unread_file(evidence).is_none()
        && range.count() >= CONTAINER_COUNT
        && gaps.iter().any(|gap| gap.start() <= range.start() && end <= gap.end())
}

/// Whether some of the ids belong to an account, or may be given to one.
pub(super) fn includes_accounts(ids: &IdSet, evidence: &Evidence) -> bool {
    let is_low = ids.ranges().any(|range| range.start() < first_delegable(evidence));
    is_low || evidence.accounts.ids.ranges().any(|range| ids.intersects(range))
}

/// A file with used ids that is not read to its end.
fn unread_file(evidence: &Evidence) -> Option<&'static str> {
    let is_unread = evidence.lines().is_some_and(|lines| lines.is_unread);
    evidence.accounts.unread.or_else(|| is_unread.then(|| evidence.id_type.subid_file()))
}

/// The ids of accounts, of other owners, and of the caller's lines that stay.
fn used_ids(is_replaced: impl Fn(IdRange) -> bool, evidence: &Evidence) -> IdSet {
    let others = evidence.lines().map(|lines| &lines.others);
    let lines = evidence.lines().map_or(&[][..], |lines| &lines.own);
    let kept = lines.iter().map(|line| line.range).filter(|range| !is_replaced(*range));
    let own = IdRange::new(evidence.own_id(), 1);
    let sets = others.into_iter().chain([&evidence.accounts.ids]);
    sets.flat_map(IdSet::ranges).chain(kept).chain([own]).collect()
}

/// The free ranges from `min` up to, not including, `end`: each within a line of this user namespace's map.
fn gaps(min: u64, end: u64, used: &IdSet, evidence: &Evidence) -> Vec<IdRange> {
    let all = || vec![IdRange::new(0, u32::MAX)];
    let mut lines = evidence.process.mapped_lines.clone().unwrap_or_else(all);
    lines.sort_unstable();
    let mut gaps = Vec::new();
    for line in lines {
        let (mut start, end) = (line.start().max(min), line.end().min(end));
        let first = start;
        for used in used.ranges().skip_while(|used| used.end() <= first) {
            if used.start() >= end {
                break;
            }
            gaps.extend(range(start, used.start().saturating_sub(start)));
            start = start.max(used.end());
        }
        gaps.extend(range(start, end.saturating_sub(start)));
    }
    gaps
}

fn range(start: u64, count: u64) -> Option<IdRange> {
    let range = IdRange::checked_new(start.try_into().ok()?, count.try_into().ok()?)?;
    (range.count() > 0).then_some(range)
}

/// Why no command here can change the subid file. Tools replace the file, and a mount point cannot be replaced (rename(2), EBUSY).
pub(super) fn unchangeable(evidence: &Evidence) -> Option<String> {
    let mount = evidence.subid_mount.as_ref()?;
    let file = evidence.id_type.subid_file();
    if mount.point == file {
        Some(format!("{file} is mounted here, so change the file where it is mounted from (a volume)"))
    } else if mount.is_read_only() {
        Some(format!(
            "{file} is on a read-only file system, so change it where the image or the system is built"
        ))
    } else {
        None
    }
}

/// The command that delegates the ids, and its user.
pub(super) fn delegate(range: IdRange, evidence: &Evidence) -> String {
    let (word, file) = (evidence.id_type.word(), evidence.id_type.subid_file());
    if let Some(reason) = unchangeable(evidence) {
        return format!("{reason}: add the line {}", line(range, evidence));
    }
    let condition = condition(evidence);
    match account_word(evidence) {
        // usermod(8) does not create the file.
        _ if evidence.lines().is_some_and(|lines| lines.is_missing) => create_file(range, evidence),
        Some(name) => {
            format!("as root, run `usermod --add-sub{word}s {} {name}`{condition}", interval(range))
        }
        // The first newline ends a last line without one.
        None => format!(
            "as root, run `(echo; echo {}:{}:{}) >>{file}`{condition}",
            evidence.credentials.uid,
            range.start(),
            range.count()
        ),
    }
}

/// The command that makes the file with one line. The mode may not depend on root's umask: every user reads the file.
pub(super) fn create_file(range: IdRange, evidence: &Evidence) -> String {
    let file = evidence.id_type.subid_file();
    // The uid is an owner that needs no quotes.
    let owner = account_word(evidence).filter(|word| !word.starts_with('\''));
    let owner = owner.unwrap_or_else(|| evidence.credentials.uid.to_string());
    format!(
        "as root, run `echo {owner}:{}:{} >{file} && chmod 0644 {file}`{}",
        range.start(),
        range.count(),
        condition(evidence)
    )
}

/// The caller's name as a word of a command, if the name can be the owner of a line.
pub(super) fn account_word(evidence: &Evidence) -> Option<String> {
    let name = &evidence.caller.as_ref()?.name;
    shell_word(name).filter(|_| can_be_owner(name, evidence.credentials.uid))
}

/// The owner of a line for the caller.
pub(super) fn owner(evidence: &Evidence) -> String {
    let name = evidence.caller.as_ref().map_or(&b""[..], |caller| &caller.name);
    line_owner(name, evidence.credentials.uid)
}

/// The owner of a line for this user: the name, or the uid if the message cannot show the name as it is.
pub(crate) fn line_owner(name: &[u8], uid: uid_t) -> String {
    let shown = escape(name);
    if can_be_owner(name, uid) && shown.as_bytes() == name && !shown.contains('`') {
        shown
    } else {
        uid.to_string()
    }
}

/// Whether a line with this owner is the user's alone. A name with a colon is no owner, and a number is the uid of another user.
fn can_be_owner(name: &[u8], uid: uid_t) -> bool {
    let is_number = number::parse(name, Base::Decimal, 0..=u64::MAX) != Err(NumberError::Malformed);
    let is_own_uid = name == uid.to_string().as_bytes();
    !name.is_empty() && !name.contains(&b':') && (!is_number || is_own_uid)
}

/// A line for the caller with free ids, and its condition.
pub(super) fn line(range: IdRange, evidence: &Evidence) -> String {
    format!("{}:{}:{}{}", owner(evidence), range.start(), range.count(), condition(evidence))
}

/// The condition of a suggestion, which follows the command or the line: the ids of a directory are not listed.
pub(super) fn condition(evidence: &Evidence) -> String {
    directory_condition(evidence.id_type, &evidence.accounts)
}

pub(crate) fn directory_condition(id_type: IdType, accounts: &Accounts) -> String {
    let (names, word) = (accounts.unlisted.join(" or "), id_type.word());
    let account = match id_type {
        IdType::Uid => "user",
        IdType::Gid => "group",
    };
    if names.is_empty() {
        String::new()
    } else {
        format!(" (only if no {account} of {names} has one of these {word}s)")
    }
}

/// First and last id, as usermod(8) takes them.
pub(super) fn interval(range: IdRange) -> String {
    format!("{}-{}", range.start(), range.end().saturating_sub(1))
}

/// podman keeps a process in the old user namespace; without `podman system migrate`, a changed delegation has no effect.
pub(super) fn then_migrate(evidence: &Evidence) -> String {
    format!("; with podman, run podman system migrate as {} afterwards", evidence.caller_name())
}

/// Why no ids can be suggested, and who can change that.
pub(super) fn no_room(evidence: &Evidence) -> String {
    let word = evidence.id_type.word();
    if let Some(file) = unread_file(evidence) {
        return format!(
            "{file} cannot be read to its end, so the free {word}s are unknown: root can delegate {word}s that no other user, account \
             or line has"
        );
    }
    let limits = evidence.accounts.limits;
    if has_all_ids(evidence) {
        let name = word.to_uppercase();
        return format!(
            "no {} free {word}s are left between {} and {} (SUB_{name}_MIN and SUB_{name}_MAX in /etc/login.defs): root can remove \
             lines of {}, or raise SUB_{name}_MAX",
            limits.count,
            limits.min,
            limits.max,
            evidence.id_type.subid_file()
        );
    }
    format!(
        "this user namespace has no room for {CONTAINER_COUNT} more {word}s beside the accounts and the delegated ids; {}",
        more_ids(evidence)
    )
}

/// Who can give this user namespace more ids.
pub(super) fn more_ids(evidence: &Evidence) -> String {
    let place = &evidence.place;
    match (place.container, &place.service) {
        (Some(Container::Kubernetes), _) => {
            "the administrator of the cluster can give the pod more ids (hostUsers, and the node's user namespaces)".to_owned()
        }
        (Some(Container::Podman), _) => {
            "the user who starts the container can give it more ids, by a larger range in the host's subid files, or by another \
             --userns or --uidmap"
                .to_owned()
        }
        (None, Some(unit)) if has_private_users(evidence) => {
            format!("the administrator of {unit} can remove PrivateUsers= from the unit")
        }
        _ => "the user who created this user namespace, such as by starting a container, can give it more ids".to_owned(),
    }
}

/// The map that systemd writes for `PrivateUsers=`: root and the service's own user.
fn has_private_users(evidence: &Evidence) -> bool {
    let mapped = evidence.process.mapped_lines.as_ref();
    mapped.is_some_and(|lines| lines.len() <= 2 && lines.iter().all(|line| line.count() == 1))
}

#[cfg(test)]
mod tests {
    use super::{create_file, delegate, free_range, line, owner};
    use crate::caller::Caller;
    use crate::explain::causes::test_evidence::{evidence, ids, lines};
    use crate::explain::evidence::accounts::Limits;
    use crate::explain::evidence::delegation::{Delegation, Lines};
    use crate::id_range::{IdRange, IdSet};

    #[test]
    fn the_suggested_range_is_the_first_free_one_of_the_usual_size() {
        for (taken, accounts, limits, expected) in [
            (&[][..], &[][..], Limits::default(), Some((100_000, 65_536))),
            (&[(2_147_483_647, u32::MAX / 2)], &[], Limits::default(), Some((100_000, 65_536))),
            (&[(100_000, 65_536)], &[], Limits::default(), Some((165_536, 65_536))),
            (&[(100_000, 65_536), (300_000, 65_536)], &[], Limits::default(), Some((165_536, 65_536))),
            (&[(100_000, 65_536), (200_000, 65_536)], &[], Limits::default(), Some((265_536, 65_536))),
            (&[(100_001, 9)], &[(100_000, 1), (150_000, 1)], Limits::default(), Some((150_001, 65_536))),
            (&[], &[], Limits { min: 500_000, count: 70_000, ..Limits::default() }, Some((500_000, 70_000))),
            (&[(100_000, 600_000_000)], &[], Limits::default(), Some((600_100_000, 0))),
            (&[], &[(150_000, 1)], Limits { max: 200_000, ..Limits::default() }, Some((600_100_000, 0))),
        ] {
            let evidence = evidence(|evidence| {
                let others = ids(taken);
                evidence.delegation = Some(Delegation::File(Lines { others, ..Lines::default() }));
                evidence.accounts.ids = ids(accounts);
                evidence.accounts.limits = limits;
            });
            let expected =
                expected.filter(|(_, count)| *count > 0).map(|(start, count)| IdRange::new(start, count));
            assert_eq!(free_range(&evidence), expected, "{taken:?} {accounts:?} {limits:?}");
        }
    }

    #[test]
    fn in_a_container_the_suggested_range_is_within_one_line_of_the_map() {
        for (mapped, taken, expected) in [
            (&[(0, 65_536)][..], IdSet::default(), Some((1_001, 64_533))),
            (&[(0, 65_536)], ids(&[(1_001, 49_000)]), Some((50_001, 15_533))),
            (&[(0, 65_536)], ids(&[(1_001, 64_000)]), None),
            (&[(0, 300_000)], IdSet::default(), Some((100_000, 65_536))),
            (&[(0, 150_000)], IdSet::default(), Some((65_535, 65_536))),
            (&[(0, 1), (1, 30_000), (30_001, 36_000)], IdSet::default(), Some((30_001, 35_533))),
            (
                &[(0, 100_000), (100_000, 50_000), (150_000, 70_000)],
                IdSet::default(),
                Some((150_000, 65_536)),
            ),
            (&[(0, 1), (2_000, 5)], IdSet::default(), None),
            (&[(0, 1), (1_000, 1)], IdSet::default(), None),
        ] {
            let evidence = evidence(|evidence| {
                evidence.process.mapped_lines = Some(lines(mapped));
                evidence.accounts.ids = ids(&[(0, 1), (65_534, 1)]);
                let others = taken.clone();
                evidence.delegation = Some(Delegation::File(Lines { others, ..Lines::default() }));
            });
            let expected = expected.map(|(start, count)| IdRange::new(start, count));
            assert_eq!(free_range(&evidence), expected, "{mapped:?} {taken}");
        }
    }

    #[test]
    fn a_suggested_line_has_a_condition_if_a_directory_has_accounts() {
        for (unlisted, expected) in
            [(&[][..], "alice:7:10"), (&["sss"], "alice:7:10 (only if no user of sss has one of these uids)")]
        {
            let evidence = evidence(|evidence| evidence.accounts.unlisted = unlisted.to_vec());
            assert_eq!(line(IdRange::new(7, 10), &evidence), expected);
        }
    }

    #[test]
    fn the_name_in_a_command_is_one_word_or_the_uid() {
        for (name, command, line_owner) in [
            ("alice", "as root, run `usermod --add-subuids 7-16 alice`", "alice"),
            ("DOMAIN\\alice", "as root, run `usermod --add-subuids 7-16 'DOMAIN\\alice'`", "DOMAIN\\alice"),
            ("a b; id", "as root, run `usermod --add-subuids 7-16 'a b; id'`", "a b; id"),
            ("-x", "as root, run `(echo; echo 1000:7:10) >>/etc/subuid`", "-x"),
            ("a\nb", "as root, run `(echo; echo 1000:7:10) >>/etc/subuid`", "1000"),
            ("a:b", "as root, run `(echo; echo 1000:7:10) >>/etc/subuid`", "1000"),
            // The uid of another user; newer shadow also reads the second name as one.
            ("1001", "as root, run `(echo; echo 1000:7:10) >>/etc/subuid`", "1000"),
            ("001001", "as root, run `(echo; echo 1000:7:10) >>/etc/subuid`", "1000"),
            ("1000", "as root, run `usermod --add-subuids 7-16 1000`", "1000"),
            ("1001a", "as root, run `usermod --add-subuids 7-16 1001a`", "1001a"),
        ] {
            let evidence = evidence(|evidence| {
                evidence.caller = Some(Caller { uid: 1000, gid: 1000, login_gid: 1000, name: name.into() });
            });
            assert_eq!(delegate(IdRange::new(7, 10), &evidence), command);
            assert_eq!(owner(&evidence), line_owner);
            let created = create_file(IdRange::new(7, 10), &evidence);
            let is_quoted = command.contains('\'') || command.contains("(echo");
            let file_owner = if is_quoted { "1000" } else { name };
            assert!(created.starts_with(&format!("as root, run `echo {file_owner}:7:10 >")), "{created}");
        }
    }
}
