//! Notes about podman: its variable USER, and its process in an old user namespace.

use std::fs;
use std::os::unix::fs::chown;

use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::super::harness::{ALICE, BOB, IdType, InstallMode, Namespace, Outcome, ROOT, Sandbox, in_sandbox};
use super::{GOOD, check, command, passes, row};

pub fn user_variable(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    let outcome = check(sandbox, ALICE.command("env"), &[GOOD, "USER=root"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    row(&outcome, "user")
}

/// A process of alice in a user namespace with this map, and its PID where podman writes that of its pause process.
fn pause_process(sandbox: &Sandbox, map: &str) -> Namespace {
    let process = sandbox.namespace(ALICE);
    for id_type in IdType::BOTH {
        let pid = process.pid();
        let words: Vec<&str> = std::iter::once(pid.as_str()).chain(map.split(' ')).collect();
        assert_eq!(sandbox.run(InstallMode::Setuid, id_type, ALICE, &words).status, Some(0));
    }
    write_pause_pid(&process.pid());
    process
}

fn write_pause_pid(pid: &str) {
    fs::create_dir_all("/mnt/run/libpod/tmp").unwrap();
    write_as_alice("/mnt/run/libpod/tmp/pause.pid", pid);
}

fn write_as_alice(path: &str, text: &str) {
    fs::write(path, text).unwrap();
    chown(path, Some(ALICE.uid), None).unwrap();
}

fn check_podman(sandbox: &Sandbox) -> Outcome {
    check(sandbox, ALICE.command("env"), &[GOOD, "XDG_RUNTIME_DIR=/mnt/run"])
}

pub fn old_namespace(sandbox: &Sandbox) -> Vec<String> {
    sandbox.delegate("alice:100000:65536\n");
    let process = pause_process(sandbox, "0 1000 1");
    let outcome = check_podman(sandbox);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    row(&outcome, "podman").into_iter().map(|line| line.replace(&process.pid(), "4711")).collect()
}

#[test]
fn a_user_variable_with_the_name_of_another_user_is_a_note() {
    in_sandbox(|sandbox| {
        let rows = user_variable(sandbox);
        assert_eq!(rows[0], "note  user            USER is 'root' and the user is alice");
        let mut mended = ALICE.command("env");
        mended.args(["USER=root", "sh", "-c", &format!("{}; exec \"$@\"", command(&rows)), "sh"]);
        assert!(!check(sandbox, mended, &[GOOD]).stdout.contains("USER is"));
        // alicia is another name of the same uid.
        for variable in ["USER=alice", "USER=alicia", "USER="] {
            let outcome = check(sandbox, ALICE.command("env"), &[GOOD, variable]);
            assert!(!outcome.stdout.contains("USER is"), "{outcome:?}");
        }
        let outcome = check(sandbox, ALICE.command("env"), &[GOOD, "USER=a\x1b[2Jb"]);
        assert!(row(&outcome, "user")[0].contains("USER is 'a\\u{1b}[2Jb'"), "{outcome:?}");
    });
}

#[test]
fn a_pause_process_with_other_ids_than_the_delegated_ones_is_reported() {
    in_sandbox(|sandbox| {
        let rows = old_namespace(sandbox);
        assert_eq!(
            rows[0],
            "note  podman          its process 4711 has the uids 1000 instead of 1000, 100000 to 165535, and has the gids 1000 \
             instead of 1000, 100000 to 165535"
        );
        assert!(rows[2].contains("run podman system migrate"), "{rows:?}");
        let current = pause_process(sandbox, "0 1000 1 1 100000 65536");
        let outcome = check_podman(sandbox);
        passes(&outcome, "podman");
        assert!(outcome.stdout.contains("has the delegated ids"), "{outcome:?}");
        // Without XDG_RUNTIME_DIR, podman uses these directories.
        let none: Option<&str> = None;
        for directory in ["/run", "/tmp"] {
            mount(Some("tmpfs"), directory, Some("tmpfs"), MsFlags::empty(), none).unwrap();
        }
        for directory in ["/run/user/1000", "/tmp/podman-run-1000", "/tmp/storage-run-1000"] {
            fs::create_dir_all(format!("{directory}/libpod/tmp")).unwrap();
            let path = format!("{directory}/libpod/tmp/pause.pid");
            write_as_alice(&path, &current.pid());
            passes(&check(sandbox, ALICE.command("env"), &[GOOD]), "podman");
            fs::remove_file(path).unwrap();
        }
        drop(current);
        // The process has ended, or its PID is now of a process in no new namespace, or of another user's.
        let plain = sandbox.process(ALICE);
        let of_bob = sandbox.namespace(BOB);
        for pid in ["4194304", "nonsense", &plain.pid(), &of_bob.pid()] {
            write_pause_pid(pid);
            let outcome = check_podman(sandbox);
            assert_eq!(outcome.status, Some(0), "{outcome:?}");
            assert!(!outcome.stdout.contains("  podman  "), "{pid}: {outcome:?}");
        }
        // In a directory of /tmp, another user may have made the file.
        let of_alice = pause_process(sandbox, "0 1000 1");
        assert!(check_podman(sandbox).stdout.contains("  podman  "));
        chown("/mnt/run/libpod/tmp/pause.pid", Some(BOB.uid), None).unwrap();
        assert!(!check_podman(sandbox).stdout.contains("  podman  "));
        drop(of_alice);
        // podman joins no namespace without a map.
        let unmapped = sandbox.namespace(ALICE);
        write_pause_pid(&unmapped.pid());
        assert!(!check_podman(sandbox).stdout.contains("  podman  "));
        fs::remove_file("/mnt/run/libpod/tmp/pause.pid").unwrap();
        mkfifo("/mnt/run/libpod/tmp/pause.pid", Mode::from_bits_truncate(0o666)).unwrap();
        assert_eq!(check_podman(sandbox).status, Some(0));
        fs::remove_file("/mnt/run/libpod/tmp/pause.pid").unwrap();
        // Root may look at the namespace of a process of bob's.
        sandbox.delegate("alice:100000:65536\nroot:200000:65536\n");
        write_pause_pid(&of_bob.pid());
        let by_root = check(sandbox, ROOT.command("env"), &[GOOD, "XDG_RUNTIME_DIR=/mnt/run"]);
        assert_eq!(by_root.status, Some(0), "{by_root:?}");
        assert!(!by_root.stdout.contains("  podman  "), "{by_root:?}");
        // Without a list of the delegated ids, nothing is compared.
        let _kept = pause_process(sandbox, "0 1000 1");
        sandbox.remove("subgid");
        assert!(!check_podman(sandbox).stdout.contains("  podman  "));
    });
}
