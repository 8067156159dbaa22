//! Causes that stop a client before newuidmap reads its arguments. Only uidmap-check can find them.

use nix::errno::Errno;

use super::{Cause, Key, privilege};
use crate::explain::evidence::process::Process;
use crate::id_type::IdType;
use crate::reason::Reason;

/// An exec failed. The kernel refuses to start a program with an effective file capability that is not in the bounding set
/// (`cap_bprm_creds_from_file` in security/commoncap.c).
pub(crate) fn not_started(id_type: IdType, reason: Reason) -> Vec<Cause> {
    if reason.errno() == Errno::EPERM { vec![privilege::bounding_set(id_type)] } else { Vec::new() }
}

/// A lower limit on namespaces is probably the one that was reached.
pub(crate) const USUAL_LIMIT: u64 = 15_000;

const LIMIT_REACHED: &str = "a limit on user namespaces is reached: user.max_user_namespaces, here or in an ancestor namespace, or 32 levels";

/// unshare(2) failed.
pub(crate) fn no_namespace(errno: Errno, process: &Process) -> Vec<Cause> {
    let cause = match errno {
        Errno::ENOSPC | Errno::EUSERS
            if process.max_user_namespaces.is_some_and(|limit| limit < USUAL_LIMIT) =>
        {
            Cause::new(
                Key::NoNamespace,
                LIMIT_REACHED,
                "as root, run `echo 15000 >/proc/sys/user/max_user_namespaces`, and correct the setting in /etc/sysctl.d",
            )
        }
        Errno::ENOSPC | Errno::EUSERS => Cause::without_fix(Key::NoNamespace, LIMIT_REACHED),
        Errno::EPERM if process.userns_clone_is_off => Cause::new(
            Key::NoNamespace,
            "kernel.unprivileged_userns_clone is 0, so only root can create user namespaces",
            "as root, run `echo 1 >/proc/sys/kernel/unprivileged_userns_clone`, and correct the setting in /etc/sysctl.d",
        ),
        // Docker's default filter does that.
        Errno::EPERM if has_only_filter(process) => Cause::new(
            Key::NoNamespace,
            "a seccomp filter is active and denies new user namespaces; no other cause was found",
            "start the container with --security-opt seccomp=unconfined or with a profile that allows unshare and clone (Docker, \
             podman), set seccompProfile.type: Unconfined (Kubernetes), or remove RestrictNamespaces= and SystemCallFilter= from \
             the unit (systemd)",
        ),
        Errno::EPERM => Cause::without_fix(
            Key::NoNamespace,
            "possible reasons: a seccomp filter (such as Docker's default one), a security \
             module (kernel.apparmor_restrict_unprivileged_userns=1 on Ubuntu), or a chroot",
        ),
        Errno::EINVAL | Errno::ENOSYS => Cause::new(
            Key::NoNamespace,
            "the kernel does not support user namespaces",
            "use a kernel with CONFIG_USER_NS",
        ),
        _ => return Vec::new(),
    };
    vec![cause]
}

fn has_only_filter(process: &Process) -> bool {
    process.has_seccomp_filter == Some(true)
        && process.security_label.is_none()
        && !process.apparmor_restricts_userns
}

#[cfg(test)]
mod tests {
    use super::{has_only_filter, no_namespace, not_started};
    use crate::explain::evidence::process::Process;
    use crate::id_type::IdType;
    use nix::errno::Errno;

    #[test]
    fn a_namespace_that_cannot_be_created_has_a_cause_by_errno() {
        for (errno, userns_clone_is_off, expected) in [
            (Errno::ENOSPC, false, Some("a limit on user namespaces is reached")),
            (Errno::EUSERS, false, Some("a limit on user namespaces is reached")),
            (Errno::EPERM, true, Some("kernel.unprivileged_userns_clone is 0")),
            (Errno::EPERM, false, Some("possible reasons")),
            (Errno::EINVAL, false, Some("the kernel does not support user namespaces")),
            (Errno::ENOSYS, false, Some("the kernel does not support user namespaces")),
            (Errno::ENOMEM, false, None),
        ] {
            let process = Process { userns_clone_is_off, ..Process::default() };
            assert!(!has_only_filter(&process));
            let causes = no_namespace(errno, &process);
            assert_eq!(causes.is_empty(), expected.is_none(), "{errno}");
            for cause in causes {
                assert!(cause.sentence.starts_with(expected.unwrap()), "{errno}: {}", cause.sentence);
            }
        }
    }

    #[test]
    fn a_limit_is_raised_only_if_it_is_low() {
        for (limit, has_fix) in [(Some(0), true), (Some(14_999), true), (Some(15_000), false), (None, false)]
        {
            let process = Process { max_user_namespaces: limit, ..Process::default() };
            assert_eq!(no_namespace(Errno::ENOSPC, &process)[0].fix.is_some(), has_fix, "{limit:?}");
        }
    }

    #[test]
    fn a_filter_is_the_cause_unless_a_security_module_may_be() {
        for (has_filter, label, sentence) in [
            (true, None, "a seccomp filter is active and denies new user namespaces"),
            (true, Some("docker-default (enforce)"), "possible reasons"),
            (false, None, "possible reasons"),
        ] {
            let process = Process {
                has_seccomp_filter: Some(has_filter),
                security_label: label.map(str::to_owned),
                ..Process::default()
            };
            let causes = no_namespace(Errno::EPERM, &process);
            assert!(causes[0].sentence.starts_with(sentence), "{}", causes[0].sentence);
        }
    }

    #[test]
    fn a_program_that_the_kernel_refuses_to_start_lacks_the_bounding_set() {
        assert!(not_started(IdType::Uid, Errno::ENOENT.into()).is_empty());
        assert!(!not_started(IdType::Uid, Errno::EPERM.into()).is_empty());
    }
}
