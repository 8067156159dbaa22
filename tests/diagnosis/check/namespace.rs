//! The user namespace of the check, and the next steps in it.

use std::fs;

use nix::mount::{MsFlags, mount, umount};

use super::super::filters::filtered;
use super::super::harness::{ALICE, Sandbox, in_sandbox};
use super::{GOOD, check, command, first_bad, passes, row};

/// uidmap-check in a user namespace that allows no further user namespaces.
pub fn no_namespace(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    let nested = sandbox.nested(70_000);
    let mut inside = nested.as_root();
    inside.args(["sh", "-c", "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"", "sh", "setpriv"]);
    inside.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--"]);
    first_bad(&check(sandbox, inside, &[GOOD]))
}

pub fn namespace_refused_by_a_filter(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    first_bad(&check(sandbox, filtered("unshare"), &[GOOD]))
}

pub fn mount_refused_by_a_filter(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    first_bad(&check(sandbox, filtered("mount"), &[GOOD]))
}

/// AppArmor's setting of Ubuntu, in a file of its own. A seccomp filter refuses the mount in place of AppArmor.
pub fn mount_refused_by_apparmor(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    pretend_restriction();
    first_bad(&check(sandbox, filtered("mount"), &[GOOD]))
}

fn pretend_restriction() {
    let names = ["osrelease", "overflowuid", "cap_last_cap"];
    let settings = names.map(|name| fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap());
    mount(Some("tmpfs"), "/proc/sys/kernel", Some("tmpfs"), MsFlags::empty(), Some("mode=0755")).unwrap();
    for (name, setting) in names.into_iter().zip(settings) {
        fs::write(format!("/proc/sys/kernel/{name}"), setting).unwrap();
    }
    fs::write("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n").unwrap();
}

#[test]
fn a_limit_that_refuses_the_namespace_is_named() {
    in_sandbox(|sandbox| {
        assert!(no_namespace(sandbox)[1].starts_with("cause: a limit on user namespaces is reached"));
    });
}

#[test]
fn a_seccomp_filter_is_the_cause_of_a_refused_namespace_unless_the_namespace_is_created() {
    in_sandbox(|sandbox| {
        let rows = namespace_refused_by_a_filter(sandbox);
        assert_eq!(rows[0], "bad   user namespace  cannot be created: Operation not permitted");
        assert!(
            rows[1].starts_with("cause: a seccomp filter is active and denies new user namespaces"),
            "{rows:?}"
        );
        for remedy in ["--security-opt seccomp=unconfined", "seccompProfile.type: Unconfined"] {
            assert!(rows[2].contains(remedy), "{rows:?}");
        }
        for (mode, row_begins) in [
            ("Setuid", "ok    newuidmap       /mnt/Setuid/newuidmap, setuid root"),
            ("Unprivileged", "note  newuidmap       /mnt/Unprivileged/newuidmap, mode 0755"),
        ] {
            let path = format!("PATH=/mnt/{mode}:/usr/bin:/bin");
            let untried = check(sandbox, filtered("unshare"), &[&path]);
            assert!(row(&untried, "newuidmap")[0].starts_with(row_begins), "{untried:?}");
        }
        let harmless = check(sandbox, filtered("nothing"), &[GOOD]);
        passes(&harmless, "user namespace");
        assert_eq!(row(&harmless, "restrictions"), ["note  restrictions    a seccomp filter"]);
    });
}

#[test]
fn a_refused_mount_in_the_namespace_is_bad_and_its_cause_is_the_restriction() {
    in_sandbox(|sandbox| {
        let rows = mount_refused_by_a_filter(sandbox);
        assert_eq!(rows[0], "bad   next steps      private mounts: Operation not permitted");
        assert!(rows[1].starts_with("cause: a seccomp filter is active and denies mounts"), "{rows:?}");
        // A limit on mount namespaces, in an outer user namespace.
        let nested = sandbox.nested(200_000);
        let mut inside = nested.as_root();
        inside.args([
            "sh",
            "-c",
            "echo 0 >/proc/sys/user/max_mnt_namespaces && exec \"$@\"",
            "sh",
            "setpriv",
        ]);
        inside.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--"]);
        let outcome = check(sandbox, inside, &[GOOD]);
        let rows = first_bad(&outcome);
        assert_eq!(rows[0], "bad   next steps      mount namespace: No space left on device");
        assert!(rows[1].starts_with("cause: a limit on mount namespaces is reached"), "{rows:?}");
        let mut mended = nested.as_root();
        mended.args(["sh", "-c", &format!("{} && exec \"$@\"", command(&rows)), "sh", "setpriv"]);
        mended.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--"]);
        passes(&check(sandbox, mended, &[GOOD]), "next steps");
        assert!(outcome.stdout.contains("\nThe id maps of alice do not work.\nNot tried: pulling an image"));
        let rows = mount_refused_by_apparmor(sandbox);
        assert!(rows[1].starts_with("cause: kernel.apparmor_restrict_unprivileged_userns is 1"), "{rows:?}");
        // The setting alone is no cause.
        let outcome = check(sandbox, ALICE.command("env"), &[GOOD]);
        passes(&outcome, "next steps");
        assert_eq!(
            row(&outcome, "restrictions"),
            ["note  restrictions    kernel.apparmor_restrict_unprivileged_userns"]
        );
    });
}

#[test]
fn a_process_that_cannot_be_started_says_nothing_about_user_namespaces() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let none: Option<&str> = None;
        mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), none).unwrap();
        let outcome = check(sandbox, ALICE.command("env"), &[GOOD]);
        umount("/proc").unwrap();
        assert_eq!(
            row(&outcome, "user namespace"),
            [
                "bad   user namespace  not tried: uidmap-check cannot start a process of its own: No such file or directory",
                "cause: /proc/self/exe or /dev/null does not exist [proc]",
                "fix: have /proc and /dev mounted here, as in a usual container",
            ]
        );
    });
}
