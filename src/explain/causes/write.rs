//! Causes of EPERM on the write to the map. `map_write` in kernel/user_namespace.c gives that errno for a dozen reasons.

use super::{Cause, Key, ids, privilege, program_file};
use crate::escape::escape;
use crate::explain::evidence::Evidence;
use crate::explain::evidence::place::{Container, Place};
use crate::explain::evidence::target::{Relation, TargetEvidence};

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
    causes.extend(ids::not_mapped_here(evidence).or_else(|| ids::crosses_boundary(evidence)));
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
            "have the process create a user namespace first, with unshare --user or CLONE_NEWUSER",
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
    !matches!(evidence.ranges[..], [range] if range.is_only(evidence.own_id()))
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
    let file = evidence.id_type.subid_file();
    Some(Cause::new(
        Key::Setfcap,
        "the request maps uid 0 of this user namespace, this kernel requires CAP_SETFCAP for that, and the program was \
         started without CAP_SETFCAP",
        format!(
            "delegate ids without 0 in {file}, because a process with uid 0 can do what root can; if that is meant, {}",
            with_setfcap(evidence)
        ),
    ))
}

fn with_setfcap(evidence: &Evidence) -> String {
    let program = evidence.program.as_ref().and_then(|(program, _)| program_file::command_path(program));
    match program {
        _ if evidence.process.bounding_set_has_setfcap == Some(false) => {
            "start the container with --cap-add=setfcap (podman, Docker) or capabilities.add: [SETFCAP] (Kubernetes)"
                .to_owned()
        }
        Some(path) => format!("as root, run `setcap cap_setuid,cap_setfcap=ep {path}`"),
        None => "start the program with CAP_SETFCAP".to_owned(),
    }
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
            format!("a seccomp filter is active and refused {operation}; no other cause was found"),
            without_filter(&evidence.place),
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

/// How to run without the seccomp filter.
fn without_filter(place: &Place) -> String {
    match (place.container, &place.service) {
        (Some(Container::Podman), _) => {
            "start the container with --security-opt seccomp=unconfined, or with a profile that allows the call".to_owned()
        }
        (Some(Container::Kubernetes), _) => {
            "set seccompProfile.type: Unconfined in the pod's securityContext, or Localhost with a profile that allows the call"
                .to_owned()
        }
        (None, Some(unit)) => {
            format!("the administrator of {unit} can remove SystemCallFilter= and RestrictNamespaces= from the unit")
        }
        (None, None) => "start without the filter, or with one that allows the call: --security-opt seccomp=unconfined (podman, \
                         Docker), seccompProfile.type: Unconfined (Kubernetes), no SystemCallFilter= (systemd)"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Key::{self, *};
    use super::not_permitted;
    use crate::explain::causes::test_evidence::{evidence, program, ranges, target};
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
    fn a_refusal_without_other_cause_names_the_filter_and_the_security_label() {
        for (has_filter, label, sentence, has_fix) in [
            (false, None, "(neither was found)", false),
            (true, None, "a seccomp filter is active and refused the write", true),
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
