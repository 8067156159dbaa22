//! Causes of a refused caller or target: no passwd entry, another user's process, another group.

use std::ops::RangeInclusive;

use libc::{gid_t, uid_t};
use nix::errno::Errno;

use super::{Cause, Key, denial, proc};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::accounts::Accounts;
use crate::explain::evidence::passwd_file::PasswdFile;
use crate::explain::evidence::place::Place;
use crate::mapping::policy::PolicyError;

/// The uids of the users of systemd-homed (systemd's docs/UIDS-GIDS.md).
const HOMED: RangeInclusive<uid_t> = 60_001..=60_513;

/// The real uid was not found. The C library finds no entry in an unreadable /etc/passwd, and reports no error.
pub(crate) fn no_passwd_entry(
    uid: uid_t,
    gid: gid_t,
    accounts: &Accounts,
    place: &Place,
    file: &PasswdFile,
) -> Cause {
    let denial = file.denial.as_ref();
    match accounts.passwd_error {
        Some(reason) if reason.errno() == Errno::EACCES => Cause::new(
            Key::NoPasswdEntry,
            format!("/etc/passwd cannot be read by uid {uid}: {reason}{}", denial::note(denial)),
            denial::allow("/etc/passwd", denial),
        ),
        _ => missing_entry(uid, gid, accounts, place, file),
    }
}

/// A home that no user can write: clients read configuration there that names programs to run (containers.conf(5)).
const HOME: &str = "/nonexistent";

/// The advice to add an entry. The first `echo` ends a last line without newline.
fn add_entry(uid: uid_t, gid: gid_t, file: &PasswdFile) -> String {
    let Some(name) = &file.free_name else {
        return format!(
            "add a line for uid {uid} to /etc/passwd, with a name that /etc/passwd, /etc/subuid and /etc/subgid do not have"
        );
    };
    let line = format!("{name}:x:{uid}:{gid}::{HOME}:/bin/sh");
    if file.ends_within_a_line {
        format!("run `(echo; echo {line}) >>/etc/passwd`")
    } else {
        format!("run `echo {line} >>/etc/passwd`")
    }
}

fn missing_entry(uid: uid_t, gid: gid_t, accounts: &Accounts, place: &Place, file: &PasswdFile) -> Cause {
    let sentence = format!("uid {uid} has no entry in the passwd database");
    let add = add_entry(uid, gid, file);
    let home = "podman and buildah need HOME, a directory that other users cannot write";
    let (sentence, fix) = if accounts.has_systemd && HOMED.contains(&uid) {
        let (first, last) = HOMED.into_inner();
        (
            format!(
                "{sentence}: uids from {first} to {last} are those of systemd-homed, and systemd (passwd: in /etc/nsswitch.conf) \
                 gave no entry"
            ),
            "check that systemd-homed runs and knows the user (homectl list must name the user); add no line to /etc/passwd for a \
             user of systemd-homed"
                .to_owned(),
        )
    } else if !accounts.directories.is_empty() {
        let names = accounts.directories.join(" and ");
        (
            format!(
                "{sentence}: /etc/passwd does not have it, and {names} (passwd: in /etc/nsswitch.conf) gave no entry"
            ),
            format!(
                "check that the directory service behind {names} runs and knows the user (getent passwd {uid} must print an \
                 entry); add no line to /etc/passwd for a user of a directory"
            ),
        )
    } else if accounts.may_write_passwd {
        // As in images for OpenShift, where the group 0 may write to the file.
        (sentence, format!("{add}, at each start of the container if uids are random (OpenShift); {home}"))
    } else if place.container.is_some() {
        (
            sentence,
            format!(
                "as root in this container or its image, {add}; if uids are random (OpenShift), make /etc/passwd writable for \
                 group 0 in the image, and add the entry when the container starts; {home}"
            ),
        )
    } else {
        (sentence, format!("as root, {add}; {home}"))
    };
    Cause::new(Key::NoPasswdEntry, sentence, fix)
}

/// The target belongs to another user or group, or the caller's group is not the login group.
pub(super) fn foreign(error: &PolicyError, evidence: &Evidence) -> Vec<Cause> {
    let PolicyError::ForeignTarget { uid, gid, login_gid, target_uid, target_gid } = *error else {
        return Vec::new();
    };
    // Root owns the directory of a process that has ended.
    if evidence.target.as_ref().is_some_and(|target| target.has_ended) {
        return vec![proc::ended(evidence)];
    }
    if target_uid != uid {
        return vec![
            proc::other_pid_namespace(evidence).unwrap_or_else(|| other_user(uid, target_uid, evidence)),
        ];
    }
    let mut causes = Vec::new();
    if target_gid != gid {
        causes.push(other_group(gid, login_gid, target_gid, evidence));
    }
    // If the target has the login group, the fix of the first cause is enough.
    if gid != login_gid && (target_gid == gid || target_gid != login_gid) {
        causes.push(not_login_group(gid, login_gid, evidence));
    }
    causes
}

fn other_user(uid: uid_t, target_uid: uid_t, evidence: &Evidence) -> Cause {
    let (target, program) = (evidence.target_name(), evidence.id_type.program());
    let real_uid = evidence.target.as_ref().and_then(|target| target.real_uid);
    let (sentence, fix) = if real_uid == Some(uid) {
        (
            format!(
                "{target} runs with the effective uid {target_uid}, although its real uid is the caller's, {uid}"
            ),
            "create the user namespace in a process that keeps the caller's uid".to_owned(),
        )
    } else if evidence.process.overflow_uid == Some(target_uid) {
        (
            format!(
                "{target} belongs to a uid that is not mapped in this user namespace, and the caller is uid {uid}"
            ),
            format!("run {program} as the user, and in the user namespace, that started the process"),
        )
    } else {
        (
            format!("{target} belongs to uid {target_uid}, and the caller is uid {uid}"),
            format!(
                "give the PID of a process of the caller, as the caller's /proc shows it, or run {program} as uid {target_uid}"
            ),
        )
    };
    Cause::new(Key::ForeignTarget, sentence, fix)
}

fn other_group(gid: gid_t, login_gid: gid_t, target_gid: gid_t, evidence: &Evidence) -> Cause {
    let (target, program) = (evidence.target_name(), evidence.id_type.program());
    let may_join = evidence.groups.contains(&target_gid) || target_gid == login_gid;
    let fix = match &evidence.place.service {
        Some(unit) if target_gid == login_gid => without_group_option(unit, login_gid),
        _ if may_join => format!("run {program} under gid {target_gid}, with sg or newgrp"),
        _ => format!("start the process under gid {gid}"),
    };
    Cause::new(
        Key::ForeignTarget,
        format!("{target} has gid {target_gid}, and the caller has gid {gid}"),
        fix,
    )
}

fn not_login_group(gid: gid_t, login_gid: gid_t, evidence: &Evidence) -> Cause {
    let program = evidence.id_type.program();
    Cause::new(
        Key::ForeignTarget,
        format!("the caller has gid {gid}, which is not the login group, {login_gid}"),
        match &evidence.place.service {
            Some(unit) => format!("{}, or as root, {GRANT}", without_group_option(unit, login_gid)),
            None => format!(
                "start the process and {program} under gid {login_gid}, with sg or newgrp, or as root, {GRANT}"
            ),
        },
    )
}

/// The option of login.defs(5) that the programs read.
const GRANT: &str = "set GRANT_AUX_GROUP_SUBIDS yes in /etc/login.defs";

fn without_group_option(unit: &str, login_gid: gid_t) -> String {
    format!(
        "the administrator of {unit} can remove Group= from the unit, or set Group={login_gid}: without the option, a unit has the \
         login group of User="
    )
}

#[cfg(test)]
mod tests {
    use super::{Accounts, Errno, PasswdFile, Place, foreign, no_passwd_entry};
    use crate::explain::causes::test_evidence::{evidence, target};
    use crate::explain::evidence::target::Relation;
    use crate::mapping::policy::PolicyError;

    #[test]
    fn a_foreign_target_has_another_uid_or_effective_uid_or_group() {
        for (gid, login_gid, (target_uid, target_gid), real_uid, member, sentences) in [
            (1000, 1000, (1001, 1001), 1001, false, &["process 7 belongs to uid 1001"][..]),
            (1000, 1000, (0, 0), 0, false, &["process 7 belongs to uid 0"]),
            (1000, 1000, (0, 0), 1000, false, &["process 7 runs with the effective uid 0"]),
            (1000, 1000, (1000, 100), 1000, false, &["process 7 has gid 100"]),
            (100, 1000, (1000, 100), 1000, true, &["the caller has gid 100, which is not the login group"]),
            (100, 1000, (1000, 1000), 1000, false, &["process 7 has gid 1000"]),
            (100, 1000, (1000, 101), 1000, false, &["process 7 has gid 101", "the caller has gid 100"]),
        ] {
            let error = PolicyError::ForeignTarget { uid: 1000, gid, login_gid, target_uid, target_gid };
            let evidence = evidence(|evidence| {
                evidence.target = target(Relation::Child, Some(false));
                if let Some(target) = &mut evidence.target {
                    target.real_uid = Some(real_uid);
                }
                evidence.groups = if member { vec![target_gid] } else { vec![] };
            });
            let causes = foreign(&error, &evidence);
            assert_eq!(causes.len(), sentences.len(), "{causes:?}");
            for (cause, sentence) in causes.iter().zip(sentences) {
                assert!(cause.sentence.starts_with(sentence), "{}", cause.sentence);
            }
        }
    }

    #[test]
    fn an_unreadable_passwd_file_and_a_missing_entry_are_two_causes() {
        for (reason, sentence) in [
            (None, "uid 1000 has no entry in the passwd database"),
            (Some(Errno::ENOENT), "uid 1000 has no entry in the passwd database"),
            (Some(Errno::EACCES), "/etc/passwd cannot be read by uid 1000: Permission denied"),
        ] {
            let accounts = Accounts { passwd_error: reason.map(Into::into), ..Accounts::default() };
            let cause = no_passwd_entry(1000, 1000, &accounts, &Place::default(), &PasswdFile::default());
            assert_eq!(cause.sentence, sentence);
        }
    }

    /// A line in /etc/passwd would take the uid from the user of systemd-homed.
    #[test]
    fn a_user_of_systemd_homed_gets_no_line_in_the_passwd_file() {
        let sss = &["sss"][..];
        for (uid, has_systemd, directories, is_homed) in [
            (60_001, true, &[][..], true),
            (60_513, true, sss, true),
            (60_514, true, &[], false),
            (60_001, false, &[], false),
        ] {
            let accounts = Accounts {
                has_systemd,
                directories: directories.iter().map(ToString::to_string).collect(),
                ..Accounts::default()
            };
            let file = PasswdFile { free_name: Some("name".to_owned()), ..PasswdFile::default() };
            let cause = no_passwd_entry(uid, uid, &accounts, &Place::default(), &file);
            assert_eq!(cause.sentence.contains("systemd-homed"), is_homed, "{uid}: {cause:?}");
            assert_eq!(cause.fix.unwrap().contains("run `echo"), !is_homed, "{uid}");
        }
    }

    #[test]
    fn a_process_that_has_ended_is_not_reported_as_a_process_of_root() {
        let error = PolicyError::ForeignTarget {
            uid: 1000,
            gid: 1000,
            login_gid: 1000,
            target_uid: 0,
            target_gid: 0,
        };
        let causes = foreign(
            &error,
            &evidence(|evidence| {
                if let Some(target) = &mut evidence.target {
                    target.has_ended = true;
                }
            }),
        );
        assert_eq!(causes[0].sentence, "process 7 has ended");
    }

    #[test]
    fn a_member_of_the_targets_group_can_run_the_program_under_it() {
        let error = PolicyError::ForeignTarget {
            uid: 1000,
            gid: 1000,
            login_gid: 1000,
            target_uid: 1000,
            target_gid: 100,
        };
        for (groups, fix) in [
            (vec![100], "run newuidmap under gid 100, with sg or newgrp"),
            (vec![], "start the process under gid 1000"),
        ] {
            let causes = foreign(&error, &evidence(|evidence| evidence.groups = groups.clone()));
            assert_eq!(causes[0].fix.as_deref(), Some(fix));
        }
    }
}
