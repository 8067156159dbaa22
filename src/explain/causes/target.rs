//! Whose target it is, and who calls.

use libc::{gid_t, uid_t};
use nix::errno::Errno;

use super::{Cause, Key, process};
use crate::explain::evidence::Evidence;
use crate::mapping::policy::PolicyError;

/// Nobody was found for the real uid.
pub(super) fn no_user_name(evidence: &Evidence) -> Cause {
    match evidence.passwd {
        Some(reason) if reason.errno() == Errno::EACCES => Cause::new(
            Key::NoPasswdEntry,
            format!("/etc/passwd cannot be read by uid {}: {reason}", evidence.credentials.uid),
            "as root, run 'chmod 0644 /etc/passwd'",
        ),
        _ => no_passwd_entry(evidence.credentials.uid, evidence.credentials.gid),
    }
}

/// The real uid is nobody's.
pub(crate) fn no_passwd_entry(uid: uid_t, gid: gid_t) -> Cause {
    Cause::new(
        Key::NoPasswdEntry,
        format!("uid {uid} has no entry in the passwd database"),
        format!(
            "add one, in the image, or at start where uids are random (OpenShift): \
             'echo user:x:{uid}:{gid}::/home/user:/bin/sh >>/etc/passwd'"
        ),
    )
}

/// The target is not the caller's.
pub(super) fn foreign(error: &PolicyError, evidence: &Evidence) -> Vec<Cause> {
    let PolicyError::ForeignTarget { uid, gid, login_gid, target_uid, target_gid } = *error else {
        return Vec::new();
    };
    if evidence.target.as_ref().is_some_and(|target| target.ended) {
        // Root owns what is left.
        return vec![process::ended(evidence)];
    }
    let target = evidence.target_name();
    let real_uid = evidence.target.as_ref().and_then(|target| target.real_uid);
    if target_uid != uid {
        if let Some(cause) = process::elsewhere(evidence) {
            return vec![cause];
        }
        let (owner, fix) = if real_uid == Some(uid) {
            (
                format!(
                    "runs with the effective uid {target_uid}, though its real uid is the caller's, {uid}"
                ),
                "make the user namespace in a process that has kept the caller's uid".to_owned(),
            )
        } else if evidence.process.overflow_uid == Some(target_uid) {
            (
                format!(
                    "belongs to a uid that this user namespace does not have, and the caller is uid {uid}"
                ),
                format!(
                    "run {} as the user, and in the user namespace, that started it",
                    evidence.id_type.program()
                ),
            )
        } else {
            (
                format!("belongs to uid {target_uid}, and the caller is uid {uid}"),
                format!(
                    "give the PID of a process of the caller's, as the caller's own /proc has it, or run {} as uid \
                     {target_uid}",
                    evidence.id_type.program()
                ),
            )
        };
        return vec![Cause::new(Key::ForeignTarget, format!("{target} {owner}"), fix)];
    }
    let mut causes = Vec::new();
    if target_gid != gid {
        let fix = if evidence.groups.contains(&target_gid) || target_gid == login_gid {
            format!("call it under gid {target_gid}, with sg or newgrp")
        } else {
            format!("start the process under gid {gid}")
        };
        let sentence = format!("{target} has gid {target_gid}, and the caller has gid {gid}");
        causes.push(Cause::new(Key::ForeignTarget, sentence, fix));
    }
    if gid != login_gid && (target_gid == gid || target_gid != login_gid) {
        causes.push(Cause::new(
            Key::ForeignTarget,
            format!("the caller has gid {gid}, which is not the login group, {login_gid}"),
            format!(
                "start both under gid {login_gid}, with sg or newgrp, or as root set GRANT_AUX_GROUP_SUBIDS yes \
                 in /etc/login.defs"
            ),
        ));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::{Errno, foreign, no_user_name};
    use crate::explain::causes::test_evidence::{evidence, target};
    use crate::explain::evidence::target::Relation;
    use crate::mapping::policy::PolicyError;

    #[test]
    fn another_users_a_hidden_and_another_groups_target_are_told_apart() {
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
    fn a_passwd_file_that_cannot_be_read_is_told_from_an_entry_that_is_missing() {
        for (reason, sentence) in [
            (None, "uid 1000 has no entry in the passwd database"),
            (Some(Errno::ENOENT), "uid 1000 has no entry in the passwd database"),
            (Some(Errno::EACCES), "/etc/passwd cannot be read by uid 1000: Permission denied"),
        ] {
            let cause = no_user_name(&evidence(|evidence| evidence.passwd = reason.map(Into::into)));
            assert_eq!(cause.sentence, sentence);
        }
    }

    #[test]
    fn what_is_left_of_a_process_is_not_told_as_roots() {
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
                    target.ended = true;
                }
            }),
        );
        assert_eq!(causes[0].sentence, "process 7 has ended meanwhile");
    }

    #[test]
    fn a_member_is_told_to_change_groups() {
        let error = PolicyError::ForeignTarget {
            uid: 1000,
            gid: 1000,
            login_gid: 1000,
            target_uid: 1000,
            target_gid: 100,
        };
        for (groups, fix) in [
            (vec![100], "call it under gid 100, with sg or newgrp"),
            (vec![], "start the process under gid 1000"),
        ] {
            let causes = foreign(&error, &evidence(|evidence| evidence.groups = groups.clone()));
            assert_eq!(causes[0].fix.as_deref(), Some(fix));
        }
    }
}
