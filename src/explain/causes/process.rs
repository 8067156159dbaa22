//! Why the target, or a file of it, cannot be had in `/proc`.

use libc::pid_t;
use nix::errno::Errno;

use super::{Cause, Key, write};
use crate::escape::{escape, plain_word};
use crate::explain::evidence::Evidence;
use crate::reason::Reason;

/// Its directory could not be opened.
pub(super) fn not_found(pid: pid_t, reason: Reason, evidence: &Evidence) -> Option<Cause> {
    if let Some(cause) = covered(evidence).or_else(|| elsewhere(evidence)) {
        return Some(cause);
    }
    if !matches!(reason.errno(), Errno::ENOENT | Errno::ESRCH) {
        return None;
    }
    let none = || {
        Cause::new(
            Key::NoProcess,
            format!("there is no process {pid}: it has ended, or that is its PID in another PID namespace"),
            "give the PID that the process has in the caller's /proc, while it lives",
        )
    };
    Some(hidden(evidence).unwrap_or_else(none))
}

/// It is there, and not to be seen.
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
        "as root, run 'mount -o remount,hidepid=0 /proc'; a process of the caller's own that is hidden is not dumpable",
    ))
}

/// PIDs mean other processes there.
pub(super) fn elsewhere(evidence: &Evidence) -> Option<Cause> {
    evidence.proc.foreign.then(|| {
        Cause::new(
            Key::Proc,
            "/proc shows another PID namespace than the one that the caller is in",
            "mount its own: as root in this PID namespace, run 'mount -t proc proc /proc', or make it with \
             'unshare --pid --fork --mount-proc'",
        )
    })
}

/// A file of it could not be opened for writing, or not be written with no privilege needed.
pub(super) fn not_writable(reason: Reason, evidence: &Evidence) -> Vec<Cause> {
    let cause = match reason.errno() {
        Errno::ENOENT | Errno::ESRCH => hidden(evidence).unwrap_or_else(|| ended(evidence)),
        Errno::EROFS => read_only(evidence),
        Errno::EPERM => write::target_excludes(evidence).unwrap_or_else(|| write::refused(evidence)),
        Errno::EACCES => {
            covered(evidence).or_else(|| not_dumpable(evidence)).unwrap_or_else(|| write::refused(evidence))
        }
        Errno::EXDEV => covered(evidence).unwrap_or_else(|| covered_elsewhere(evidence)),
        Errno::ENOSYS => without_openat2(),
        _ => return Vec::new(),
    };
    vec![cause]
}

/// The kernel gives the files of such a process to root (`task_dump_owner` in fs/proc/base.c), but not its directory.
fn not_dumpable(evidence: &Evidence) -> Option<Cause> {
    let owner = evidence.target.as_ref()?.map_owner?;
    let target = evidence.target_name();
    (owner != evidence.credentials.uid).then(|| {
        Cause::new(
            Key::NotDumpable,
            format!("{target} is not dumpable, so that its files in /proc are not the caller's, but uid {owner}'s"),
            "have it call prctl(PR_SET_DUMPABLE, 1) after it changed ids, or run a program that the caller may read",
        )
    })
}

/// Seen through a descriptor of the caller's, from another mount namespace.
fn covered_elsewhere(evidence: &Evidence) -> Cause {
    Cause::new(
        Key::Proc,
        format!(
            "something is mounted over the file of {} where its directory was opened",
            evidence.target_name()
        ),
        "open the directory in a /proc with nothing mounted over it, or give the PID",
    )
}

/// By it, what is mounted over a file is not opened, not even to see what it is.
fn without_openat2() -> Cause {
    Cause::new(
        Key::Refused,
        "the kernel has no openat2(2), which came with Linux 5.6, or a seccomp filter says that it has none",
        "run a newer kernel, or have the container's seccomp profile allow openat2 (as podman's and Docker's do)",
    )
}

pub(super) fn ended(evidence: &Evidence) -> Cause {
    Cause::new(
        Key::NoProcess,
        format!("{} has ended meanwhile", evidence.target_name()),
        "keep the process alive until both of its maps are written",
    )
}

fn read_only(evidence: &Evidence) -> Cause {
    let point = evidence.proc.mount.as_ref().map_or("/proc", |mount| &mount.point);
    let container = "in a container, leave out what made it so, as a volume /proc:/proc:ro";
    Cause::new(
        Key::Proc,
        format!("{} is mounted read-only", escape(point.as_bytes())),
        match plain_word(point) {
            Some(point) => format!("as root, run 'mount -o remount,rw {point}'; {container}"),
            None => container.to_owned(),
        },
    )
}

/// What is there instead of the proc file system, as far as that can be seen without it, or over one of its files.
pub(super) fn covered(evidence: &Evidence) -> Option<Cause> {
    if evidence.proc.mounted == Some(false) {
        return Some(Cause::new(
            Key::Proc,
            "there is no proc file system mounted at /proc",
            "as root, run 'mount -t proc proc /proc'",
        ));
    }
    let mount = evidence
        .proc
        .mount
        .as_ref()
        .filter(|mount| mount.file_system != "proc" || mount.point.starts_with("/proc/"))?;
    let (point, id_type) = (escape(mount.point.as_bytes()), escape(mount.file_system.as_bytes()));
    Some(Cause::new(
        Key::Proc,
        format!("something of a file system of the type {id_type} is mounted over {point}"),
        match plain_word(&mount.point) {
            Some(point) => format!("as root, run 'umount {point}'"),
            None => "have root unmount it".to_owned(),
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
    fn a_process_that_is_not_found_is_gone_hidden_covered_or_elsewhere() {
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
                "something of a file system of the type tmpfs",
            ),
            (
                &|evidence| (evidence.proc.mounted, evidence.proc.mount) = (Some(false), None),
                "there is no proc file system mounted",
            ),
            (&|evidence| evidence.proc.foreign = true, "/proc shows another PID namespace"),
        ];
        for (change, sentence) in cases {
            let cause = not_found(7, ENOENT.into(), &evidence(change)).unwrap();
            assert!(cause.sentence.starts_with(sentence), "{}", cause.sentence);
        }
        assert_eq!(not_found(7, EMFILE.into(), &evidence(|_| {})), None);
    }

    #[test]
    fn a_file_that_cannot_be_written_says_why_by_its_errno() {
        let read_only = |evidence: &mut Evidence| evidence.proc.mount = mount("/proc", "proc", "ro");
        for (errno, sentence) in [
            (EROFS, "/proc is mounted read-only"),
            (ESRCH, "process 7 has ended meanwhile"),
            (ENOENT, "process 7 has ended meanwhile"),
            (EACCES, "no other cause applies"),
            (EPERM, "no other cause applies"),
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
        let cases: [(Errno, Change<'_>, &str); 5] = [
            (EXDEV, &covered, "something of a file system of the type tmpfs is mounted over /proc/7/uid_map"),
            (EXDEV, &covered_by_proc, "something of a file system of the type proc is mounted over"),
            (
                EXDEV,
                &read_only,
                "something is mounted over the file of process 7 where its directory was opened",
            ),
            (ENOENT, &hidden, "process 7 exists, but /proc is mounted with hidepid=2"),
            (ENOSYS, &read_only, "the kernel has no openat2(2)"),
        ];
        for (errno, change, beginning) in cases {
            assert!(sentence(errno, change).starts_with(beginning), "{}", sentence(errno, change));
        }
        let not_dumpable = |evidence: &mut Evidence| {
            if let Some(target) = &mut evidence.target {
                target.map_owner = Some(0);
            }
        };
        let cases: [(Errno, Change<'_>, Key); 4] = [
            (EXDEV, &covered, Key::Proc),
            (EACCES, &covered, Key::Proc),
            (EACCES, &not_dumpable, Key::NotDumpable),
            (EPERM, &not_dumpable, Key::Refused),
        ];
        for (errno, change, key) in cases {
            assert_eq!(not_writable(Reason::from(errno), &evidence(change))[0].key, key, "{errno}");
        }
    }
}
