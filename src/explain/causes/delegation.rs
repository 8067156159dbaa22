//! Why ids are not the caller's to map: the subid files and the plugin.

use nix::errno::Errno;

use super::{Cause, Key};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::delegation::{Delegation, Lines};
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;
use crate::map_range::MapRange;
use crate::reason::Reason;
use crate::subid::plugin::{PluginError, Unusable};

/// What one usually delegates; see SUB_UID_MIN and SUB_UID_COUNT in login.defs(5).
const USUAL_START: u64 = 100_000;
const USUAL_COUNT: u64 = 65_536;

/// The first id and the count of what is best delegated, after all that is; in a container, of what there is.
fn suggested(free: u64, evidence: &Evidence) -> (u64, u64) {
    let start = free.max(USUAL_START);
    let is_here = |range: IdRange| range.start() <= start && start.saturating_add(USUAL_COUNT) <= range.end();
    match &evidence.process.mapped_ids {
        Some(here) if !here.ranges().any(is_here) => largest_here(here, free, evidence),
        _ => None,
    }
    .unwrap_or((start, USUAL_COUNT))
}

/// The largest part of our user namespace's ids, from `free` on and above the caller's own, which is mapped besides.
pub(super) fn largest_here(here: &IdSet, free: u64, evidence: &Evidence) -> Option<(u64, u64)> {
    let largest = here.ranges().max_by_key(|range| range.count())?;
    let start = largest.start().max(u64::from(evidence.credentials.uid).saturating_add(1)).max(free);
    let count = largest.end().checked_sub(start)?;
    (count > 0).then_some((start, count))
}

/// A line for the caller.
fn suggested_line(evidence: &Evidence) -> String {
    let (start, count) = suggested(0, evidence);
    format!("{}:{start}:{count}", evidence.caller_name())
}

/// The file cannot be read.
pub(super) fn unreadable(reason: Reason, evidence: &Evidence) -> Option<Cause> {
    let (file, caller) = (evidence.id_type.subid_file(), evidence.caller_name());
    let (sentence, fix) = match reason.errno() {
        Errno::ENOENT => (
            format!("there is no {file}, so no ids are delegated"),
            format!("as root, run 'echo {} >{file}'", suggested_line(evidence)),
        ),
        Errno::EACCES => (
            format!(
                "{file} is not readable for {caller}, and is read with no other rights than the caller's"
            ),
            format!("as root, run 'chmod 0644 {file}'"),
        ),
        Errno::ELOOP => (
            format!("{file} is a symbolic link, which is not followed"),
            format!("put the file itself in the place of the link {file}"),
        ),
        // Not the file's fault.
        Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM => return None,
        _ => (
            format!("{file} is there and cannot be read: {reason}"),
            format!("have a readable, regular file at {file}, with a line '{}'", suggested_line(evidence)),
        ),
    };
    Some(Cause::new(Key::SubidFile, sentence, fix))
}

const PLUGIN: &str = "the plugin that /etc/nsswitch.conf names";
const INSTALL_PLUGIN: &str = "install the package that has it (for sss: sssd-common), or take the line 'subid:' out of \
    /etc/nsswitch.conf; a limit on memory or descriptors ('ulimit -a') may keep it out as well";

/// A range is not delegated.
pub(super) fn not_allowed(refused: MapRange, evidence: &Evidence) -> Vec<Cause> {
    match &evidence.delegation {
        None => Vec::new(),
        Some(Delegation::Plugin { library, answer }) => vec![plugin(library, *answer, refused, evidence)],
        Some(Delegation::File(lines)) => {
            let defective = defective_line(lines, evidence);
            // Such a line is the only one; another one's range would be the matter if there is one.
            let missing = (defective.is_none() || !lines.delegated.is_empty())
                .then(|| not_delegated(refused, lines, evidence));
            defective.into_iter().chain(missing).collect()
        }
    }
}

fn not_delegated(refused: MapRange, lines: &Lines, evidence: &Evidence) -> Cause {
    let (file, word, caller) =
        (evidence.id_type.subid_file(), evidence.id_type.word(), evidence.caller_name());
    let Lines { delegated, near, free, .. } = lines;
    let missing = without(refused, delegated);
    let mut sentence = if delegated.is_empty() {
        format!(
            "{file} has no line for {caller} (uid {}), who wants the {word}s {missing}",
            evidence.credentials.uid
        )
    } else {
        format!(
            "{caller} wants {word}s that are not delegated, {missing}: {file} has {delegated} for {caller}"
        )
    };
    if let Some((line, owner)) = near {
        sentence.push_str(&format!("; line {line} has the owner '{owner}', which is not the caller"));
    }
    let fix = match near {
        Some((line, owner)) if delegated.is_empty() => {
            format!("if {caller} is meant by '{owner}' in line {line} of {file}, write so")
        }
        _ => {
            let (first, count) = suggested(*free, evidence);
            let last = first.saturating_add(count).saturating_sub(1);
            let most = if delegated.is_empty() { "" } else { "ask for no more, or " };
            format!(
                "{most}as root, run 'usermod --add-sub{word}s {first}-{last} {caller}', and with podman \
                 'podman system migrate' afterwards"
            )
        }
    };
    Cause::new(Key::NotDelegated, sentence, fix)
}

fn without(refused: MapRange, delegated: &IdSet) -> IdSet {
    let mut missing: IdSet = [refused.lower_range()].into_iter().collect();
    delegated.ranges().for_each(|range| missing.remove(range));
    missing
}

fn defective_line(lines: &Lines, evidence: &Evidence) -> Option<Cause> {
    let (line, defect) = lines.defective.as_ref()?;
    let (file, caller) = (evidence.id_type.subid_file(), evidence.caller_name());
    Some(Cause::new(
        Key::DefectiveLine,
        format!("line {line} of {file} is for {caller} and delegates nothing: {defect}"),
        format!(
            "write line {line} of {file} as OWNER:START:COUNT, for example '{}'",
            suggested_line(evidence)
        ),
    ))
}

fn plugin(library: &str, answer: Result<bool, PluginError>, refused: MapRange, evidence: &Evidence) -> Cause {
    let (word, caller) = (evidence.id_type.word(), evidence.caller_name());
    let option = if evidence.id_type == IdType::Gid { "-g " } else { "" };
    let named = format!("{library}, which /etc/nsswitch.conf names,");
    let remedy = "see that the service behind it runs and knows the user (for sss: 'systemctl status sssd'), \
                  or take the line 'subid:' out of /etc/nsswitch.conf";
    let sentence = match answer {
        // If yes, it has changed its mind since. Its list can be had by its caller's memory alone, which is closed to the
        // caller in a program that gained privilege; getsubids has none.
        Ok(_) => {
            return Cause::new(
                Key::NotDelegated,
                format!("{named} does not delegate the {word}s {} to {caller}", refused.lower_range()),
                format!(
                    "ask for what 'getsubids {option}{caller}' lists, or have the directory delegate more (FreeIPA: ipa \
                     subid-generate)"
                ),
            );
        }
        Err(PluginError::UnknownUser) => format!("{named} does not know {caller}"),
        Err(PluginError::Connection) => format!("{named} cannot reach its service (connection error)"),
        Err(PluginError::Other | PluginError::List) => format!("{named} failed"),
        Err(PluginError::Undefined(status)) => format!("{named} answered with the undefined status {status}"),
    };
    Cause::new(Key::Plugin, sentence, remedy)
}

/// It was configured, and nobody else may decide.
pub(super) fn plugin_unusable(unusable: &Unusable) -> Cause {
    match unusable {
        Unusable::Configuration(reason) => Cause::new(
            Key::Plugin,
            format!("whether a plugin delegates is in /etc/nsswitch.conf, which cannot be read: {reason}"),
            "make it readable for all, as root by 'chmod 0644 /etc/nsswitch.conf', and have no lower limit on \
             descriptors and memory ('ulimit -a') than it takes to read it",
        ),
        Unusable::NameTooLong(_) => Cause::new(
            Key::Plugin,
            format!("{PLUGIN} has a name of more than 50 characters, and is not loaded"),
            "correct the line 'subid:' in /etc/nsswitch.conf, or take it out",
        ),
        Unusable::Load { .. } | Unusable::Function { .. } => {
            Cause::new(Key::Plugin, format!("{PLUGIN} cannot be used"), INSTALL_PLUGIN)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Delegation, Lines, PluginError, not_allowed, suggested, unreadable};
    use crate::explain::causes::test_evidence::{evidence, ids, ranges};
    use crate::explain::evidence::delegation::Defect;
    use nix::errno::Errno;

    fn sentences(delegation: Delegation) -> Vec<String> {
        let evidence = evidence(|evidence| evidence.delegation = Some(delegation));
        let causes = not_allowed(ranges("0 100000 100")[0], &evidence);
        causes.into_iter().map(|cause| format!("{} => {}", cause.sentence, cause.fix.unwrap())).collect()
    }

    fn file(change: impl FnOnce(&mut Lines)) -> Delegation {
        let mut lines = Lines { free: 165_536, ..Lines::default() };
        change(&mut lines);
        Delegation::File(lines)
    }

    #[test]
    fn a_refused_range_is_told_with_what_is_delegated_and_what_nearly_fits() {
        let near = || Some((3, "Alice".to_owned()));
        let defective = || Some((2, Defect::Fields(4)));
        for (delegation, beginnings) in [
            (
                file(|_| {}),
                &["/etc/subuid has no line for alice (uid 1000), who wants the uids 100000 to 100099 => \
                   as root, run 'usermod --add-subuids 165536-231071 alice'"][..],
            ),
            (
                file(|lines| lines.delegated = ids(&[(100_000, 60)])),
                &[
                    "alice wants uids that are not delegated, 100060 to 100099: /etc/subuid has 100000 to 100059 for alice => \
                   ask for no more, or as root, run 'usermod",
                ],
            ),
            (
                file(|lines| lines.near = near()),
                &["/etc/subuid has no line for alice (uid 1000), who wants the uids 100000 to 100099; \
                   line 3 has the owner 'Alice', which is not the caller => if alice is meant by 'Alice' in line 3"],
            ),
            (
                file(|lines| lines.defective = defective()),
                &[
                    "line 2 of /etc/subuid is for alice and delegates nothing: it has 4 fields instead of 3 => write line 2",
                ],
            ),
            (
                file(|lines| {
                    lines.defective = defective();
                    lines.delegated = ids(&[(5, 5)]);
                }),
                &[
                    "line 2 of /etc/subuid",
                    "alice wants uids that are not delegated, 100000 to 100099: /etc/subuid has 5 to 9 for alice",
                ],
            ),
        ] {
            let found = sentences(delegation);
            assert_eq!(found.len(), beginnings.len(), "{found:?}");
            for (found, beginning) in found.iter().zip(beginnings) {
                assert!(found.starts_with(beginning), "{found}\n{beginning}");
            }
        }
    }

    #[test]
    fn in_a_container_what_is_there_is_suggested() {
        for (here, free, start, count) in [
            (ids(&[(0, 65_536)]), 0, 1_001, 64_535),
            (ids(&[(0, 65_536)]), 50_000, 50_000, 15_536),
            (ids(&[(0, 65_536)]), 65_536, 100_000, 65_536),
            (ids(&[(0, 300_000)]), 0, 100_000, 65_536),
            (ids(&[(0, 300_000)]), 165_536, 165_536, 65_536),
            (ids(&[(0, 150_000)]), 0, 1_001, 148_999),
            (ids(&[(0, 1), (2_000, 5)]), 0, 2_000, 5),
            (ids(&[(0, 1_001)]), 0, 100_000, 65_536),
        ] {
            let evidence = evidence(|evidence| evidence.process.mapped_ids = Some(here.clone()));
            assert_eq!(suggested(free, &evidence), (start, count), "{here}");
        }
    }

    #[test]
    fn a_plugin_says_no_or_fails_in_its_own_way() {
        for (answer, beginning) in [
            (
                Ok(false),
                "libsubid_x.so, which /etc/nsswitch.conf names, does not delegate the uids 100000 to 100099 to alice => ask for what 'getsubids alice' lists",
            ),
            (
                Err(PluginError::UnknownUser),
                "libsubid_x.so, which /etc/nsswitch.conf names, does not know alice",
            ),
            (
                Err(PluginError::Connection),
                "libsubid_x.so, which /etc/nsswitch.conf names, cannot reach its service",
            ),
            (Err(PluginError::Other), "libsubid_x.so, which /etc/nsswitch.conf names, failed"),
            (
                Err(PluginError::Undefined(9)),
                "libsubid_x.so, which /etc/nsswitch.conf names, answered with the undefined status 9",
            ),
        ] {
            let plugin = Delegation::Plugin { library: "libsubid_x.so".into(), answer };
            assert!(sentences(plugin)[0].starts_with(beginning), "{answer:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_says_why() {
        for (errno, beginning) in [
            (Errno::ENOENT, "there is no /etc/subuid"),
            (Errno::EACCES, "/etc/subuid is not readable for alice"),
            (Errno::ELOOP, "/etc/subuid is a symbolic link"),
            (Errno::EISDIR, "/etc/subuid is there and cannot be read: Is a directory"),
        ] {
            let cause = unreadable(errno.into(), &evidence(|_| {})).unwrap();
            assert!(cause.sentence.starts_with(beginning), "{}", cause.sentence);
        }
        assert_eq!(unreadable(Errno::EMFILE.into(), &evidence(|_| {})), None);
    }
}
