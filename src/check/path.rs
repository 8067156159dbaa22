//! The search for the programs in PATH, as clients make it: the first file that the user may execute.

use std::ffi::CString;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::statfs::statfs;
use nix::sys::statvfs::FsFlags;
use nix::unistd::{AccessFlags, Gid, Group, access, getgrouplist, getgroups};

use super::report::Remedy;
use crate::caller::Caller;
use crate::escape::{escape, escape_path, shell_word};
use crate::explain::cause::Key;
use crate::explain::evidence::program::USUAL_PLACES;
use crate::id_type::IdType;

/// The files in PATH that have the name of a program.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// In the order of PATH, each file once.
    pub(super) executable: Vec<PathBuf>,
    /// The first file that the user may not execute.
    blocked: Option<PathBuf>,
    /// The first directory that the user may not search.
    closed: Option<PathBuf>,
}

impl Search {
    pub(super) fn of(id_type: IdType) -> Self {
        let mut search = Self::default();
        let mut seen = Vec::new();
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Clients in Go refuse a program of the working directory (exec.ErrDot).
        for directory in std::env::split_paths(&path).filter(|directory| directory.is_absolute()) {
            let path = directory.join(id_type.program());
            match path.metadata() {
                Ok(status) if !status.is_file() || seen.contains(&(status.dev(), status.ino())) => {}
                Ok(status) if is_executable(&path) => {
                    seen.push((status.dev(), status.ino()));
                    search.executable.push(path);
                }
                Ok(_) => drop(search.blocked.get_or_insert(path)),
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    search.closed.get_or_insert(directory);
                }
                Err(_) => {}
            }
        }
        search
    }

    /// The cause of a search without a result, and the fix.
    pub(super) fn nothing_found(&self, id_type: IdType, caller: &Caller) -> Remedy {
        let program = id_type.program();
        if let Some(path) = &self.blocked {
            return not_executable(path, caller);
        }
        let elsewhere =
            USUAL_PLACES.into_iter().find(|directory| is_executable(&Path::new(directory).join(program)));
        let value = std::env::var_os("PATH")
            .map_or("is not set".to_owned(), |path| format!("is '{}'", escape(path.as_bytes())));
        let closed = self.closed.as_ref().map_or(String::new(), |directory| {
            format!("; {} may not search {}", escape(&caller.name), escape_path(directory))
        });
        let cause = format!("{program} is in no directory of PATH, which {value}{closed}");
        match elsewhere {
            Some(directory) => Remedy::new(
                Key::NotInstalled,
                cause,
                format!("add {directory} to PATH: {directory}/{program} exists"),
            ),
            None => Remedy::new(
                Key::NotInstalled,
                cause,
                "as root, install the package: uidmap-rs or uidmap (Debian, Ubuntu), shadow-utils \
                 (Fedora)",
            ),
        }
    }
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

/// The file is there, and access(2) denies the user to execute it.
fn not_executable(path: &Path, caller: &Caller) -> Remedy {
    let (name, user) = (escape_path(path), escape(&caller.name));
    let because =
        |reason: String, fix: String| Remedy::new(Key::NotExecutable, format!("{name} {reason}"), fix);
    let unexplained = || {
        Remedy::without_fix(
            Key::NotExecutable,
            format!("{user} may not execute {name}; an access control list or a security module denies that"),
        )
    };
    let Ok(status) = path.metadata() else { return unexplained() };
    if statfs(path).is_ok_and(|file_system| file_system.flags().contains(FsFlags::ST_NOEXEC)) {
        return because(
            "is on a file system mounted noexec".to_owned(),
            "as root, install the package on another file system, or remount this one without noexec"
                .to_owned(),
        );
    }
    let (mode, gid) = (status.permissions().mode() & 0o7777, status.gid());
    let class = if status.uid() == caller.uid {
        0o100
    } else if groups(caller).contains(&gid) {
        0o010
    } else {
        0o001
    };
    if mode & class != 0 {
        return unexplained();
    }
    let may_group = class == 0o001 && mode & 0o010 != 0;
    if !may_group || gid == 0 {
        return because(
            format!("has mode {mode:04o}, so {user} may not execute it"),
            "as root, reinstall the package, or give the file the mode of the package: every user may execute it".to_owned(),
        );
    }
    let group = Group::from_gid(Gid::from_raw(gid)).ok().flatten().map(|group| group.name);
    let shown =
        group.as_ref().map_or(format!("gid {gid}"), |group| format!("group '{}'", escape(group.as_bytes())));
    let found = format!("has mode {mode:04o} and {shown}, and {user}");
    if is_member(caller, gid) {
        return because(
            format!("{found} has joined that group after this session began"),
            format!("have {user} log out and in again"),
        );
    }
    let words = group.and_then(|group| shell_word(group.as_bytes())).zip(shell_word(&caller.name));
    because(
        format!("{found} is not in that group"),
        match words {
            Some((group, user)) => format!(
                "if {user} may have all rights of that group, as root, run `usermod --append --groups {group} {user}`, and have {user} log \
                 in again"
            ),
            None => format!(
                "if {user} may have all rights of that group, as root, add {user} to it, and have {user} log in again"
            ),
        },
    )
}

/// The groups of the process.
fn groups(caller: &Caller) -> Vec<u32> {
    let supplementary = getgroups().unwrap_or_default().into_iter().map(Gid::as_raw);
    supplementary.chain([caller.gid]).collect()
}

/// Whether the group database has the user in a group.
fn is_member(caller: &Caller, gid: u32) -> bool {
    let Ok(name) = CString::new(caller.name.clone()) else { return false };
    let groups = getgrouplist(&name, Gid::from_raw(caller.login_gid)).unwrap_or_default();
    groups.contains(&Gid::from_raw(gid))
}
