//! podman's pause process, which keeps a user namespace with the ids that were delegated when it was started. podman joins that
//! namespace, and does not call newuidmap again.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use libc::uid_t;

use super::delegation::Delegation;
use super::report::{Finding, Remedy};
use crate::caller::Caller;
use crate::escape::escape;
use crate::explain::cause::Key;
use crate::explain::evidence::id_map;
use crate::files;
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;

const SUBJECT: &str = "podman";

/// Compares the ids of the pause process with the delegated ones; `None` without a pause process or without a list.
pub(super) fn finding(caller: &Caller, delegations: &[(IdType, Delegation)]) -> Option<Finding> {
    let pid = candidates(caller.uid).into_iter().find_map(|path| pause_process(&path, caller.uid))?;
    let mut stale = Vec::new();
    for (id_type, delegation) in delegations {
        // podman joins no user namespace without a map.
        let map = id_map::read(&pid, *id_type).filter(|map| !map.is_empty())?;
        let has = id_map::outside_ids(&map);
        let wants: IdSet =
            delegation.listed()?.iter().copied().chain([IdRange::new(caller.own_id(*id_type), 1)]).collect();
        if has != wants {
            let word = id_type.word();
            stale.push(format!("has the {word}s {has} instead of {wants}"));
        }
    }
    if stale.is_empty() {
        return Some(Finding::good(SUBJECT, format!("its process {pid} has the delegated ids")));
    }
    let remedy = Remedy::new(
        Key::OldNamespace,
        format!(
            "podman's process {pid} keeps a user namespace with other ids than the delegated ones, and podman joins it"
        ),
        format!("as {}, run podman system migrate, which stops the user's containers", escape(&caller.name)),
    );
    Some(Finding::note(SUBJECT, format!("its process {pid} {}", stale.join(", and ")), [remedy]))
}

/// Where podman writes the PID: `libpod/tmp/pause.pid` in the runtime directory, or in a directory of /tmp if there is none.
fn candidates(uid: uid_t) -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|directory| !directory.is_empty());
    let others =
        [format!("/run/user/{uid}"), format!("/tmp/podman-run-{uid}"), format!("/tmp/storage-run-{uid}")];
    let directories = runtime.into_iter().map(PathBuf::from).chain(others.map(PathBuf::from));
    directories.map(|directory| directory.join("libpod/tmp/pause.pid")).collect()
}

/// The PID in the file, if the user owns the file and the process, and the process is in another user namespace. The process may have
/// ended, and another process may have its PID. In /tmp, any user can make the path, with a FIFO or an endless file.
fn pause_process(path: &Path, uid: uid_t) -> Option<String> {
    if fs::metadata(path).ok()?.uid() != uid {
        return None;
    }
    let text = String::from_utf8(files::read(path.to_str()?).ok()?).ok()?;
    let pid = text.trim().parse::<u32>().ok()?.to_string();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let is_own = uids.split_whitespace().all(|other| other == uid.to_string());
    let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/user")).ok();
    (is_own && namespace(&pid)? != namespace("self")?).then_some(pid)
}
