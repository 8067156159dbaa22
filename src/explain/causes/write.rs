//! Why the kernel did not permit the write: EPERM, which `map_write` in kernel/user_namespace.c gives for a dozen reasons.

use super::{Cause, Key, delegation, privilege};
use crate::escape::escape;
use crate::explain::evidence::Evidence;
use crate::explain::evidence::target::Relation;
use crate::id_range::IdSet;
use crate::id_type::IdType;

/// Whether a kernel asks for `CAP_SETFCAP` before it maps uid 0 (`verify_root_map`): since 5.12, and since 5.10.35, which is
/// older than any 5.10 of Debian 11. How old a 5.10 is, its release (5.10.0-32-amd64) does not say.
fn asks_for_setfcap(kernel: (u32, u32)) -> bool {
    kernel >= (5, 12) || kernel == (5, 10)
}

pub(super) fn not_permitted(evidence: &Evidence) -> Vec<Cause> {
    if let Some(cause) = target_excludes(evidence) {
        return vec![cause];
    }
    let mut causes = Vec::new();
    if needs_privilege(evidence) && !evidence.credentials.had_capability {
        causes = privilege::missing(evidence);
        if causes.is_empty() {
            causes.push(privilege::unexplained(evidence));
        }
    }
    causes.extend(root_without_setfcap(evidence));
    causes.extend(not_mapped_here(evidence));
    if causes.is_empty() {
        causes.push(refused(evidence));
    }
    causes
}

/// No privilege helps where the target is none.
pub(super) fn target_excludes(evidence: &Evidence) -> Option<Cause> {
    let (id_type, target) = (evidence.id_type, evidence.target_name());
    let program = id_type.program();
    let is_confined = evidence.process.label.is_some();
    match evidence.target.as_ref()? {
        found if found.namespace == Relation::Same => Some(Cause::new(
            Key::SameNamespace,
            format!("{target} is in the caller's own user namespace, not in a new one"),
            "have the process make a user namespace first, with 'unshare --user' or CLONE_NEWUSER",
        )),
        found
            if found.namespace == Relation::Other
                || (found.namespace == Relation::Closed && !is_confined) =>
        {
            Some(Cause::new(
                Key::NotAChild,
                format!("the user namespace of {target} was not made in the caller's"),
                format!("run {program} in the user namespace in which that one was made"),
            ))
        }
        found if found.mapped == Some(true) => Some(Cause::new(
            Key::AlreadyMapped,
            format!(
                "the {} of {target} was written before, and the kernel takes it once",
                id_type.map_file()
            ),
            format!("run {program} once for each new user namespace"),
        )),
        _ => None,
    }
}

/// One's own id alone needs none (`new_idmap_permitted`).
fn needs_privilege(evidence: &Evidence) -> bool {
    let own = match evidence.id_type {
        IdType::Uid => evidence.credentials.uid,
        IdType::Gid => evidence.credentials.gid,
    };
    !matches!(evidence.ranges[..], [extent] if extent.is_only(own))
}

fn root_without_setfcap(evidence: &Evidence) -> Option<Cause> {
    let maps_root = evidence.ranges.iter().any(|extent| extent.lower() == 0);
    let asks = asks_for_setfcap(evidence.process.kernel?) && evidence.id_type.root_needs_setfcap();
    let remedy = match &evidence.program {
        _ if evidence.process.setfcap_bounded == Some(false) => {
            "start the container with --cap-add=setfcap (podman, Docker) or capabilities.add: [SETFCAP] (Kubernetes)"
                .to_owned()
        }
        program => match program.as_ref().and_then(|(program, _)| privilege::command_path(program)) {
            Some(path) => format!("as root run 'setcap cap_setuid,cap_setfcap=ep {path}'"),
            None => "start it with that capability".to_owned(),
        },
    };
    (maps_root && asks && !evidence.credentials.had_setfcap).then(|| {
        Cause::new(
            Key::Setfcap,
            "the request maps uid 0 of this user namespace, for which this kernel asks for CAP_SETFCAP as well, and \
             the program was started without it",
            format!(
                "delegate ids without 0 in {}, or {remedy}",
                evidence.id_type.subid_file()
            ),
        )
    })
}

/// `map_id_range_down` finds no id outside of the parent namespace's own map.
fn not_mapped_here(evidence: &Evidence) -> Option<Cause> {
    let here = evidence.process.mapped_ids.as_ref()?;
    let mut missing: IdSet = evidence.ranges.iter().map(|extent| extent.lower_range()).collect();
    here.ranges().for_each(|range| missing.remove(range));
    if missing.is_empty() {
        return None;
    }
    let (word, file) = (evidence.id_type.word(), evidence.id_type.subid_file());
    let sentence = format!(
        "the request wants {word}s that this user namespace does not have, {missing}: it has {here} (/proc/self/{})",
        evidence.id_type.map_file()
    );
    let more = "start the outer container with more ids";
    let fix = match delegation::largest_here(here, 0, evidence) {
        Some((start, count)) => {
            format!("have the line '{}:{start}:{count}' in {file} here, or {more}", evidence.caller_name())
        }
        None => more.to_owned(),
    };
    Some(Cause::new(Key::NotMappedHere, sentence, fix))
}

/// All else is excluded.
pub(super) fn refused(evidence: &Evidence) -> Cause {
    let process = &evidence.process;
    let filter = process.seccomp_filter == Some(true);
    let module = process.label.is_some() || process.restricted_namespaces;
    let mut seen = Vec::new();
    if filter {
        seen.push("a seccomp filter is in force".to_owned());
    }
    if let Some(label) = &process.label {
        seen.push(format!("the security label is '{}'", escape(label.as_bytes())));
    }
    if process.restricted_namespaces {
        seen.push("kernel.apparmor_restrict_unprivileged_userns is 1".to_owned());
    }
    let seen = if seen.is_empty() { "neither was seen".to_owned() } else { seen.join(", ") };
    if filter && !module {
        return Cause::new(
            Key::Refused,
            "no other cause applies, and a seccomp filter is in force, which may refuse what it likes",
            "try without it: --security-opt seccomp=unconfined (podman, Docker), seccompProfile.type: Unconfined \
             (Kubernetes), SystemCallFilter= (systemd)",
        );
    }
    let sentence =
        format!("no other cause applies; a security module or a seccomp filter may refuse it ({seen})");
    Cause::without_fix(Key::Refused, sentence)
}

#[cfg(test)]
mod tests {
    use super::Key::{self, *};
    use super::not_permitted;
    use crate::explain::causes::test_evidence::{all_ids, evidence, ids, program, ranges, target};
    use crate::explain::evidence::Evidence;
    use crate::explain::evidence::program::FileCapabilities::Absent;
    use crate::explain::evidence::target::Relation;
    use crate::id_type::IdType;

    fn keys(change: impl FnOnce(&mut Evidence)) -> Vec<Key> {
        not_permitted(&evidence(change)).iter().map(|cause| cause.key).collect()
    }

    #[test]
    fn a_target_that_is_none_comes_before_all_else() {
        for (namespace, mapped, key) in [
            (Relation::Same, Some(true), SameNamespace),
            (Relation::Other, Some(false), NotAChild),
            (Relation::Closed, Some(true), NotAChild),
            (Relation::Child, Some(true), AlreadyMapped),
            (Relation::Unknown, Some(true), AlreadyMapped),
        ] {
            let found = keys(|evidence| {
                evidence.target = target(namespace, mapped);
                evidence.credentials.had_capability = false;
                evidence.program = program(0o755, 0, Some(Absent));
            });
            assert_eq!(found, [key], "{namespace:?} {mapped:?}");
        }
    }

    #[test]
    fn lack_of_privilege_is_a_cause_only_where_it_was_needed() {
        let unprivileged = |evidence: &mut Evidence, wanted: &str| {
            evidence.credentials.had_capability = false;
            evidence.program = program(0o755, 0, Some(Absent));
            evidence.ranges = ranges(wanted);
        };
        assert_eq!(keys(|evidence| unprivileged(evidence, "0 1000 1 1 100000 10")), [Unprivileged]);
        assert_eq!(keys(|evidence| unprivileged(evidence, "0 100000 1")), [Unprivileged]);
        assert_eq!(keys(|evidence| unprivileged(evidence, "0 1000 1")), [Refused]);
    }

    #[test]
    fn uid_0_needs_setfcap_in_linux_5_10_and_from_5_12_on() {
        for (id_type, kernel, had_setfcap, wanted, found) in [
            (IdType::Uid, Some((5, 12)), false, "0 0 1", Setfcap),
            (IdType::Uid, Some((6, 1)), false, "5 5 1 0 0 2", Setfcap),
            (IdType::Uid, Some((5, 10)), false, "0 0 1", Setfcap),
            (IdType::Uid, Some((5, 11)), false, "0 0 1", Refused),
            (IdType::Uid, Some((5, 9)), false, "0 0 1", Refused),
            (IdType::Uid, None, false, "0 0 1", Refused),
            (IdType::Uid, Some((6, 1)), true, "0 0 1", Refused),
            (IdType::Uid, Some((6, 1)), false, "0 1 1", Refused),
            (IdType::Gid, Some((6, 1)), false, "0 0 1", Refused),
        ] {
            let keys = keys(|evidence| {
                evidence.id_type = id_type;
                evidence.process.kernel = kernel;
                evidence.credentials.had_setfcap = had_setfcap;
                evidence.ranges = ranges(wanted);
            });
            assert_eq!(keys, [found], "{id_type:?} {kernel:?} {wanted}");
        }
    }

    #[test]
    fn ids_that_are_not_here_are_named_with_a_line_that_would_do() {
        let causes = not_permitted(&evidence(|evidence| {
            evidence.process.mapped_ids = Some(ids(&[(0, 65_536)]));
            evidence.ranges = ranges("0 1000 1 1 100000 65536");
        }));
        assert_eq!(
            causes[0].sentence,
            "the request wants uids that this user namespace does not have, 100000 to 165535: it has 0 to 65535 (/proc/self/uid_map)"
        );
        let fix = causes[0].fix.as_ref().unwrap();
        assert!(fix.starts_with("have the line 'alice:1001:64535' in /etc/subuid here"), "{fix}");
        assert_eq!(keys(|evidence| evidence.process.mapped_ids = Some(all_ids())), [Refused]);
        assert_eq!(keys(|evidence| evidence.process.mapped_ids = None), [Refused]);
    }

    #[test]
    fn what_is_left_is_told_with_what_was_seen() {
        for (filter, label, sentence, fixable) in [
            (false, None, "(neither was seen)", false),
            (true, None, "a seccomp filter is in force", true),
            (
                true,
                Some("x (enforce)"),
                "(a seccomp filter is in force, the security label is 'x (enforce)')",
                false,
            ),
        ] {
            let causes = not_permitted(&evidence(|evidence| {
                evidence.process.seccomp_filter = Some(filter);
                evidence.process.label = label.map(str::to_owned);
            }));
            assert!(causes[0].sentence.contains(sentence), "{}", causes[0].sentence);
            assert_eq!(causes[0].fix.is_some(), fixable, "{sentence}");
        }
    }
}
