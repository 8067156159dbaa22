//! Why the target, or a file of it, cannot be had in `/proc`.

use libc::pid_t;
use nix::errno::Errno;

use super::{Cause, Key, write};
use crate::diagnosis::facts::Facts;
use crate::error::Reason;
use crate::shown::shown;

/// Its directory could not be opened.
pub(super) fn not_found(pid: pid_t, reason: Reason, facts: &Facts) -> Cause {
    if let Some(cause) = covered(facts) {
        return cause;
    }
    if facts.proc.foreign {
        return Cause::new(
            Key::Proc,
            "/proc shows another PID namespace than the one that the caller is in",
            "mount its own: as root in this PID namespace, run 'mount -t proc proc /proc'",
        );
    }
    let mount = facts.proc.mount.as_ref();
    let hidepid = mount
        .and_then(|mount| mount.options.split(',').find(|option| option.starts_with("hidepid=")))
        .filter(|_| facts.proc.pid_exists && reason.errno() == Errno::ENOENT);
    if let Some(option) = hidepid {
        return Cause::new(
            Key::Proc,
            format!(
                "process {pid} exists, but /proc is mounted with {} and does not show it",
                shown(option.as_bytes())
            ),
            "as root, run 'mount -o remount,hidepid=0 /proc'; a process of the caller's own that is hidden is not dumpable",
        );
    }
    Cause::new(
        Key::NoProcess,
        format!("there is no process {pid}: it has ended, or that is its PID in another PID namespace"),
        "give the PID that the process has in the caller's /proc, while it lives",
    )
}

/// A file of it could not be opened for writing, or not be written with no privilege needed.
pub(super) fn not_writable(reason: Reason, facts: &Facts) -> Vec<Cause> {
    let cause = match reason.errno() {
        Errno::ENOENT | Errno::ESRCH => ended(facts),
        Errno::EROFS => read_only(facts),
        Errno::EPERM => write::target_excludes(facts).unwrap_or_else(|| write::refused(facts)),
        Errno::EACCES => covered(facts).unwrap_or_else(|| write::refused(facts)),
        _ => return Vec::new(),
    };
    vec![cause]
}

pub(super) fn ended(facts: &Facts) -> Cause {
    Cause::new(
        Key::NoProcess,
        format!("{} has ended meanwhile", facts.target_name()),
        "keep the process alive until both of its maps are written",
    )
}

fn read_only(facts: &Facts) -> Cause {
    let point = facts.proc.mount.as_ref().map_or("/proc".into(), |mount| shown(mount.point.as_bytes()));
    Cause::new(
        Key::Proc,
        format!("{point} is mounted read-only"),
        format!(
            "as root, run 'mount -o remount,rw {point}'; in a container, leave out the option that made it so \
             (a volume with :ro, --security-opt systempaths or mask)"
        ),
    )
}

fn covered(facts: &Facts) -> Option<Cause> {
    let mount = facts.proc.mount.as_ref().filter(|mount| mount.file_system != "proc")?;
    let (point, kind) = (shown(mount.point.as_bytes()), shown(mount.file_system.as_bytes()));
    Some(if mount.point.starts_with("/proc") {
        Cause::new(
            Key::Proc,
            format!(
                "a file system of the type {kind} is mounted over {point}, where the target is looked for"
            ),
            format!("as root, run 'umount {point}'"),
        )
    } else {
        Cause::new(
            Key::Proc,
            "there is no proc file system mounted at /proc",
            "as root, run 'mount -t proc proc /proc'",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{not_found, not_writable};
    use crate::diagnosis::conclude::samples::{facts, mount};
    use crate::diagnosis::facts::Facts;
    use crate::error::Reason;
    use nix::errno::Errno::*;

    #[test]
    fn a_process_that_is_not_found_is_gone_hidden_covered_or_elsewhere() {
        type Change<'a> = &'a dyn Fn(&mut Facts);
        let cases: [(Change<'_>, &str); 6] = [
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
            (&|facts| facts.proc.mount = mount("/proc/7", "tmpfs", "rw"), "a file system of the type tmpfs"),
            (&|facts| facts.proc.foreign = true, "/proc shows another PID namespace"),
        ];
        for (change, sentence) in cases {
            let cause = not_found(7, ENOENT.into(), &facts(change));
            assert!(cause.sentence.starts_with(sentence), "{}", cause.sentence);
        }
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
    }
}
