//! Causes that stop a client before newuidmap runs. uidmap-check alone finds them.

use nix::errno::Errno;

use super::{Cause, Key, privilege};
use crate::explain::evidence::process::Process;
use crate::id_type::IdType;
use crate::reason::Reason;

/// There is no program.
pub(crate) fn not_installed(id_type: IdType) -> Vec<Cause> {
    vec![Cause::new(Key::NotInstalled, format!("no {} is in PATH", id_type.program()), "install the package")]
}

/// The kernel does not start the program: with effective file capabilities it refuses where one of them is not in
/// the bounding set (`cap_bprm_creds_from_file` in security/commoncap.c).
pub(crate) fn not_started(id_type: IdType, reason: Reason) -> Vec<Cause> {
    if reason.errno() == Errno::EPERM { vec![privilege::bounding_set(id_type)] } else { Vec::new() }
}

/// No user namespace can be made: see unshare(2).
pub(crate) fn no_namespace(errno: Errno, process: &Process) -> Vec<Cause> {
    let cause = match errno {
        Errno::ENOSPC | Errno::EUSERS => Cause::new(
            Key::NoNamespace,
            "there may be no more user namespaces: user.max_user_namespaces, here or in a namespace above, or 32 levels",
            "as root, run 'sysctl user.max_user_namespaces=15000', and look for what sets it in /etc/sysctl.d",
        ),
        Errno::EPERM if process.forbidden_namespaces => Cause::new(
            Key::NoNamespace,
            "kernel.unprivileged_userns_clone is 0: user namespaces are root's alone",
            "as root, run 'sysctl kernel.unprivileged_userns_clone=1', and look for what sets it in /etc/sysctl.d",
        ),
        Errno::EPERM => Cause::without_fix(
            Key::NoNamespace,
            "what can forbid it: a seccomp filter (Docker's default one does), a security \
             module (kernel.apparmor_restrict_unprivileged_userns=1 on Ubuntu), or a chroot",
        ),
        Errno::EINVAL | Errno::ENOSYS => Cause::new(
            Key::NoNamespace,
            "the kernel has no user namespaces",
            "run a kernel with CONFIG_USER_NS",
        ),
        _ => return Vec::new(),
    };
    vec![cause]
}

#[cfg(test)]
mod tests {
    use super::{no_namespace, not_started};
    use crate::explain::evidence::process::Process;
    use crate::id_type::IdType;
    use nix::errno::Errno;

    #[test]
    fn each_way_to_refuse_a_namespace_has_its_cause() {
        for (errno, forbidden_namespaces, words) in [
            (Errno::ENOSPC, false, "there may be no more user namespaces"),
            (Errno::EUSERS, false, "there may be no more user namespaces"),
            (Errno::EPERM, true, "kernel.unprivileged_userns_clone is 0"),
            (Errno::EPERM, false, "what can forbid it"),
            (Errno::EINVAL, false, "the kernel has no user namespaces"),
            (Errno::ENOSYS, false, "the kernel has no user namespaces"),
        ] {
            let process = Process { forbidden_namespaces, ..Process::default() };
            let causes = no_namespace(errno, &process);
            let told: String = causes.iter().map(|cause| cause.lines(IdType::Uid)).collect();
            assert!(told.contains(words), "{errno} {forbidden_namespaces}: {told}");
        }
        assert!(no_namespace(Errno::ENOMEM, &Process::default()).is_empty());
    }

    #[test]
    fn a_program_that_may_not_start_lacks_the_bounding_set() {
        assert!(not_started(IdType::Uid, Errno::ENOENT.into()).is_empty());
        assert!(!not_started(IdType::Uid, Errno::EPERM.into()).is_empty());
    }
}
