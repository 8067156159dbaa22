//! Causes in `/proc`: the target or one of its files cannot be opened.

use libc::pid_t;
use nix::errno::Errno;

use super::{Cause, Key, free_ids, write};
use crate::escape::{escape, shell_word};
use crate::explain::evidence::Evidence;
use crate::explain::evidence::mounts::Mount;
use crate::reason::Reason;

/// The target's directory cannot be opened.
pub(super) fn not_found(pid: pid_t, reason: Reason, evidence: &Evidence) -> Option<Cause> {
    if let Some(cause) = covered(evidence).or_else(|| other_pid_namespace(evidence)) {
        return Some(cause);
    }
    if !matches!(reason.errno(), Errno::ENOENT | Errno::ESRCH) {
        return None;
    }
    Some(hidden(evidence).unwrap_or_else(|| {
        Cause::new(
            Key::NoProcess,
            format!("there is no process {pid}: it has ended, or the PID is from another PID namespace"),
            "give the PID that the caller's /proc shows, while the process lives",
        )
    }))
}

/// The mount option hidepid hides the process from the caller.
fn hidden(evidence: &Evidence) -> Option<Cause> {
    let mount = evidence.proc.mount.as_ref().filter(|_| evidence.proc.pid_exists)?;
    let option = mount.options.split(',').find(|option| option.starts_with("hidepid="))?;
    Some(Cause::new(
        Key::Proc,
        format!(
            "{} exists, but /proc is mounted with {} and does not show it",
            evidence.target_name(),
            escape(option.as_bytes())
        ),
        if free_ids::has_all_ids(evidence) {
            "as root, run `mount -o remount,hidepid=0 /proc`; if the process is the caller's own, it is not dumpable"
        } else {
            "start the container with a /proc without hidepid; if the process is the caller's own, it is not dumpable"
        },
    ))
}

/// PIDs in this `/proc` are those of another PID namespace.
pub(super) fn other_pid_namespace(evidence: &Evidence) -> Option<Cause> {
    evidence.proc.shows_other_pid_namespace.then(|| {
        Cause::new(
            Key::Proc,
            "/proc shows another PID namespace than the caller's",
            "as root in this PID namespace, run `mount -t proc proc /proc`, or create the PID namespace with unshare --pid \
             --fork --mount-proc",
        )
    })
}

/// A file of the target cannot be opened for writing, or the write to setgroups failed.
pub(super) fn not_writable(reason: Reason, evidence: &Evidence) -> Vec<Cause> {
    let refused = || write::refused("the write", evidence);
    let cause = match reason.errno() {
        Errno::ENOENT | Errno::ESRCH => hidden(evidence).unwrap_or_else(|| ended(evidence)),
        Errno::EROFS => read_only(evidence),
        Errno::EPERM => write::unsuitable_target(evidence).unwrap_or_else(refused),
        Errno::EACCES => covered(evidence).or_else(|| files_of_root(evidence)).unwrap_or_else(refused),
        Errno::EXDEV => covered(evidence).unwrap_or_else(|| covered_in_other_namespace(evidence)),
        Errno::ENOSYS => without_openat2(evidence),
        _ => return Vec::new(),
    };
    vec![cause]
}

/// The files of a process that is not dumpable or has ended belong to root, but its directory does not (`task_dump_owner` in
/// fs/proc/base.c).
fn files_of_root(evidence: &Evidence) -> Option<Cause> {
    let target = evidence.target.as_ref()?;
    if target.has_ended {
        return Some(ended(evidence));
    }
    let (owner, target) = (target.map_owner?, evidence.target_name());
    (owner != evidence.credentials.uid).then(|| {
        Cause::new(
            Key::NotDumpable,
            format!("{target} is not dumpable, so its files in /proc belong to uid {owner} instead of the caller"),
            "have the process call prctl(PR_SET_DUMPABLE, 1) after it changed ids, or run a program that the caller may read",
        )
    })
}

/// The target is a descriptor that the caller opened in another mount namespace, whose mounts are not visible here.
fn covered_in_other_namespace(evidence: &Evidence) -> Cause {
    Cause::new(
        Key::Proc,
        format!(
            "a mount covers the file of {} in the mount namespace where the descriptor was opened",
            evidence.target_name()
        ),
        "open the directory in a /proc without a mount over that file, or give the PID",
    )
}

/// The file is opened with openat2(2) alone, because only openat2(2) refuses a file that is mounted over it.
fn without_openat2(evidence: &Evidence) -> Cause {
    match evidence.process.kernel {
        Some(version) if version < OPENAT2_SINCE => Cause::new(
            Key::Refused,
            "openat2(2) is not available: the kernel is older than Linux 5.6",
            "use a kernel of Linux 5.6 or later",
        ),
        Some(_) if evidence.process.has_seccomp_filter == Some(true) => Cause::new(
            Key::Refused,
            "a seccomp filter denies openat2(2), which this kernel has",
            "use a seccomp profile that allows openat2, as the default profiles of podman and Docker do",
        ),
        _ => Cause::without_fix(
            Key::Refused,
            "openat2(2) is not available; possible reasons: a kernel before Linux 5.6, or an emulator of Linux (qemu-user, gVisor)",
        ),
    }
}

const OPENAT2_SINCE: (u32, u32) = (5, 6);

pub(super) fn ended(evidence: &Evidence) -> Cause {
    Cause::new(Key::NoProcess, format!("{} has ended", evidence.target_name()), KEEP_ALIVE)
}

/// The fix for a target that has ended.
pub(super) const KEEP_ALIVE: &str = "keep the process alive until both of its maps are written";

fn read_only(evidence: &Evidence) -> Cause {
    let point = evidence.proc.mount.as_ref().map_or("/proc", |mount| &mount.point);
    let container =
        "in a container, remove the option for a read-only /proc, such as a volume /proc:/proc:ro";
    Cause::new(
        Key::Proc,
        format!("{} is mounted read-only", escape(point.as_bytes())),
        match shell_word(point.as_bytes()).filter(|_| free_ids::has_all_ids(evidence)) {
            Some(point) => format!("as root, run `mount -o remount,rw {point}`; {container}"),
            None => container.to_owned(),
        },
    )
}

/// `/proc` is not a procfs, or a mount covers the target or its file.
pub(super) fn covered(evidence: &Evidence) -> Option<Cause> {
    if evidence.proc.is_procfs == Some(false) {
        return Some(Cause::new(
            Key::Proc,
            "no proc file system is mounted at /proc",
            "as root, run `mount -t proc proc /proc`",
        ));
    }
    let is_covering = |mount: &&Mount| mount.file_system != "proc" || mount.point.starts_with("/proc/");
    let mount = evidence.proc.mount.as_ref().filter(is_covering)?;
    let (point, file_system) = (escape(mount.point.as_bytes()), escape(mount.file_system.as_bytes()));
    Some(Cause::new(
        Key::Proc,
        format!("{point} is covered by a {file_system} mount"),
        match shell_word(mount.point.as_bytes()) {
            // The mounts of a parent namespace are locked; see mount_namespaces(7).
            _ if !free_ids::has_all_ids(evidence) => {
                "start the container without a mount over this path, or as root here, unmount it if it was mounted here".to_owned()
            }
            Some(point) => format!("as root, run `umount {point}`"),
            None => "as root, unmount the covering mount".to_owned(),
        },
    ))
}

#[cfg(test)]
mod tests {
    type Change<'a> = &'a dyn Fn(&mut Evidence);

    use super::{Key, not_found, not_writable};
    use crate::explain::causes::test_evidence::{evidence, mount};
    use crate::explain::evidence::Evidence;
    use crate::reason::Reason;
    use nix::errno::Errno::{self, *};

    #[test]
    fn a_target_that_is_not_found_has_ended_or_is_hidden_or_proc_is_not_the_callers() {
        let cases: [(Change<'_>, &str); 7] = [
            (&|_| {}, "there is no process 7: "),
            (&|evidence| evidence.proc.pid_exists = true, "there is no process 7: "),
            (
                &|evidence| {
                    evidence.proc.pid_exists = true;
                    evidence.proc.mount = mount("/proc", "proc", "rw,hidepid=invisible");
                },
                "process 7 exists, but /proc is mounted with hidepid=invisible",
            ),
            (
                &|evidence| evidence.proc.mount = mount("/proc", "proc", "rw,hidepid=2"),
                "there is no process 7: ",
            ),
            (
                &|evidence| evidence.proc.mount = mount("/proc/7", "tmpfs", "rw"),
                "/proc/7 is covered by a tmpfs mount",
            ),
            (
                &|evidence| (evidence.proc.is_procfs, evidence.proc.mount) = (Some(false), None),
                "no proc file system is mounted at /proc",
            ),
            (&|evidence| evidence.proc.shows_other_pid_namespace = true, "/proc shows another PID namespace"),
        ];
        for (change, sentence) in cases {
            let cause = not_found(7, ENOENT.into(), &evidence(change)).unwrap();
            assert!(cause.sentence.starts_with(sentence), "{}", cause.sentence);
        }
        assert_eq!(not_found(7, EMFILE.into(), &evidence(|_| {})), None);
    }

    #[test]
    fn a_file_that_cannot_be_opened_has_a_cause_by_errno_and_mount() {
        let read_only = |evidence: &mut Evidence| evidence.proc.mount = mount("/proc", "proc", "ro");
        for (errno, sentence) in [
            (EROFS, "/proc is mounted read-only"),
            (ESRCH, "process 7 has ended"),
            (ENOENT, "process 7 has ended"),
            (EACCES, "no other cause was found"),
            (EPERM, "no other cause was found"),
        ] {
            let causes = not_writable(Reason::from(errno), &evidence(read_only));
            assert!(causes[0].sentence.starts_with(sentence), "{}", causes[0].sentence);
        }
        assert_eq!(not_writable(Reason::from(EIO), &evidence(read_only)), []);
        let sentence =
            |errno, change| not_writable(Reason::from(errno), &evidence(change))[0].sentence.clone();
        let covered = |evidence: &mut Evidence| evidence.proc.mount = mount("/proc/7/uid_map", "tmpfs", "rw");
        let covered_by_proc =
            |evidence: &mut Evidence| evidence.proc.mount = mount("/proc/7/uid_map", "proc", "rw");
        let hidden = |evidence: &mut Evidence| {
            (evidence.proc.mount, evidence.proc.pid_exists) = (mount("/proc", "proc", "rw,hidepid=2"), true);
        };
        let old_kernel = |evidence: &mut Evidence| evidence.process.kernel = Some((5, 5));
        let filter = |evidence: &mut Evidence| evidence.process.has_seccomp_filter = Some(true);
        let cases: [(Errno, Change<'_>, &str); 7] = [
            (EXDEV, &covered, "/proc/7/uid_map is covered by a tmpfs mount"),
            (EXDEV, &covered_by_proc, "/proc/7/uid_map is covered by a proc mount"),
            (
                EXDEV,
                &read_only,
                "a mount covers the file of process 7 in the mount namespace where the descriptor was opened",
            ),
            (ENOENT, &hidden, "process 7 exists, but /proc is mounted with hidepid=2"),
            (ENOSYS, &filter, "a seccomp filter denies openat2(2), which this kernel has"),
            (ENOSYS, &read_only, "openat2(2) is not available; possible reasons: "),
            (ENOSYS, &old_kernel, "openat2(2) is not available: the kernel is older"),
        ];
        for (errno, change, beginning) in cases {
            assert!(sentence(errno, change).starts_with(beginning), "{}", sentence(errno, change));
        }
        let not_dumpable = |evidence: &mut Evidence| {
            if let Some(target) = &mut evidence.target {
                target.map_owner = Some(0);
            }
        };
        let ended = |evidence: &mut Evidence| {
            not_dumpable(evidence);
            if let Some(target) = &mut evidence.target {
                target.has_ended = true;
            }
        };
        let cases: [(Errno, Change<'_>, Key); 5] = [
            (EXDEV, &covered, Key::Proc),
            (EACCES, &covered, Key::Proc),
            (EACCES, &not_dumpable, Key::NotDumpable),
            (EACCES, &ended, Key::NoProcess),
            (EPERM, &not_dumpable, Key::Refused),
        ];
        for (errno, change, key) in cases {
            assert_eq!(not_writable(Reason::from(errno), &evidence(change))[0].key, key, "{errno}");
        }
    }
}
