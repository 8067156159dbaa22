//! Causes of EPERM on the write to the map. `map_write` in kernel/user_namespace.c gives that errno for a dozen reasons.

use super::{Cause, Key, delegation, privilege};
use crate::escape::escape;
use crate::explain::evidence::Evidence;
use crate::explain::evidence::target::{Relation, TargetEvidence};
use crate::id_range::IdSet;
use crate::id_type::IdType;

/// The kernel did not permit the write.
pub(super) fn not_permitted(evidence: &Evidence) -> Vec<Cause> {
    if let Some(cause) = unsuitable_target(evidence) {
        return vec![cause];
    }
    let mut causes = Vec::new();
    if needs_capability(evidence) && !evidence.credentials.had_capability {
        causes = privilege::missing(evidence);
        if causes.is_empty() {
            causes.push(privilege::unexplained(evidence));
        }
    }
    causes.extend(missing_setfcap(evidence));
    causes.extend(not_mapped_here(evidence));
    if causes.is_empty() {
        causes.push(refused("the write", evidence));
    }
    causes
}

/// The kernel refuses the target's namespace, whatever capabilities the writer has.
pub(super) fn unsuitable_target(evidence: &Evidence) -> Option<Cause> {
    let (target, program) = (evidence.target_name(), evidence.id_type.program());
    let found = evidence.target.as_ref()?;
    if found.namespace == Relation::Same {
        return Some(Cause::new(
            Key::SameNamespace,
            format!("{target} is in the caller's own user namespace, not in a new one"),
            "have the process create a user namespace first, with 'unshare --user' or CLONE_NEWUSER",
        ));
    }
    if is_no_child(found, evidence) {
        return Some(Cause::new(
            Key::NotAChild,
            format!("the user namespace of {target} was not created in the caller's"),
            format!("run {program} in the parent namespace of that user namespace"),
        ));
    }
    if found.has_map == Some(true) {
        return Some(Cause::new(
            Key::AlreadyMapped,
            format!(
                "the {} of {target} is already written, and the kernel accepts one write",
                evidence.id_type.map_file()
            ),
            format!("run {program} once for each new user namespace"),
        ));
    }
    None
}

/// A namespace that cannot be opened is an ancestor, unless a security module may have refused.
fn is_no_child(target: &TargetEvidence, evidence: &Evidence) -> bool {
    match target.namespace {
        Relation::Other => true,
        Relation::Closed => evidence.process.security_label.is_none(),
        Relation::Same | Relation::Child | Relation::Unknown => false,
    }
}

/// The kernel lets every user map the own single id without a capability (`new_idmap_permitted`).
fn needs_capability(evidence: &Evidence) -> bool {
    let own_id = match evidence.id_type {
        IdType::Uid => evidence.credentials.uid,
        IdType::Gid => evidence.credentials.gid,
    };
    !matches!(evidence.ranges[..], [range] if range.is_only(own_id))
}

/// Whether a kernel requires `CAP_SETFCAP` for a map of uid 0 (`verify_root_map`). Linux 5.12 and later do, and 5.10 since 5.10.35.
/// Debian 11's kernels are later than 5.10.35, but their releases, such as 5.10.0-32-amd64, do not show the third number.
fn requires_setfcap(kernel: (u32, u32)) -> bool {
    kernel >= (5, 12) || kernel == (5, 10)
}

fn missing_setfcap(evidence: &Evidence) -> Option<Cause> {
    let maps_root = evidence.ranges.iter().any(|range| range.lower() == 0);
    let is_required = requires_setfcap(evidence.process.kernel?) && evidence.id_type.root_needs_setfcap();
    if !maps_root || !is_required || evidence.credentials.had_setfcap {
        return None;
    }
    let program = evidence.program.as_ref().and_then(|(program, _)| privilege::command_path(program));
    let add_capability = match program {
        _ if evidence.process.bounding_set_has_setfcap == Some(false) => {
            "start the container with --cap-add=setfcap (podman, Docker) or capabilities.add: [SETFCAP] (Kubernetes)"
                .to_owned()
        }
        Some(path) => format!("as root, run 'setcap cap_setuid,cap_setfcap=ep {path}'"),
        None => "start the program with CAP_SETFCAP".to_owned(),
    };
    let file = evidence.id_type.subid_file();
    Some(Cause::new(
        Key::Setfcap,
        "the request maps uid 0 of this user namespace, this kernel requires CAP_SETFCAP for that, and the program was \
         started without CAP_SETFCAP",
        format!("delegate ids without 0 in {file}, or {add_capability}"),
    ))
}

/// The kernel refuses ids that are not mapped in the parent namespace (`map_id_range_down`).
fn not_mapped_here(evidence: &Evidence) -> Option<Cause> {
    let mapped = evidence.process.mapped_ids.as_ref()?;
    let mut missing: IdSet = evidence.ranges.iter().map(|range| range.lower_range()).collect();
    mapped.ranges().for_each(|range| missing.remove(range));
    if missing.is_empty() {
        return None;
    }
    let (word, file) = (evidence.id_type.word(), evidence.id_type.subid_file());
    let sentence = format!(
        "the request includes {word}s that are not mapped in this user namespace: {missing}; /proc/self/{} has {mapped}",
        evidence.id_type.map_file()
    );
    let more_ids = "start the outer container with more ids";
    let fix = match delegation::largest_mapped(mapped, 0, evidence) {
        Some((start, count)) => {
            format!(
                "write the line '{}:{start}:{count}' in {file} here, or {more_ids}",
                evidence.caller_name()
            )
        }
        None => more_ids.to_owned(),
    };
    Some(Cause::new(Key::NotMappedHere, sentence, fix))
}

/// No other cause was found for an operation that failed, such as "the write". A process has no record of a call that a filter or a
/// security module refused.
pub(super) fn refused(operation: &str, evidence: &Evidence) -> Cause {
    let process = &evidence.process;
    let has_filter = process.has_seccomp_filter == Some(true);
    let has_module = process.security_label.is_some() || process.apparmor_restricts_userns;
    let mut seen = Vec::new();
    if has_filter {
        seen.push("a seccomp filter is active".to_owned());
    }
    if let Some(label) = &process.security_label {
        seen.push(format!("the security label is '{}'", escape(label.as_bytes())));
    }
    if process.apparmor_restricts_userns {
        seen.push("kernel.apparmor_restrict_unprivileged_userns is 1".to_owned());
    }
    if has_filter && !has_module {
        return Cause::new(
            Key::Refused,
            format!("no other cause was found; a seccomp filter is active and may have refused {operation}"),
            "try without the filter: --security-opt seccomp=unconfined (podman, Docker), seccompProfile.type: Unconfined \
             (Kubernetes), SystemCallFilter= (systemd)",
        );
    }
    let seen = if seen.is_empty() { "neither was found".to_owned() } else { seen.join(", ") };
    Cause::without_fix(
        Key::Refused,
        format!(
            "no other cause was found; a security module or a seccomp filter may have refused {operation} ({seen})"
        ),
    )
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
    fn an_unsuitable_target_is_the_only_cause() {
        for (namespace, has_map, key) in [
            (Relation::Same, Some(true), SameNamespace),
            (Relation::Other, Some(false), NotAChild),
            (Relation::Closed, Some(true), NotAChild),
            (Relation::Child, Some(true), AlreadyMapped),
            (Relation::Unknown, Some(true), AlreadyMapped),
        ] {
            let found = keys(|evidence| {
                evidence.target = target(namespace, has_map);
                evidence.credentials.had_capability = false;
                evidence.program = program(0o755, 0, Some(Absent));
            });
            assert_eq!(found, [key], "{namespace:?} {has_map:?}");
        }
    }

    #[test]
    fn a_missing_capability_is_a_cause_only_if_the_map_needs_it() {
        let unprivileged = |evidence: &mut Evidence, request: &str| {
            evidence.credentials.had_capability = false;
            evidence.program = program(0o755, 0, Some(Absent));
            evidence.ranges = ranges(request);
        };
        assert_eq!(keys(|evidence| unprivileged(evidence, "0 1000 1 1 100000 10")), [Unprivileged]);
        assert_eq!(keys(|evidence| unprivileged(evidence, "0 100000 1")), [Unprivileged]);
        assert_eq!(keys(|evidence| unprivileged(evidence, "0 1000 1")), [Refused]);
    }

    #[test]
    fn a_map_of_uid_0_needs_setfcap_in_linux_5_10_and_since_5_12() {
        for (id_type, kernel, had_setfcap, request, found) in [
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
                evidence.ranges = ranges(request);
            });
            assert_eq!(keys, [found], "{id_type:?} {kernel:?} {request}");
        }
    }

    #[test]
    fn ids_that_are_not_mapped_here_are_named_with_a_line_that_would_work() {
        let causes = not_permitted(&evidence(|evidence| {
            evidence.process.mapped_ids = Some(ids(&[(0, 65_536)]));
            evidence.ranges = ranges("0 1000 1 1 100000 65536");
        }));
        assert_eq!(
            causes[0].sentence,
            "the request includes uids that are not mapped in this user namespace: 100000 to 165535; \
             /proc/self/uid_map has 0 to 65535"
        );
        let fix = causes[0].fix.as_ref().unwrap();
        assert!(fix.starts_with("write the line 'alice:1001:64535' in /etc/subuid here"), "{fix}");
        assert_eq!(keys(|evidence| evidence.process.mapped_ids = Some(all_ids())), [Refused]);
        assert_eq!(keys(|evidence| evidence.process.mapped_ids = None), [Refused]);
    }

    #[test]
    fn a_refusal_without_other_cause_names_the_filter_and_the_security_label() {
        for (has_filter, label, sentence, has_fix) in [
            (false, None, "(neither was found)", false),
            (true, None, "a seccomp filter is active and may have refused the write", true),
            (
                true,
                Some("x (enforce)"),
                "(a seccomp filter is active, the security label is 'x (enforce)')",
                false,
            ),
        ] {
            let causes = not_permitted(&evidence(|evidence| {
                evidence.process.has_seccomp_filter = Some(has_filter);
                evidence.process.security_label = label.map(str::to_owned);
            }));
            assert!(causes[0].sentence.contains(sentence), "{}", causes[0].sentence);
            assert_eq!(causes[0].fix.is_some(), has_fix, "{sentence}");
        }
    }
}
