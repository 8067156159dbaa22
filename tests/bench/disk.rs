//! Keeps the subid files on a disk, as real machines do. The harness has /etc on a tmpfs, from which the kernel reads page by
//! page.

use std::fs;
use std::process::id;

use nix::mount::{MsFlags, mount};

use super::harness::{IdType, Sandbox};

/// Bind-mounts unlinked files in `/var/tmp` over the subid files.
pub fn keep_files(sandbox: &Sandbox) {
    sandbox.delegate("");
    for id_type in IdType::BOTH {
        let file = format!("/var/tmp/uidmap-bench.{}.{}", id(), id_type.subid());
        fs::write(&file, "").unwrap();
        let (flags, nothing) = (MsFlags::MS_BIND, None::<&str>);
        mount(Some(file.as_str()), &Sandbox::etc(id_type.subid()), nothing, flags, nothing).unwrap();
        fs::remove_file(&file).unwrap();
    }
}
