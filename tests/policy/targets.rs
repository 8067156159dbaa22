//! Descriptors as targets: `fd:N` for descriptors of every type.

use std::fs::{File, read_dir};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::chown;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use nix::sys::statfs::fstatfs;
use nix::unistd::mkfifo;

use super::harness::descriptor::{covered, inherited, opened, pidfd, pidfds_can_be_resolved};
use super::harness::{
    ALICE, BOB, IdType, InstallMode, Namespace, Outcome, Sandbox, WRITTEN, in_sandbox, kernel, usage,
};

fn run(sandbox: &Sandbox, mode: InstallMode, id_type: IdType, descriptor: impl AsFd) -> Outcome {
    let target = format!("fd:{}", descriptor.as_fd().as_raw_fd());
    sandbox.run(mode, id_type, ALICE, &[target.as_str(), "0", "100000", "10"])
}

#[test]
fn a_target_is_a_proc_directory_descriptor_or_a_pidfd() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let opens: [&dyn Fn(&Namespace) -> OwnedFd; 3] = [
                &|target| opened(&format!("/proc/{}", target.pid()), OFlag::O_RDONLY | OFlag::O_DIRECTORY),
                &|target| opened(&format!("/proc/{}", target.pid()), OFlag::O_PATH),
                &pidfd,
            ];
            for (index, open) in opens.iter().take(if pidfds_can_be_resolved() { 3 } else { 2 }).enumerate() {
                let target = sandbox.namespace(ALICE);
                let outcome = run(sandbox, mode, id_type, open(&target));
                assert_eq!(
                    (outcome.stderr.as_str(), outcome.status),
                    ("", Some(0)),
                    "{mode:?} {id_type:?} {index}"
                );
                assert_eq!(target.map(id_type), "0 100000 10", "{mode:?} {id_type:?} {index}");
            }
        });
    });
}

#[test]
fn a_pidfd_that_cannot_be_resolved_is_refused_with_the_reason() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let target = sandbox.namespace(ALICE);
        let descriptor = pidfd(&target);
        sandbox.for_each_program(|mode, id_type| {
            if pidfds_can_be_resolved() {
                return;
            }
            let outcome = run(sandbox, mode, id_type, &descriptor);
            assert_eq!(outcome.shadow_lines(), format!("{}\n", usage(id_type)));
            assert!(outcome.stderr.contains("pidfds need Linux 5.14 or later"), "{}", outcome.stderr);
            assert_eq!((outcome.status, target.map(id_type).as_str()), (Some(1), ""), "{mode:?}");
        });
        // A program that gained no privilege may read its own fdinfo.
        for id_type in IdType::BOTH {
            let outcome = run(sandbox, InstallMode::Unprivileged, id_type, &descriptor);
            assert!(outcome.first_line().contains("write to"), "{}", outcome.stderr);
        }
    });
}

/// Descriptor 0 is free for the loader, and then /dev/null: the limit is reached when the target's descriptor is opened again.
#[test]
fn a_descriptor_that_cannot_be_opened_again_is_not_called_closed() {
    in_sandbox(|sandbox| {
        let target = sandbox.namespace(ALICE);
        let mut shell = ALICE.command("sh");
        shell.args(["-c", &format!("exec prlimit --nofile=4 \"$@\" <&- 3</proc/{}", target.pid()), "sh"]);
        let words = ["fd:3", "0", "100000", "10"];
        let outcome = sandbox.run_through(shell, InstallMode::Unprivileged, IdType::Uid, &words);
        let message = "newuidmap: Could not stat directory for target: Too many open files\n";
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), message));
    });
}

/// pidfds are anonymous inodes before Linux 6.9 and on pidfs from then on (include/uapi/linux/magic.h). `make kernels` has kernels
/// of both kinds.
#[test]
fn pidfds_have_the_file_system_type_of_the_kernel_version() {
    in_sandbox(|sandbox| {
        let descriptor = pidfd(&sandbox.namespace(ALICE));
        let expected = if kernel() < (6, 9) { 0x0904_1934 } else { 0x5049_4446 };
        assert_eq!(fstatfs(&descriptor).unwrap().filesystem_type().0, expected);
    });
}

/// In an own mount namespace, a caller can mount a FIFO or a file of another process over the target's file. The caller can then
/// pass a descriptor of that directory. The program must not open the covering file.
#[test]
fn a_bind_mount_in_the_callers_mount_namespace_redirects_no_write() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        mkfifo("/mnt/fifo", Mode::S_IRWXU).unwrap();
        chown("/mnt/fifo", Some(ALICE.uid), None).unwrap();
        for mode in InstallMode::GOOD {
            for (id_type, file, ranges) in WRITTEN {
                let (target, other) = (sandbox.namespace(ALICE), sandbox.namespace(ALICE));
                let covers = [format!("/proc/{}/{file}", other.pid()), "/mnt/fifo".to_owned()];
                for cover in covers {
                    let (_holder, directory) = covered(sandbox, &target, file, &cover);
                    let mut words = vec![format!("fd:{}", directory.as_raw_fd())];
                    words.extend(ranges.split(' ').map(str::to_owned));
                    let mut waiting = ALICE.command("timeout");
                    waiting.arg("10");
                    let outcome = sandbox.run_through(waiting, mode, id_type, &words);
                    assert_eq!(outcome.status, Some(1), "{mode:?} {file} {cover}: {outcome:?}");
                    assert!(outcome.first_line().ends_with("Invalid cross-device link"), "{outcome:?}");
                    for namespace in [&target, &other] {
                        let state = (namespace.map(id_type), namespace.setgroups());
                        assert_eq!(state, (String::new(), "allow".to_owned()), "{mode:?} {file} {cover}");
                    }
                }
            }
        }
    });
}

#[test]
fn a_descriptor_of_another_users_process_is_refused() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let target = sandbox.namespace(BOB);
        let directory = opened(&format!("/proc/{}", target.pid()), OFlag::O_RDONLY);
        for descriptor in [Some(directory), pidfds_can_be_resolved().then(|| pidfd(&target))].iter().flatten()
        {
            sandbox.for_each_program(|mode, id_type| {
                let outcome = run(sandbox, mode, id_type, descriptor);
                assert!(outcome.stderr.contains("owned by a different user: uid:1000"), "{}", outcome.stderr);
                assert_eq!((outcome.status, target.map(id_type).as_str()), (Some(1), ""));
            });
        }
    });
}

#[test]
fn a_process_that_has_ended_is_refused_in_every_form_of_target() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let target = sandbox.namespace(ALICE);
        let (directory, pidfd) =
            (opened(&format!("/proc/{}", target.pid()), OFlag::O_RDONLY), pidfd(&target));
        drop(target);
        let ended = sandbox.ended();
        let pid = ended.pid();
        sandbox.for_each_program(|mode, id_type| {
            for descriptor in [&directory, &pidfd] {
                let outcome = run(sandbox, mode, id_type, descriptor);
                assert_eq!(outcome.status, Some(1));
                assert!(!outcome.stderr.is_empty());
            }
            let outcome = sandbox.run(mode, id_type, ALICE, &[pid.as_str(), "0", "100000", "10"]);
            let message = "Could not open proc directory for target";
            assert_eq!(
                outcome.shadow_lines(),
                format!("{message} {pid}: No such file or directory\n{}\n", usage(id_type))
            );
        });
    });
}

#[test]
fn any_other_descriptor_prints_the_usage_line() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let target = sandbox.namespace(ALICE);
        let of_target = |name: &str| opened(&format!("/proc/{}/{name}", target.pid()), OFlag::O_RDONLY);
        let (pipe, _writer) = nix::unistd::pipe().unwrap();
        let (socket, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
        let entries = read_dir("/proc/irq").unwrap().flatten();
        let numbered = entries.map(|entry| entry.path()).find(|path| path.is_dir()).unwrap();
        let descriptors = [
            ("a file", opened("/etc/passwd", OFlag::O_RDONLY)),
            ("a directory", opened("/etc", OFlag::O_RDONLY)),
            ("a device", opened("/dev/null", OFlag::O_RDWR)),
            ("a file of the process", of_target("status")),
            ("the map itself", of_target("uid_map")),
            ("a namespace", of_target("ns/user")),
            ("the root of /proc", opened("/proc", OFlag::O_RDONLY)),
            ("a directory of /proc", opened("/proc/sys", OFlag::O_RDONLY)),
            ("a directory of /proc with a number", opened(numbered.to_str().unwrap(), OFlag::O_RDONLY)),
            ("a directory of the process", of_target("net")),
            ("its namespaces", of_target("ns")),
            ("its descriptors", of_target("fd")),
            ("a pipe", inherited(pipe)),
            ("a socket", inherited(socket)),
            (
                "an eventfd",
                inherited(rustix::event::eventfd(0, rustix::event::EventfdFlags::empty()).unwrap()),
            ),
            ("a sysfs directory", opened("/sys", OFlag::O_PATH)),
        ];
        let closed = {
            let file = File::open("/dev/null").unwrap();
            format!("fd:{}", file.as_raw_fd() + 500)
        };
        sandbox.for_each_program(|mode, id_type| {
            for (name, descriptor) in &descriptors {
                let outcome = run(sandbox, mode, id_type, descriptor);
                assert_eq!(outcome.shadow_lines(), format!("{}\n", usage(id_type)), "{name}");
                assert_eq!(outcome.status, Some(1), "{name}");
            }
            for word in
                [closed.as_str(), "fd:", "fd:-1", "fd:x", "fd:3x", "fd:0x3", "fd:4294967296", "FD:3", "fd 3"]
            {
                let outcome = sandbox.run(mode, id_type, ALICE, &[word, "0", "100000", "10"]);
                assert_eq!(
                    (outcome.shadow_lines(), outcome.status),
                    (format!("{}\n", usage(id_type)).as_str(), Some(1)),
                    "{word}"
                );
            }
            assert_eq!(target.map(id_type), "");
        });
    });
}

/// In a mount namespace of the caller's, a link could give a PID's name to another process.
#[test]
fn a_symbolic_link_in_the_place_of_proc_is_no_process() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let target = sandbox.namespace(ALICE);
        let no: Option<&str> = None;
        std::fs::create_dir("/mnt/proc").unwrap();
        mount(Some("/proc"), "/mnt/proc", no, MsFlags::MS_BIND, no).unwrap();
        mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), no).unwrap();
        std::os::unix::fs::symlink(format!("/mnt/proc/{}", target.pid()), "/proc/4242").unwrap();
        for mode in InstallMode::GOOD {
            let outcome = sandbox.run(mode, IdType::Uid, ALICE, &["4242", "0", "100000", "10"]);
            let message = "Could not open proc directory for target 4242: Not a directory";
            assert_eq!((outcome.status, outcome.first_line()), (Some(1), message), "{mode:?}");
        }
        umount2("/proc", MntFlags::MNT_DETACH).unwrap();
        assert_eq!(target.map(IdType::Uid), "");
    });
}

#[test]
fn a_directory_of_a_file_system_over_proc_is_not_a_process() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        let directory = Path::new("/proc/4242");
        std::fs::create_dir(directory).unwrap();
        chown(directory, Some(ALICE.uid), Some(ALICE.gid)).unwrap();
        let map = directory.join("uid_map");
        std::fs::write(&map, "").unwrap();
        chown(&map, Some(ALICE.uid), Some(ALICE.gid)).unwrap();
        for mode in InstallMode::GOOD {
            let outcome = sandbox.run(mode, IdType::Uid, ALICE, &["4242", "0", "100000", "10"]);
            assert_eq!(outcome.status, Some(1));
            assert!(
                outcome.stderr.contains("Could not open proc directory for target 4242"),
                "{}",
                outcome.stderr
            );
            assert_eq!(std::fs::read(&map).unwrap(), b"");
        }
        umount2("/proc", MntFlags::MNT_DETACH).unwrap();
    });
}
