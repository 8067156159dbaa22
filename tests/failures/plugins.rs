//! The plugin that nsswitch.conf names: each way in which it says no, fails, or cannot be used.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::failure::Failure;
use super::harness::{ALICE, BOB, Kind, Way, World};
use super::plugin::{configure, first_delegated, in_plugin_world, install, install_sssds};

fn alice() -> Command {
    ALICE.command("env")
}

const REMEDY: &str = "fix: check that the plugin's service runs and knows the user (for sss: 'systemctl status sssd'), or \
    remove the line 'subid:' from /etc/nsswitch.conf";

/// Of sssd, which does not run.
pub fn without_sssd(world: &World, way: Way, kind: Kind) -> Failure {
    install_sssds(world);
    Failure::new(alice, world, way, kind, "0 500000 10")
}

#[test]
fn sssds_plugin_without_sssd_cannot_reach_its_service() {
    in_plugin_world(|world| {
        world.for_each_program(|way, kind| {
            without_sssd(world, way, kind).says(&[
                "$id range [0-10) -> [500000-500010) not allowed",
                "cause: libsubid_sss.so, the subid plugin in /etc/nsswitch.conf, cannot reach its service (connection error)",
                REMEDY,
            ]);
        });
    });
}

#[test]
fn each_status_of_a_plugin_is_told() {
    in_plugin_world(|world| {
        for (status, words) in [
            (1, "does not know alice"),
            (2, "cannot reach its service (connection error)"),
            (3, "failed"),
            (9, "answered with the undefined status 9"),
        ] {
            install(world, &format!("s{status}"), &[&format!("BEHAVIOUR={status}"), "FOUND=1"]);
            for kind in Kind::BOTH {
                let wanted = format!("0 {} 100", first_delegated(kind));
                let failure = Failure::new(alice, world, Way::Setuid, kind, &wanted);
                let cause =
                    format!("cause: libsubid_s{status}.so, the subid plugin in /etc/nsswitch.conf, {words}");
                failure.mentions("not allowed\n");
                let lines: Vec<&str> = failure.stderr().lines().skip(1).collect();
                assert_eq!(
                    lines,
                    [format!("{}: {cause}", kind.program()), format!("{}: {REMEDY}", kind.program())]
                );
            }
        }
    });
}

/// A sound plugin that says no: nothing is wrong with it, nor with what the files have.
#[test]
fn a_plugin_that_says_no_is_told_with_how_to_see_its_list() {
    in_plugin_world(|world| {
        install(world, "sound", &[]);
        for kind in Kind::BOTH {
            let start = first_delegated(kind);
            Failure::new(alice, world, Way::Caps, kind, &format!("0 {start} 101")).says(&[
                &format!("$id range [0-101) -> [{start}-{}) not allowed", start + 101),
                &format!(
                    "cause: libsubid_sound.so, the subid plugin in /etc/nsswitch.conf, does not delegate the $ids {start} to {} to \
                     alice",
                    start + 100
                ),
                &format!(
                    "fix: request only the ids that 'getsubids {}alice' lists, or delegate more ids in the directory service \
                     (FreeIPA: ipa subid-generate)",
                    if kind == Kind::Gid { "-g " } else { "" }
                ),
            ]);
            Failure::new(|| BOB.command("env"), world, Way::Caps, kind, &format!("0 {start} 1"))
                .mentions(&format!("does not delegate the $ids {start} to bob\n"));
        }
    });
}

#[test]
fn a_name_that_is_too_long_is_told() {
    in_plugin_world(|world| {
        let long = "x".repeat(51);
        configure(world, &long);
        for kind in Kind::BOTH {
            Failure::new(alice, world, Way::Setuid, kind, "0 500000 10").says(&[
                &format!("Subid NSS module name too long (longer than 50 characters): {long}"),
                "cause: the subid plugin in /etc/nsswitch.conf has a name of more than 50 characters, so it is not loaded",
                "fix: correct or remove the line 'subid:' in /etc/nsswitch.conf",
            ]);
        }
    });
}

#[test]
fn a_plugin_that_cannot_be_had_is_told() {
    in_plugin_world(|world| {
        configure(world, "missing");
        for kind in Kind::BOTH {
            Failure::new(alice, world, Way::Setuid, kind, "0 400000 10").says(&[
                "Error opening libsubid_missing.so: libsubid_missing.so: cannot open shared object file: No such file or directory",
                "cause: the subid plugin in /etc/nsswitch.conf cannot be used",
                "fix: install the package of the plugin (for sss: sssd-common), or remove the line 'subid:' from \
                 /etc/nsswitch.conf; a limit on memory or descriptors ('ulimit -a') may also prevent loading",
            ]);
        }
        fs::set_permissions("/etc/nsswitch.conf", Permissions::from_mode(0o600)).unwrap();
        for kind in Kind::BOTH {
            let failure = Failure::new(alice, world, Way::Setuid, kind, "0 400000 10");
            failure.begins("cannot open /etc/nsswitch.conf: Permission denied");
            failure.is_because(&[
                "/etc/nsswitch.conf, which may name a subid plugin, cannot be read: Permission denied",
            ]);
            failure.mentions("'chmod 0644 /etc/nsswitch.conf'");
        }
    });
}

/// Files are asked after all, or there is nothing to ask about.
#[test]
fn a_plugin_is_not_blamed_for_what_it_has_no_part_in() {
    in_plugin_world(|world| {
        configure(world, "files");
        for kind in Kind::BOTH {
            Failure::new(alice, world, Way::Setuid, kind, "0 400000 10")
                .is_because(&["the request includes $ids that are not delegated to alice"]);
        }
        install(world, "sound", &[]);
        for kind in Kind::BOTH {
            let allowed = format!("0 {} 10", first_delegated(kind));
            Failure::new(alice, world, Way::Unprivileged, kind, &allowed).is_because(&["$path has neither"]);
        }
    });
}
