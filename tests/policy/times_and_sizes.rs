//! Files with a time or a size beyond 32 bits. On 32-bit machines, the C library's open(2), stat(2) and statvfs(3) with 32-bit types
//! fail with `EOVERFLOW` for them; calls with 64-bit types do not.

use std::fs::{File, FileTimes, create_dir, read_dir};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use nix::mount::{MsFlags, mount};

use super::check::check;
use super::harness::{ALICE, IdType, InstallMode, Sandbox, finish, in_sandbox};

/// The first second of 2040. A signed time of 32 bits ends in 2038.
const YEAR_2040: Duration = Duration::from_secs(2_208_988_800);

const THREE_GIBIBYTES: u64 = 3 << 30;

/// A login group that is not alice's real one: login.defs decides whether the caller is accepted.
const OTHER_GID: u32 = 100;

/// Dates a directory and all that it contains.
fn date(path: &Path) {
    let time = UNIX_EPOCH + YEAR_2040;
    let file = File::open(path).unwrap();
    file.set_times(FileTimes::new().set_accessed(time).set_modified(time)).unwrap();
    if path.is_dir() {
        for entry in read_dir(path).unwrap() {
            date(&entry.unwrap().path());
        }
    }
}

#[test]
fn files_of_2040_are_read() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\nalicia:200000:10\n");
        sandbox.write("login.defs", "GRANT_AUX_GROUP_SUBIDS yes\n");
        date(Path::new("/etc"));
        date(Path::new("/mnt"));
        sandbox.allows("0 100000 10 10 200000 10");
        sandbox.allows_person(ALICE.with_gid(OTHER_GID), "0 100000 10");
        assert_eq!(sandbox.getsubids(&["alice"]).stdout, "0: alice 100000 10\n1: alice 200000 10\n");
        for mode in InstallMode::GOOD {
            let outcome = check(sandbox, ALICE, mode);
            assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{}", outcome.stdout);
        }
        // The explanation examines the file of the program.
        let attempt = sandbox.attempt(InstallMode::Unprivileged, IdType::Uid, ALICE, "0 100000 10");
        let stderr = attempt.outcome.stderr;
        assert!(stderr.contains("neither the setuid bit nor"), "{stderr}");
    });
}

/// A second name of alice stands at the end: the search for the first name reads the whole file, and the second search again.
#[test]
fn files_of_three_gibibytes_are_read() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.write("login.defs", "GRANT_AUX_GROUP_SUBIDS yes\n");
        for name in ["subuid", "subgid", "login.defs"] {
            let file = File::options().write(true).open(Sandbox::etc(name)).unwrap();
            file.write_all_at(b"\nalicia:200000:10\n", THREE_GIBIBYTES).unwrap();
        }
        sandbox.allows("0 100000 10");
        sandbox.allows_person(ALICE.with_gid(OTHER_GID), "0 100000 10");
        let both = "0 100000 10 10 200000 10";
        let attempt = sandbox.attempt(InstallMode::Setuid, IdType::Uid, ALICE, both);
        assert_eq!((attempt.outcome.stderr.as_str(), attempt.outcome.status), ("", Some(0)));
        assert_eq!(sandbox.getsubids(&["alice"]).stdout, "0: alice 100000 10\n1: alice 200000 10\n");
    });
}

/// Its number of blocks needs more than 32 bits.
#[test]
fn the_mount_flags_of_a_large_file_system_are_known() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let programs = IdType::BOTH.map(|id_type| sandbox.program(InstallMode::Unprivileged, id_type));
        let installed = |directory: &str, flags: MsFlags| {
            create_dir(directory).unwrap();
            let options = Some("mode=0755,size=20T");
            mount(Some("tmpfs"), directory, Some("tmpfs"), flags, options).unwrap();
            InstallMode::Setuid.install([&programs[0], &programs[1]], Path::new(directory));
        };
        installed("/mnt/nosuid", MsFlags::MS_NOSUID);
        let target = sandbox.namespace(ALICE);
        let mut command = ALICE.command("/mnt/nosuid/newuidmap");
        let outcome = finish(command.args([&target.pid(), "0", "100000", "10"]));
        assert!(outcome.stderr.contains("mounted nosuid (/mnt/nosuid)"), "{outcome:?}");
        installed("/mnt/noexec", MsFlags::MS_NOEXEC);
        let mut command = ALICE.command("env");
        let outcome = finish(command.arg("PATH=/mnt/noexec").arg(sandbox.tool("uidmap-check")));
        assert!(outcome.stdout.contains("is on a file system mounted noexec"), "{outcome:?}");
    });
}
