//! Causes of a subid file that cannot be opened or read.

use nix::errno::Errno;

use super::{Cause, Key, denial, free_ids, suggestion};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::mounts::Mount;
use crate::explain::evidence::path::LinkTarget;
use crate::reason::Reason;

/// The cause by errno; `None` if the file is not the cause.
pub(super) fn unreadable(reason: Reason, evidence: &Evidence) -> Option<Cause> {
    let (file, caller) = (evidence.id_type.subid_file(), evidence.caller_name());
    let (sentence, fix) = match reason.errno() {
        Errno::ENOENT => (format!("{file} does not exist, so no ids are delegated"), create_file(evidence)),
        Errno::EACCES => (
            format!(
                "{file} is read with the caller's rights, and {caller} may not read it{}",
                denial::note(evidence.subid_denial.as_ref())
            ),
            format!(
                "{}{}",
                denial::allow(file, evidence.subid_denial.as_ref()),
                suggestion::then_migrate(evidence)
            ),
        ),
        Errno::ELOOP => symbolic_link(file, evidence),
        // The file is not the cause.
        Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM => return None,
        Errno::EISDIR | Errno::EINVAL => (
            format!("{file} exists but cannot be read: {reason}"),
            format!("as root, run `mv {file} {file}.other`, and then {}", create_file(evidence)),
        ),
        _ => (
            format!("{file} exists but cannot be read: {reason}"),
            format!("make {file} a regular, readable file"),
        ),
    };
    // A mount point cannot be replaced, but its mode can be changed.
    let is_fixed = match reason.errno() {
        Errno::ENOENT => false,
        Errno::EACCES => evidence.subid_mount.as_ref().is_some_and(Mount::is_read_only),
        _ => true,
    };
    let fix = match suggestion::unchangeable(evidence).filter(|_| is_fixed) {
        Some(reason) => format!("{reason}: it must be a regular file that every user may read"),
        None => fix,
    };
    Some(Cause::new(Key::SubidFile, sentence, fix))
}

/// The sentence and the fix. Root copies a file only if the lines in it are root's.
fn symbolic_link(file: &str, evidence: &Evidence) -> (String, String) {
    let sentence = format!("{file} is a symbolic link, which is not followed");
    let replace = format!("as root, replace the link {file} by a regular file");
    match evidence.subid_link {
        Some(LinkTarget::OfRoot) => (
            sentence,
            format!(
                "as root, run `install -m 0644 {file} {file}.new && mv {file}.new {file}`, and have no configuration manager make the \
                 link again{}",
                suggestion::then_migrate(evidence)
            ),
        ),
        Some(LinkTarget::Absent) => (
            format!("{sentence}, and its target does not exist"),
            format!("as root, run `rm {file}`, and then {}", create_file(evidence)),
        ),
        Some(LinkTarget::Special) => (
            format!("{sentence}, and its target is no regular file"),
            format!("{replace} with lines OWNER:START:COUNT"),
        ),
        Some(LinkTarget::OfOthers) => (
            format!("{sentence}, and users other than root can change its target"),
            format!("{replace}, and take over only lines of the target that delegate the right ids"),
        ),
        None => (sentence, replace),
    }
}

fn create_file(evidence: &Evidence) -> String {
    let Some(range) = free_ids::free_range(evidence) else { return suggestion::no_room(evidence) };
    if let Some(reason) = suggestion::unchangeable(evidence) {
        return format!("{reason}: the file needs the line {}", suggestion::line(range, evidence));
    }
    format!("{}{}", suggestion::create_file(range, evidence), suggestion::then_migrate(evidence))
}

#[cfg(test)]
mod tests {
    use super::unreadable;
    use crate::explain::causes::test_evidence::evidence;
    use crate::explain::evidence::path::Denial;
    use nix::errno::Errno;

    #[test]
    fn an_unreadable_file_has_a_cause_by_errno() {
        for (errno, beginning) in [
            (Errno::ENOENT, "/etc/subuid does not exist"),
            (Errno::EACCES, "/etc/subuid is read with the caller's rights, and alice may not"),
            (Errno::ELOOP, "/etc/subuid is a symbolic link"),
            (Errno::EISDIR, "/etc/subuid exists but cannot be read: Is a directory"),
        ] {
            let cause = unreadable(errno.into(), &evidence(|_| {})).unwrap();
            assert!(cause.sentence.starts_with(beginning), "{}", cause.sentence);
        }
        assert_eq!(unreadable(Errno::EMFILE.into(), &evidence(|_| {})), None);
    }

    #[test]
    fn a_directory_that_cannot_be_searched_is_named_instead_of_the_file() {
        let cause = unreadable(
            Errno::EACCES.into(),
            &evidence(|evidence| {
                evidence.subid_denial = Some(Denial {
                    path: "/etc".into(),
                    is_directory: true,
                    mode_allows: false,
                    others_can_replace: false,
                });
            }),
        )
        .unwrap();
        assert!(
            cause.sentence.ends_with("may not read it; the directory /etc may not be searched"),
            "{cause:?}"
        );
        assert!(
            cause.fix.as_ref().unwrap().starts_with("as root, run `chmod a+x /etc`; with podman"),
            "{cause:?}"
        );
    }
}
