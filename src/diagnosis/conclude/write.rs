//! Why the kernel did not permit the write: EPERM, which `map_write` in kernel/user_namespace.c gives for a dozen reasons.

use super::{Cause, Key, delegation, privilege};
use crate::diagnosis::facts::Facts;
use crate::diagnosis::facts::target::Relation;
use crate::kind::Kind;
use crate::range::IdSet;
use crate::shown::shown;

/// Whether a kernel asks for `CAP_SETFCAP` before it maps uid 0 (`verify_root_map`): since 5.12, and since 5.10.35, which is
/// older than any 5.10 of Debian 11. How old a 5.10 is, its release (5.10.0-32-amd64) does not say.
fn asks_for_setfcap(kernel: (u32, u32)) -> bool {
    kernel >= (5, 12) || kernel == (5, 10)
}

pub(super) fn not_permitted(facts: &Facts) -> Vec<Cause> {
    if let Some(cause) = target_excludes(facts) {
        return vec![cause];
    }
    let mut causes = Vec::new();
    if needs_privilege(facts) && !facts.start.had_capability {
        causes = privilege::missing(facts);
        if causes.is_empty() {
            causes.push(privilege::unexplained(facts));
        }
    }
    causes.extend(root_without_setfcap(facts));
    causes.extend(not_mapped_here(facts));
    if causes.is_empty() {
        causes.push(refused(facts));
    }
    causes
}

/// No privilege helps where the target is none.
pub(super) fn target_excludes(facts: &Facts) -> Option<Cause> {
    let (kind, target) = (facts.kind, facts.target_name());
    let program = kind.program();
    match facts.target.as_ref()? {
        found if found.namespace == Relation::Same => Some(Cause::new(
            Key::SameNamespace,
            format!("{target} is in the caller's own user namespace, not in a new one"),
            "have the process make a user namespace first, with 'unshare --user' or CLONE_NEWUSER",
        )),
        found if found.namespace == Relation::Other => Some(Cause::new(
            Key::NotAChild,
            format!("the user namespace of {target} was not made in the caller's"),
            format!("run {program} in the user namespace in which that one was made"),
        )),
        found if found.mapped == Some(true) => Some(Cause::new(
            Key::AlreadyMapped,
            format!("the {} of {target} was written before, and the kernel takes it once", kind.map_file()),
            format!("run {program} once for each new user namespace"),
        )),
        _ => None,
    }
}

/// One's own id alone needs none (`new_idmap_permitted`).
fn needs_privilege(facts: &Facts) -> bool {
    let own = match facts.kind {
        Kind::Uid => facts.start.uid,
        Kind::Gid => facts.start.gid,
    };
    !matches!(facts.extents[..], [extent] if extent.is_only(own))
}

fn root_without_setfcap(facts: &Facts) -> Option<Cause> {
    let maps_root = facts.extents.iter().any(|extent| extent.lower() == 0);
    let asks = asks_for_setfcap(facts.process.kernel?) && facts.kind.root_needs_setfcap();
    let remedy = match &facts.program {
        _ if facts.process.setfcap_bounded == Some(false) => {
            "start the container with --cap-add=setfcap (podman, Docker) or capabilities.add: [SETFCAP] (Kubernetes)"
                .to_owned()
        }
        program => match program.as_ref().and_then(|(program, _)| privilege::command_path(program)) {
            Some(path) => format!("as root run 'setcap cap_setuid,cap_setfcap=ep {path}'"),
            None => "start it with that capability".to_owned(),
        },
    };
    (maps_root && asks && !facts.start.had_setfcap).then(|| {
        Cause::new(
            Key::Setfcap,
            "the request maps uid 0 of this user namespace, for which this kernel asks for CAP_SETFCAP as well, and \
             the program was started without it",
            format!(
                "delegate ids without 0 in {}, or {remedy}",
                facts.kind.subid_file()
            ),
        )
    })
}

/// `map_id_range_down` finds no id outside of the parent namespace's own map.
fn not_mapped_here(facts: &Facts) -> Option<Cause> {
    let here = facts.process.mapped_ids.as_ref()?;
    let mut missing: IdSet = facts.extents.iter().map(|extent| extent.lower_range()).collect();
    here.ranges().for_each(|range| missing.remove(range));
    if missing.is_empty() {
        return None;
    }
    let (word, file) = (facts.kind.word(), facts.kind.subid_file());
    let sentence = format!(
        "the request wants {word}s that this user namespace does not have, {missing}: it has {here} (/proc/self/{})",
        facts.kind.map_file()
    );
    let more = "start the outer container with more ids";
    let fix = match delegation::largest_here(here, 0, facts) {
        Some((start, count)) => {
            format!("have the line '{}:{start}:{count}' in {file} here, or {more}", facts.caller_name())
        }
        None => more.to_owned(),
    };
    Some(Cause::new(Key::NotMappedHere, sentence, fix))
}

/// All else is excluded.
pub(super) fn refused(facts: &Facts) -> Cause {
    let process = &facts.process;
    let filter = process.seccomp_filter == Some(true);
    let module = process.label.is_some() || process.restricted_namespaces;
    let mut seen = Vec::new();
    if filter {
        seen.push("a seccomp filter is in force".to_owned());
    }
    if let Some(label) = &process.label {
        seen.push(format!("the security label is '{}'", shown(label.as_bytes())));
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
    use crate::diagnosis::conclude::samples::{all_ids, extents, facts, ids, program, target};
    use crate::diagnosis::facts::Facts;
    use crate::diagnosis::facts::program::FileCapabilities::Absent;
    use crate::diagnosis::facts::target::Relation;
    use crate::kind::Kind;

    fn keys(change: impl FnOnce(&mut Facts)) -> Vec<Key> {
        not_permitted(&facts(change)).iter().map(|cause| cause.key).collect()
    }

    #[test]
    fn a_target_that_is_none_comes_before_all_else() {
        for (namespace, mapped, key) in [
            (Relation::Same, Some(true), SameNamespace),
            (Relation::Other, Some(false), NotAChild),
            (Relation::Child, Some(true), AlreadyMapped),
            (Relation::Unknown, Some(true), AlreadyMapped),
        ] {
            let found = keys(|facts| {
                facts.target = target(namespace, mapped);
                facts.start.had_capability = false;
                facts.program = program(0o755, 0, Some(Absent));
            });
            assert_eq!(found, [key], "{namespace:?} {mapped:?}");
        }
    }

    #[test]
    fn lack_of_privilege_is_a_cause_only_where_it_was_needed() {
        let unprivileged = |facts: &mut Facts, wanted: &str| {
            facts.start.had_capability = false;
            facts.program = program(0o755, 0, Some(Absent));
            facts.extents = extents(wanted);
        };
        assert_eq!(keys(|facts| unprivileged(facts, "0 1000 1 1 100000 10")), [Unprivileged]);
        assert_eq!(keys(|facts| unprivileged(facts, "0 100000 1")), [Unprivileged]);
        assert_eq!(keys(|facts| unprivileged(facts, "0 1000 1")), [Refused]);
    }

    #[test]
    fn uid_0_needs_setfcap_in_linux_5_10_and_from_5_12_on() {
        for (kind, kernel, had_setfcap, wanted, found) in [
            (Kind::Uid, Some((5, 12)), false, "0 0 1", Setfcap),
            (Kind::Uid, Some((6, 1)), false, "5 5 1 0 0 2", Setfcap),
            (Kind::Uid, Some((5, 10)), false, "0 0 1", Setfcap),
            (Kind::Uid, Some((5, 11)), false, "0 0 1", Refused),
            (Kind::Uid, Some((5, 9)), false, "0 0 1", Refused),
            (Kind::Uid, None, false, "0 0 1", Refused),
            (Kind::Uid, Some((6, 1)), true, "0 0 1", Refused),
            (Kind::Uid, Some((6, 1)), false, "0 1 1", Refused),
            (Kind::Gid, Some((6, 1)), false, "0 0 1", Refused),
        ] {
            let keys = keys(|facts| {
                facts.kind = kind;
                facts.process.kernel = kernel;
                facts.start.had_setfcap = had_setfcap;
                facts.extents = extents(wanted);
            });
            assert_eq!(keys, [found], "{kind:?} {kernel:?} {wanted}");
        }
    }

    #[test]
    fn ids_that_are_not_here_are_named_with_a_line_that_would_do() {
        let causes = not_permitted(&facts(|facts| {
            facts.process.mapped_ids = Some(ids(&[(0, 65_536)]));
            facts.extents = extents("0 1000 1 1 100000 65536");
        }));
        assert_eq!(
            causes[0].sentence,
            "the request wants uids that this user namespace does not have, 100000 to 165535: it has 0 to 65535 (/proc/self/uid_map)"
        );
        let fix = causes[0].fix.as_ref().unwrap();
        assert!(fix.starts_with("have the line 'alice:1001:64535' in /etc/subuid here"), "{fix}");
        assert_eq!(keys(|facts| facts.process.mapped_ids = Some(all_ids())), [Refused]);
        assert_eq!(keys(|facts| facts.process.mapped_ids = None), [Refused]);
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
            let causes = not_permitted(&facts(|facts| {
                facts.process.seccomp_filter = Some(filter);
                facts.process.label = label.map(str::to_owned);
            }));
            assert!(causes[0].sentence.contains(sentence), "{}", causes[0].sentence);
            assert_eq!(causes[0].fix.is_some(), fixable, "{sentence}");
        }
    }
}
