//! Causes in the subid plugin: each way in which the plugin refuses, fails, or cannot be loaded.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::failure::{Failure, MIGRATE, alice, without_key};
use super::harness::{BOB, IdType, InstallMode, Sandbox, must_succeed};
use super::plugin::{configure, first_delegated, in_plugin_sandbox, install, install_sssd_plugin};

const REMEDY: &str = "fix: check that the plugin's service runs and knows the user (for sss: sssd), or as root, \
    remove the line subid: from /etc/nsswitch.conf";

/// A request with the sssd plugin while sssd does not run.
pub fn without_sssd(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    install_sssd_plugin(sandbox);
    Failure::new(alice, sandbox, mode, id_type, "0 500000 10")
}

#[test]
fn the_sssd_plugin_without_sssd_is_reported_as_unreachable() {
    in_plugin_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            without_sssd(sandbox, mode, id_type).says(&[
                "$id range [0-10) -> [500000-500010) not allowed",
                "cause: libsubid_sss.so, the subid plugin in /etc/nsswitch.conf, cannot reach its service (connection error)",
                REMEDY,
            ]);
        });
    });
}

#[test]
fn each_status_of_a_plugin_is_reported() {
    in_plugin_sandbox(|sandbox| {
        for (status, words) in [
            (2, "cannot reach its service (connection error)"),
            (3, "failed"),
            (9, "answered with the undefined status 9"),
        ] {
            install(sandbox, &format!("s{status}"), &[&format!("BEHAVIOUR={status}"), "FOUND=1"]);
            for id_type in IdType::BOTH {
                let wanted = format!("0 {} 100", first_delegated(id_type));
                let failure = Failure::new(alice, sandbox, InstallMode::Setuid, id_type, &wanted);
                let cause =
                    format!("cause: libsubid_s{status}.so, the subid plugin in /etc/nsswitch.conf, {words}");
                failure.mentions("not allowed\n");
                let lines: Vec<&str> = failure.stderr().lines().skip(1).map(without_key).collect();
                assert_eq!(
                    lines,
                    [format!("{}: {cause}", id_type.program()), format!("{}: {REMEDY}", id_type.program())]
                );
            }
        }
    });
}

/// A request with a plugin that gives sssd's answer for a user without a range.
pub fn without_range(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    install(sandbox, "sss", &["BEHAVIOUR=1", "FOUND=1"]);
    Failure::new(alice, sandbox, mode, id_type, "0 500000 10")
}

/// sssd answers so if the user is unknown, has no range, or the directory cannot be reached.
#[test]
fn a_plugin_that_reports_an_unknown_user_may_lack_the_range_or_the_directory() {
    in_plugin_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            without_range(sandbox, mode, id_type).says(&[
                "$id range [0-10) -> [500000-500010) not allowed",
                "cause: libsubid_sss.so, the subid plugin in /etc/nsswitch.conf, has no $ids for alice: the user is unknown or has no \
                 range, or the directory cannot be reached",
                "fix: have an administrator of the directory service delegate ids to alice (FreeIPA: ipa subid-generate); if the \
                 directory has ids for alice, check that the plugin's service reaches the directory (for sss: sssd); for a user of \
                 this machine alone, as root, remove the line subid: from /etc/nsswitch.conf, so that the files delegate and not the \
                 directory",
            ]);
        });
    });
}

/// A working plugin refuses: no fault of the plugin or of the subid files is reported.
#[test]
fn a_plugin_that_refuses_is_reported_with_the_command_that_lists_its_ids() {
    in_plugin_sandbox(|sandbox| {
        install(sandbox, "sound", &[]);
        for id_type in IdType::BOTH {
            let start = first_delegated(id_type);
            Failure::new(alice, sandbox, InstallMode::Caps, id_type, &format!("0 {start} 101")).says(&[
                &format!("$id range [0-101) -> [{start}-{}) not allowed", start + 101),
                &format!(
                    "cause: libsubid_sound.so, the subid plugin in /etc/nsswitch.conf, does not delegate the $ids {start} to {} to \
                     alice",
                    start + 100
                ),
                &format!(
                    "fix: request only the ids that `getsubids {}alice` lists, or have an administrator of the directory service delegate \
                     more ids (FreeIPA: ipa subid-generate){MIGRATE}",
                    if id_type == IdType::Gid { "-g " } else { "" }
                ),
            ]);
            Failure::new(|| BOB.command("env"), sandbox, InstallMode::Caps, id_type, &format!("0 {start} 1"))
                .mentions(&format!("does not delegate the $ids {start} to bob [not-delegated]\n"));
        }
    });
}

#[test]
fn a_plugin_name_that_is_too_long_is_reported() {
    in_plugin_sandbox(|sandbox| {
        let long = "x".repeat(51);
        configure(sandbox, &long);
        for id_type in IdType::BOTH {
            Failure::new(alice, sandbox, InstallMode::Setuid, id_type, "0 500000 10").says(&[
                &format!("Subid NSS module name too long (longer than 50 characters): {long}"),
                "cause: the subid plugin in /etc/nsswitch.conf has a name of more than 50 characters, so it is not loaded",
                "fix: as root, correct or remove the line subid: in /etc/nsswitch.conf",
            ]);
        }
    });
}

#[test]
fn a_plugin_that_cannot_be_loaded_is_reported() {
    in_plugin_sandbox(|sandbox| {
        configure(sandbox, "missing");
        for id_type in IdType::BOTH {
            Failure::new(alice, sandbox, InstallMode::Setuid, id_type, "0 400000 10").says(&[
                "Error opening libsubid_missing.so: libsubid_missing.so: cannot open shared object file: No such file or directory",
                "cause: the subid plugin in /etc/nsswitch.conf cannot be used",
                "fix: as root, install the package of the plugin (for sss: sssd-common), or remove the line subid: from \
                 /etc/nsswitch.conf; a limit on memory or descriptors (ulimit -a) may also prevent loading",
            ]);
        }
        fs::set_permissions("/etc/nsswitch.conf", Permissions::from_mode(0o600)).unwrap();
        for id_type in IdType::BOTH {
            let failure = Failure::new(alice, sandbox, InstallMode::Setuid, id_type, "0 400000 10");
            failure.begins("cannot open /etc/nsswitch.conf: Permission denied");
            failure.is_because(&[
                "/etc/nsswitch.conf, which may name a subid plugin, cannot be read: Permission denied",
            ]);
            failure.mentions("fix: as root, run `chmod 0644 /etc/nsswitch.conf`\n");
        }
        // The caller may not search the directory to which a link leads, and another user can replace that directory.
        for (directory, owner, fix) in [
            ("/mnt/closed", 0, "as root, run `chmod a+x /mnt/closed`"),
            ("/mnt/of-bob/closed", 1001, "as root, let every user search /mnt/of-bob/closed"),
        ] {
            let script = format!(
                "mkdir -p {directory} && chown {owner} $(dirname {directory}) && mv /etc/nsswitch.conf {directory}/real
                chmod 0644 {directory}/real && chmod 0700 {directory} && ln -s {directory}/real /etc/nsswitch.conf"
            );
            must_succeed(Command::new("sh").args(["-c", &script]));
            for id_type in IdType::BOTH {
                Failure::new(alice, sandbox, InstallMode::Setuid, id_type, "0 400000 10").says(&[
                    "cannot open /etc/nsswitch.conf: Permission denied",
                    &format!(
                        "cause: /etc/nsswitch.conf, which may name a subid plugin, cannot be read: Permission denied; the directory \
                         {directory} may not be searched"
                    ),
                    &format!("fix: {fix}"),
                ]);
            }
        }
    });
}

/// Either nsswitch.conf names the files, or the plugin allows the request.
#[test]
fn a_plugin_that_decided_nothing_or_allowed_is_not_blamed() {
    in_plugin_sandbox(|sandbox| {
        configure(sandbox, "files");
        for id_type in IdType::BOTH {
            Failure::new(alice, sandbox, InstallMode::Setuid, id_type, "0 400000 10")
                .is_because(&["the request includes $ids that are not delegated to alice"]);
        }
        install(sandbox, "sound", &[]);
        for id_type in IdType::BOTH {
            let allowed = format!("0 {} 10", first_delegated(id_type));
            Failure::new(alice, sandbox, InstallMode::Unprivileged, id_type, &allowed)
                .is_because(&["$path has neither"]);
        }
    });
}
