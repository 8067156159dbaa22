//! Why the target, or a file of it, cannot be had in `/proc`.

use libc::pid_t;
use nix::errno::Errno;

use super::{Cause, Key, write};
use crate::diagnosis::facts::Facts;
use crate::error::Reason;
use crate::shown::{plain_word, shown};

/// Its directory could not be opened.
pub(super) fn not_found(pid: pid_t, reason: Reason, facts: &Facts) -> Option<Cause> {
    if let Some(cause) = covered(facts).or_else(|| elsewhere(facts)) {
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
    Some(hidden(facts).unwrap_or_else(none))
}

/// It is there, and not to be seen.
fn hidden(facts: &Facts) -> Option<Cause> {
    let mount = facts.proc.mount.as_ref().filter(|_| facts.proc.pid_exists)?;
    let option = mount.options.split(',').find(|option| option.starts_with("hidepid="))?;
    Some(Cause::new(
        Key::Proc,
        format!(
            "{} exists, but /proc is mounted with {} and does not show it",
            facts.target_name(),
            shown(option.as_bytes())
        ),
        "as root, run 'mount -o remount,hidepid=0 /proc'; a process of the caller's own that is hidden is not dumpable",
    ))
}

/// PIDs mean other processes there.
pub(super) fn elsewhere(facts: &Facts) -> Option<Cause> {
    facts.proc.foreign.then(|| {
        Cause::new(
            Key::Proc,
            "/proc shows another PID namespace than the one that the caller is in",
            "mount its own: as root in this PID namespace, run 'mount -t proc proc /proc', or make it with \
             'unshare --pid --fork --mount-proc'",
        )
    })
}

/// A file of it could not be opened for writing, or not be written with no privilege needed.
pub(super) fn not_writable(reason: Reason, facts: &Facts) -> Vec<Cause> {
    let cause = match reason.errno() {
        Errno::ENOENT | Errno::ESRCH => hidden(facts).unwrap_or_else(|| ended(facts)),
        Errno::EROFS => read_only(facts),
        Errno::EPERM => write::target_excludes(facts).unwrap_or_else(|| write::refused(facts)),
        Errno::EACCES => {
            covered(facts).or_else(|| not_dumpable(facts)).unwrap_or_else(|| write::refused(facts))
        }
        Errno::EXDEV => covered(facts).unwrap_or_else(|| covered_elsewhere(facts)),
        Errno::ENOSYS => without_openat2(),
        _ => return Vec::new(),
    };
    vec![cause]
}

/// The kernel gives the files of such a process to root (`task_dump_owner` in fs/proc/base.c), but not its directory.
fn not_dumpable(facts: &Facts) -> Option<Cause> {
    let owner = facts.target.as_ref()?.map_owner?;
    let target = facts.target_name();
    (owner != facts.start.uid).then(|| {
        Cause::new(
            Key::NotDumpable,
            format!("{target} is not dumpable, so that its files in /proc are not the caller's, but uid {owner}'s"),
            "have it call prctl(PR_SET_DUMPABLE, 1) after it changed ids, or run a program that the caller may read",
        )
    })
}

/// Seen through a descriptor of the caller's, from another mount namespace.
fn covered_elsewhere(facts: &Facts) -> Cause {
    Cause::new(
        Key::Proc,
        format!(
            "something is mounted over the file of {} where its directory was opened",
            facts.target_name()
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

pub(super) fn ended(facts: &Facts) -> Cause {
    Cause::new(
        Key::NoProcess,
        format!("{} has ended meanwhile", facts.target_name()),
        "keep the process alive until both of its maps are written",
    )
}

fn read_only(facts: &Facts) -> Cause {
    let point = facts.proc.mount.as_ref().map_or("/proc", |mount| &mount.point);
    let container = "in a container, leave out what made it so, as a volume /proc:/proc:ro";
    Cause::new(
        Key::Proc,
        format!("{} is mounted read-only", shown(point.as_bytes())),
        match plain_word(point) {
            Some(point) => format!("as root, run 'mount -o remount,rw {point}'; {container}"),
            None => container.to_owned(),
        },
    )
}

/// What is there instead of the proc file system, as far as that can be seen without it, or over one of its files.
pub(super) fn covered(facts: &Facts) -> Option<Cause> {
    if facts.proc.mounted == Some(false) {
        return Some(Cause::new(
            Key::Proc,
            "there is no proc file system mounted at /proc",
            "as root, run 'mount -t proc proc /proc'",
        ));
    }
    let mount = facts
        .proc
        .mount
        .as_ref()
        .filter(|mount| mount.file_system != "proc" || mount.point.starts_with("/proc/"))?;
    let (point, kind) = (shown(mount.point.as_bytes()), shown(mount.file_system.as_bytes()));
    Some(Cause::new(
        Key::Proc,
        format!("something of a file system of the type {kind} is mounted over {point}"),
        match plain_word(&mount.point) {
            Some(point) => format!("as root, run 'umount {point}'"),
            None => "have root unmount it".to_owned(),
        },
    ))
}

#[cfg(test)]
mod tests {
    type Change<'a> = &'a dyn Fn(&mut Facts);

    use super::{Key, not_found, not_writable};
    use crate::diagnosis::conclude::samples::{facts, mount};
    use crate::diagnosis::facts::Facts;
    use crate::error::Reason;
    use nix::errno::Errno::{self, *};

    #[test]
    fn a_process_that_is_not_found_is_gone_hidden_covered_or_elsewhere() {
        let cases: [(Change<'_>, &str); 7] = [
            (&|_| {}, "there is no process 7: "),
            (&|facts| facts.proc.pid_exists = true, "there is no process 7: "),
            (
                &|facts| {
                    facts.proc.pid_exists = true;
                    facts.proc.mount = mount("/proc", "proc", "rw,hidepid=invisible");
                },
                "process 7 exists, but /proc is mounted with hidepid=invisible",
            ),
            (&|facts| facts.proc.mount = mount("/proc", "proc", "rw,hidepid=2"), "there is no process 7: "),
            (
                &|facts| facts.proc.mount = mount("/proc/7", "tmpfs", "rw"),
                "something of a file system of the type tmpfs",
            ),
            (
                &|facts| (facts.proc.mounted, facts.proc.mount) = (Some(false), None),
                "there is no proc file system mounted",
            ),
            (&|facts| facts.proc.foreign = true, "/proc shows another PID namespace"),
        ];
        for (change, sentence) in cases {
            let cause = not_found(7, ENOENT.into(), &facts(change)).unwrap();
            assert!(cause.sentence.starts_with(sentence), "{}", cause.sentence);
        }
        assert_eq!(not_found(7, EMFILE.into(), &facts(|_| {})), None);
    }

    #[test]
    fn a_file_that_cannot_be_written_says_why_by_its_errno() {
        let read_only = |facts: &mut Facts| facts.proc.mount = mount("/proc", "proc", "ro");
        for (errno, sentence) in [
            (EROFS, "/proc is mounted read-only"),
            (ESRCH, "process 7 has ended meanwhile"),
            (ENOENT, "process 7 has ended meanwhile"),
            (EACCES, "no other cause applies"),
            (EPERM, "no other cause applies"),
        ] {
            let causes = not_writable(Reason::from(errno), &facts(read_only));
            assert!(causes[0].sentence.starts_with(sentence), "{}", causes[0].sentence);
        }
        assert_eq!(not_writable(Reason::from(EIO), &facts(read_only)), []);
        let sentence = |errno, change| not_writable(Reason::from(errno), &facts(change))[0].sentence.clone();
        let covered = |facts: &mut Facts| facts.proc.mount = mount("/proc/7/uid_map", "tmpfs", "rw");
        let covered_by_proc = |facts: &mut Facts| facts.proc.mount = mount("/proc/7/uid_map", "proc", "rw");
        let hidden = |facts: &mut Facts| {
            (facts.proc.mount, facts.proc.pid_exists) = (mount("/proc", "proc", "rw,hidepid=2"), true);
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
        let not_dumpable = |facts: &mut Facts| {
            if let Some(target) = &mut facts.target {
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
            assert_eq!(not_writable(Reason::from(errno), &facts(change))[0].key, key, "{errno}");
        }
    }
}
