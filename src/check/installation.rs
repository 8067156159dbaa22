//! The programs that a client would start: the rows of a program and of its map.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::delegation::Delegation;
use super::namespace::Namespace;
use super::path::Search;
use super::report::{Finding, GID_MAP, Remedy, UID_MAP};
use super::trial::{Failure, Trial};
use crate::caller::Caller;
use crate::escape::{escape_path, shell_word};
use crate::explain::cause::Key;
use crate::explain::evidence::program::Program;
use crate::id_type::IdType;
use crate::passwd::Passwd;

/// The causes in the file of a program.
const OF_THE_FILE: [Key; 3] = [Key::Unprivileged, Key::Nosuid, Key::ForeignCapabilities];

/// The rows of the program, and of the map if there is a namespace.
pub(super) fn findings(
    id_type: IdType,
    caller: &Caller,
    delegation: &Delegation,
    namespace: Option<&Namespace>,
    passwd: &impl Passwd,
) -> (Finding, Option<Finding>) {
    let search = Search::of(id_type);
    let Some((first, others)) = search.executable.split_first() else {
        let remedy = search.nothing_found(id_type, caller);
        return (Finding::bad(id_type.program(), "not found", [remedy]), None);
    };
    let detail = describe(first, id_type);
    let good = || Finding::good(id_type.program(), &detail);
    let Some(namespace) = namespace else {
        // Without a trial, a file that gives no privilege is only a possible cause.
        let lacks_privilege = without_privilege(first, id_type).filter(|_| caller.uid != 0);
        let note = lacks_privilege.map(|remedy| Finding::note(id_type.program(), &detail, [remedy]));
        return (note.unwrap_or_else(good), None);
    };
    let subject = match id_type {
        IdType::Uid => UID_MAP,
        IdType::Gid => GID_MAP,
    };
    let trial = Trial::new(id_type, caller, delegation, passwd);
    let Failure { message, remedies } = match trial.run(first, namespace) {
        Ok(map) => return (good(), Some(Finding::good(subject, map))),
        Err(failure) => failure,
    };
    if let Some(better) = others.iter().find(|other| trial.run(other, namespace).is_ok()) {
        let program =
            Finding::bad(id_type.program(), &detail, [earlier_copy(first, better, id_type, caller)]);
        return (program, Some(Finding::bad(subject, message, None::<Remedy>)));
    }
    let is_of_the_file = |remedy: &Remedy| remedy.key.is_some_and(|key| OF_THE_FILE.contains(&key));
    let (of_the_file, others): (Vec<_>, Vec<_>) = remedies.into_iter().partition(is_of_the_file);
    let program =
        if of_the_file.is_empty() { good() } else { Finding::bad(id_type.program(), &detail, of_the_file) };
    (program, Some(Finding::bad(subject, message, others)))
}

/// The path, and the privilege that the file gives.
fn describe(path: &Path, id_type: IdType) -> String {
    let privilege = match Program::examine(path, id_type) {
        Some(program) => program.describe(id_type),
        None => "cannot be examined".to_owned(),
    };
    format!("{}, {privilege}", escape_path(path))
}

/// A failing copy earlier in PATH hides a working copy. The directory's owner may remove the failing copy.
fn earlier_copy(first: &Path, better: &Path, id_type: IdType, caller: &Caller) -> Remedy {
    let (shown, directory) =
        (escape_path(first), |path: &Path| path.parent().map_or(String::new(), escape_path));
    let remove = shell_word(first.as_os_str().as_bytes())
        .map_or(format!("remove {shown}"), |word| format!("remove the first one with `rm {word}`"));
    let owner = first.parent().and_then(|directory| directory.metadata().ok()).map(|status| status.uid());
    let by = if owner == Some(caller.uid) { "" } else { "as root, " };
    Remedy::new(
        Key::EarlierCopy,
        format!(
            "{shown} is first in PATH and fails, and {}, later in PATH, works",
            describe(better, id_type)
        ),
        format!("{by}{remove}, or put {} before {} in PATH", directory(better), directory(first)),
    )
}

fn without_privilege(path: &Path, id_type: IdType) -> Option<Remedy> {
    let program = Program::examine(path, id_type)?;
    let has_privilege = program.gives_capability()?;
    (!has_privilege || program.is_on_nosuid).then(|| {
        Remedy::new(
            if has_privilege { Key::Nosuid } else { Key::Unprivileged },
            format!("{} gives no privilege", describe(path, id_type)),
            "as root, reinstall the package of the program (uidmap or uidmap-rs), on a file system that is not mounted nosuid",
        )
    })
}
