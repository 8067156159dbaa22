//! The files that delegate, where other machines have them: on the file system of a disk. The harness has all of /etc in memory
//! (tmpfs), whose pages the kernel copies one by one.

use std::fs;
use std::process::id;

use nix::mount::{MsFlags, mount};

use super::harness::{IdType, Sandbox};

/// From now on, what is written to them and read of them lies in `/var/tmp`, without a name there.
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
