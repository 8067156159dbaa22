//! The first steps of every engine in the new namespace: a mount namespace and a mount.
//!
//! Ubuntu's AppArmor restriction lets a user namespace be created and mapped, and refuses these steps. The process that holds the
//! namespace takes them.

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::report::{Finding, NEXT_STEPS, Remedy};
use crate::escape::escape;
use crate::explain::cause::Key;
use crate::explain::causes;
use crate::explain::evidence::process::Process;
use crate::reason::Reason;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    MountNamespace,
    PrivateMounts,
    Tmpfs,
}

const STEPS: [Step; 3] = [Step::MountNamespace, Step::PrivateMounts, Step::Tmpfs];

/// The step that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) step: Step,
    pub(super) errno: Errno,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::MountNamespace => "mount namespace",
            Self::PrivateMounts => "private mounts",
            Self::Tmpfs => "tmpfs mount",
        }
    }

    fn take(self) -> nix::Result<()> {
        let none: Option<&str> = None;
        match self {
            Self::MountNamespace => unshare(CloneFlags::CLONE_NEWNS),
            Self::PrivateMounts => mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none),
            Self::Tmpfs => mount(Some("tmpfs"), "/", Some("tmpfs"), MsFlags::empty(), none),
        }
    }
}

/// Takes all steps, in the process that holds the namespace. The mounts end with the process.
///
/// # Errors
///
/// The first step that failed.
pub(super) fn take() -> Result<(), Refusal> {
    STEPS.into_iter().try_for_each(|step| step.take().map_err(|errno| Refusal { step, errno }))
}

/// A refusal as a line for the process that asked.
pub(super) fn encode(Refusal { step, errno }: Refusal) -> String {
    let number = std::io::Error::from(errno).raw_os_error().unwrap_or(libc::EIO);
    let index = STEPS.iter().position(|other| *other == step).unwrap_or_default();
    format!("{index} {number}")
}

/// The refusal in a line; `None` if the line has another form.
pub(super) fn decode(line: &str) -> Option<Refusal> {
    let (index, number) = line.split_once(' ')?;
    let step = STEPS.get(index.parse::<usize>().ok()?)?;
    Some(Refusal { step: *step, errno: Errno::from_raw(number.parse().ok()?) })
}

/// `label`: the security label of the process in the namespace.
pub(super) fn finding(taken: Result<(), Refusal>, process: &Process, label: Option<&str>) -> Finding {
    match taken {
        Ok(()) => {
            let names: Vec<&str> = STEPS.into_iter().map(Step::name).collect();
            Finding::good(NEXT_STEPS, names.join(", "))
        }
        Err(refusal) => {
            let Refusal { step, errno } = refusal;
            let detail = format!("{}: {}", step.name(), Reason::from(errno));
            Finding::bad(NEXT_STEPS, detail, [cause(refusal, process, label)])
        }
    }
}

/// Why a process with all capabilities in its namespace is refused.
fn cause(Refusal { step, errno }: Refusal, process: &Process, label: Option<&str>) -> Remedy {
    if step == Step::MountNamespace && errno == Errno::ENOSPC {
        let sentence = "a limit on mount namespaces is reached: user.max_mnt_namespaces, here or in an ancestor namespace";
        if process.max_mnt_namespaces.is_none_or(|limit| limit >= causes::USUAL_LIMIT) {
            return Remedy::without_fix(Key::MountRefused, sentence);
        }
        return Remedy::new(
            Key::MountRefused,
            sentence,
            "as root, run `echo 15000 >/proc/sys/user/max_mnt_namespaces`, and correct the setting in /etc/sysctl.d",
        );
    }
    if !matches!(errno, Errno::EPERM | Errno::EACCES | Errno::ENOSYS) {
        let cause = "the kernel did not deny the step, but could not do it";
        return Remedy::without_fix(Key::MountRefused, format!("{cause}: {}", Reason::from(errno)));
    }
    // The restriction confines the process at the moment when it creates the namespace.
    let is_confined_now =
        label.is_none_or(|label| label == "unconfined" || label.contains("unprivileged_userns"));
    if process.apparmor_restricts_userns && process.security_label.is_none() && is_confined_now {
        return Remedy::new(
            Key::AppArmorUserns,
            "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor denies capabilities in a new user namespace to programs \
             without a profile that allows userns; uidmap-check has no such profile, and an engine may have one",
            "look in /etc/apparmor.d for a profile of the engine with the rule userns; if there is none, root can write one, or set \
             kernel.apparmor_restrict_unprivileged_userns to 0 in /etc/sysctl.d",
        );
    }
    let has_filter = process.has_seccomp_filter == Some(true);
    match &process.security_label {
        None if has_filter => Remedy::new(
            Key::MountRefused,
            "a seccomp filter is active and denies mounts; no other cause was found",
            "start the container with --security-opt seccomp=unconfined or with a profile that allows unshare and mount (Docker, \
             podman), set seccompProfile.type: Unconfined (Kubernetes), or remove SystemCallFilter= from the unit (systemd)",
        ),
        None => Remedy::without_fix(
            Key::MountRefused,
            "possible reasons: a security module, or a chroot; no seccomp filter and no security label were found",
        ),
        Some(label) => {
            let filter = if has_filter { " or the seccomp filter" } else { "" };
            Remedy::new(
                Key::MountRefused,
                format!("the security label '{}'{filter} denies mounts", escape(label.as_bytes())),
                "start the container with --security-opt apparmor=unconfined (AppArmor) or --security-opt label=disable (SELinux), and \
                 if that does not suffice, with --security-opt seccomp=unconfined; in Kubernetes, set appArmorProfile.type: Unconfined \
                 and seccompProfile.type: Unconfined",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, Process, Refusal, STEPS, Step, cause, decode, encode};

    #[test]
    fn a_refusal_survives_the_way_through_a_pipe() {
        for step in STEPS {
            let refusal = Refusal { step, errno: Errno::EACCES };
            assert_eq!(decode(&encode(refusal)), Some(refusal));
        }
        for line in ["", "done", "3 1", "x 1", "1 x"] {
            assert_eq!(decode(line), None, "{line}");
        }
    }

    #[test]
    fn the_cause_of_a_refused_step_is_the_restriction_of_the_process() {
        let process = |filter, label: Option<&str>, apparmor_restricts_userns| Process {
            has_seccomp_filter: Some(filter),
            security_label: label.map(str::to_owned),
            apparmor_restricts_userns,
            ..Process::default()
        };
        let docker = Some("docker-default (enforce)");
        for (step, errno, process, label, sentence, has_fix) in [
            (
                Step::MountNamespace,
                Errno::ENOSPC,
                Process { max_mnt_namespaces: Some(0), ..process(true, docker, true) },
                None,
                "a limit on mount namespaces",
                true,
            ),
            (
                Step::MountNamespace,
                Errno::ENOSPC,
                Process { max_mnt_namespaces: Some(15_000), ..Process::default() },
                None,
                "a limit on mount namespaces",
                false,
            ),
            (Step::Tmpfs, Errno::EPERM, process(false, None, true), None, "kernel.apparmor_restrict", true),
            (
                Step::Tmpfs,
                Errno::EACCES,
                process(true, None, true),
                Some("unprivileged_userns (enforce)"),
                "kernel.apparmor_restrict",
                true,
            ),
            (
                Step::Tmpfs,
                Errno::ENOSPC,
                process(true, docker, true),
                docker,
                "the kernel did not deny the step, but could not do it: No space left on device",
                false,
            ),
            // A profile that allows userns keeps its label.
            (
                Step::Tmpfs,
                Errno::EPERM,
                process(true, None, true),
                Some("other (enforce)"),
                "a seccomp filter is active",
                true,
            ),
            (
                Step::Tmpfs,
                Errno::EPERM,
                process(true, docker, true),
                docker,
                "the security label 'docker-default (enforce)' or the seccomp filter",
                true,
            ),
            (
                Step::Tmpfs,
                Errno::EACCES,
                process(false, docker, false),
                docker,
                "the security label 'docker-default (enforce)' denies",
                true,
            ),
            (
                Step::MountNamespace,
                Errno::EPERM,
                process(true, None, false),
                None,
                "a seccomp filter is active",
                true,
            ),
            (Step::Tmpfs, Errno::EPERM, process(false, None, false), None, "possible reasons", false),
        ] {
            let remedy = cause(Refusal { step, errno }, &process, label);
            assert!(remedy.cause.starts_with(sentence), "{sentence}: {}", remedy.cause);
            assert_eq!(remedy.fix.is_some(), has_fix, "{sentence}");
        }
    }
}
