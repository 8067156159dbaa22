//! The restrictions that may take privilege from a program. Only a trial shows whether they do, so the row is a note.

use super::report::Finding;
use crate::escape::escape;
use crate::explain::evidence::process::Process;
use crate::id_type::IdType;

pub(super) fn finding() -> Finding {
    let (uid, gid) = (Process::examine(IdType::Uid), Process::examine(IdType::Gid));
    let label =
        uid.security_label.as_ref().map(|label| format!("the security label '{}'", escape(label.as_bytes())));
    let seen: Vec<String> = [
        (uid.no_new_privs == Some(true)).then(|| "no_new_privs".to_owned()),
        (uid.bounding_set_has_capability == Some(false))
            .then(|| "no CAP_SETUID in the bounding set".to_owned()),
        (gid.bounding_set_has_capability == Some(false))
            .then(|| "no CAP_SETGID in the bounding set".to_owned()),
        (uid.has_seccomp_filter == Some(true)).then(|| "a seccomp filter".to_owned()),
        uid.apparmor_restricts_userns.then(|| "kernel.apparmor_restrict_unprivileged_userns".to_owned()),
        uid.userns_clone_is_off.then(|| "kernel.unprivileged_userns_clone is 0".to_owned()),
        label,
    ]
    .into_iter()
    .flatten()
    .collect();
    if seen.is_empty() {
        Finding::good("restrictions", "none seen")
    } else {
        Finding::note("restrictions", seen.join(", "), [])
    }
}
