//! The words and commands that delegate ids.
//!
//! Accounts of a directory are not listed, so the advice to take free ids has a condition.

use libc::uid_t;

use super::free_ids::{CONTAINER_COUNT, has_all_ids, unread_file};
use crate::escape::{escape, shell_word};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::accounts::Accounts;
use crate::explain::evidence::mounts::Mount;
use crate::explain::evidence::place::Container;
use crate::id_range::IdRange;
use crate::id_type::IdType;
use crate::number::{self, Base, NumberError};

/// Why no command here can change the subid file. Tools replace the file, and a mount point cannot be replaced (rename(2), EBUSY).
pub(super) fn unchangeable(evidence: &Evidence) -> Option<String> {
    unchangeable_file(evidence.id_type, evidence.subid_mount.as_ref()?)
}

fn unchangeable_file(id_type: IdType, mount: &Mount) -> Option<String> {
    let file = id_type.subid_file();
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

/// A user, and the subid file that may delegate more ids to the user.
pub(crate) struct Recipient<'a> {
    pub(crate) id_type: IdType,
    pub(crate) name: &'a [u8],
    pub(crate) uid: uid_t,
    /// The mount of the subid file.
    pub(crate) mount: Option<&'a Mount>,
    pub(crate) accounts: &'a Accounts,
}

impl Recipient<'_> {
    /// The command that delegates the ids, and its user. The file exists.
    pub(crate) fn delegate(&self, ranges: &[IdRange]) -> String {
        let Self { id_type, name, uid, mount, accounts } = *self;
        let (word, file) = (id_type.word(), id_type.subid_file());
        let condition = directory_condition(id_type, accounts);
        let each = |show: &dyn Fn(IdRange) -> String| ranges.iter().copied().map(show).collect::<Vec<_>>();
        let line_of = |owner: &str, range: IdRange| format!("{owner}:{}:{}", range.start(), range.count());
        if let Some(reason) = mount.and_then(|mount| unchangeable_file(id_type, mount)) {
            let lines = each(&|range| line_of(&line_owner(name, uid), range)).join(" and ");
            let plural = if ranges.len() == 1 { "" } else { "s" };
            return format!("{reason}: add the line{plural} {lines}{condition}");
        }
        if let Some(name) = owner_word(name, uid) {
            let options = each(&|range| format!("--add-sub{word}s {}", interval(range))).join(" ");
            return format!("as root, run `usermod {options} {name}`{condition}");
        }
        // The first newline ends a last line without one.
        let lines = each(&|range| format!("echo {}", line_of(&uid.to_string(), range))).join("; ");
        format!("as root, run `(echo; {lines}) >>{file}`{condition}")
    }
}

/// The command that delegates the ids to the caller, and its user.
pub(super) fn delegate(range: IdRange, evidence: &Evidence) -> String {
    // usermod(8) does not create the file.
    if unchangeable(evidence).is_none() && evidence.lines().is_some_and(|lines| lines.is_missing) {
        return create_file(range, evidence);
    }
    let recipient = Recipient {
        id_type: evidence.id_type,
        name: evidence.caller.as_ref().map_or(&b""[..], |caller| &caller.name),
        uid: evidence.credentials.uid,
        mount: evidence.subid_mount.as_ref(),
        accounts: &evidence.accounts,
    };
    recipient.delegate(&[range])
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
    owner_word(&evidence.caller.as_ref()?.name, evidence.credentials.uid)
}

fn owner_word(name: &[u8], uid: uid_t) -> Option<String> {
    shell_word(name).filter(|_| can_be_owner(name, uid))
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

fn directory_condition(id_type: IdType, accounts: &Accounts) -> String {
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
    user_migrates(&evidence.caller_name())
}

pub(crate) fn user_migrates(user: &str) -> String {
    format!("; with podman, run podman system migrate as {user} afterwards")
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
        let name = word.to_ascii_uppercase();
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
    use super::{create_file, delegate, line, owner};
    use crate::caller::Caller;
    use crate::explain::causes::test_evidence::evidence;
    use crate::id_range::IdRange;

    #[test]
    fn a_suggested_line_has_a_condition_if_a_directory_has_accounts() {
        for (unlisted, expected) in
            [(&[][..], "alice:7:10"), (&["sss"], "alice:7:10 (only if no user of sss has one of these uids)")]
        {
            let evidence = evidence(|evidence| {
                evidence.accounts.unlisted = unlisted.iter().map(ToString::to_string).collect();
            });
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
