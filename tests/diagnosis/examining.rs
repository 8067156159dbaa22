//! Robustness of the explanation: text from outside is escaped, and unreadable facts lead to no wrong cause.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::failure::{Failure, NOT_PERMITTED, alice, install};
use super::filters::filtered;
use super::harness::descriptor::covered;
use super::harness::tracing::traced;
use super::harness::{ALICE, IdType, InstallMode, ROOT, Sandbox, finish, in_sandbox, setpriv};
use super::plugin::{configure, in_plugin_sandbox, install as install_plugin};

const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}'\"\\\r\u{9b}\u{202e}";
const HARMLESS: &str = "\\u{1b}[2J\\u{1b}]0;x\\u{7}'\"\\\\r\\u{9b}\\u{202e}";

/// Asserts that stderr has no control or bidirectional character except newlines.
#[track_caller]
fn is_harmless(stderr: &str) {
    assert!(!stderr.is_empty());
    let obeyed = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!stderr.contains(obeyed), "{stderr:?}");
}

#[track_caller]
fn mentions(failure: &Failure, words: &str) {
    is_harmless(failure.stderr());
    failure.mentions(words);
}

#[test]
fn arguments_are_escaped() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        sandbox.for_each_program(|mode, id_type| {
            let program = sandbox.program(mode, id_type);
            let target = sandbox.namespace(ALICE);
            let pid = target.pid();
            let newline = "1\nnewuidmap: fix: run 'rm'";
            for words in [
                [HOSTILE, "0", "100000", "10"],
                [newline, "0", "100000", "10"],
                [pid.as_str(), HOSTILE, "100000", "10"],
                [pid.as_str(), "0", newline, "10"],
                [pid.as_str(), "0", "100000", HOSTILE],
            ] {
                let failure = Failure::with_words(alice(), &program, id_type, &words);
                is_harmless(failure.stderr());
                failure.mentions(if words.contains(&HOSTILE) {
                    HARMLESS
                } else {
                    "'1\\nnewuidmap: fix: run 'rm''"
                });
                assert_eq!(failure.stderr().lines().count(), 3, "{}", failure.stderr());
            }
        });
    });
}

#[test]
fn user_names_are_escaped() {
    in_sandbox(|sandbox| {
        // A name in passwd and an owner in a subid file cannot contain a newline or a colon.
        let name = HOSTILE.replace(':', "");
        sandbox.write("passwd", format!("root:x:0:0::/:/bin/sh\n{name}:x:1000:1000::/:/bin/sh\n"));
        for id_type in IdType::BOTH {
            for lines in [
                String::new(),
                format!("{name}:100000:5\n"),
                format!("{name}:1:x{HOSTILE}\n"),
                format!("#{name}:100000:10\n"),
            ] {
                sandbox.delegate(lines);
                mentions(&Failure::new(alice, sandbox, InstallMode::Caps, id_type, "0 100000 10"), HARMLESS);
            }
            sandbox.remove(id_type.subid());
            mentions(&Failure::new(alice, sandbox, InstallMode::Caps, id_type, "0 100000 10"), HARMLESS);
        }
    });
}

#[test]
fn paths_are_escaped() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let directory = format!("{HOSTILE}\nnewuidmap: x y");
        let point = Path::new("/mnt").join(&directory);
        fs::create_dir(&point).unwrap();
        mount(Some("tmpfs"), &point, Some("tmpfs"), MsFlags::MS_NOSUID, Some("mode=0755")).unwrap();
        for id_type in IdType::BOTH {
            for (mode, cause) in
                [("--mode=0755", "has neither"), ("--mode=4755", "is on a file system mounted nosuid")]
            {
                let program = install(sandbox, id_type, &directory, &[mode]);
                let failure =
                    Failure::at(alice(), &program, id_type, &sandbox.namespace(ALICE).pid(), "0 100000 10");
                let shown = format!("/mnt/{HARMLESS}\\nnewuidmap: x y");
                mentions(&failure, &format!("cause: {shown}/{} {cause}", id_type.program()));
                if mode == "--mode=4755" {
                    mentions(&failure, &format!("mounted nosuid ({shown}), so"));
                }
            }
        }
    });
}

#[test]
fn plugin_names_are_escaped() {
    in_plugin_sandbox(|sandbox| {
        for (word, cause) in [
            (HOSTILE.trim_end_matches('\r').replace('\r', ""), "cannot be used"),
            ("x".repeat(49) + HOSTILE, "has a name of more than 50 characters"),
        ] {
            configure(sandbox, &word);
            let failure = Failure::new(alice, sandbox, InstallMode::Setuid, IdType::Uid, "0 400000 10");
            is_harmless(failure.stderr());
            failure.mentions(&format!("the subid plugin in /etc/nsswitch.conf {cause}"));
        }
    });
}

/// In a mount namespace of the caller's, a directory with a FIFO, or that of another process, can cover the target's namespaces.
#[test]
fn a_directory_mounted_over_the_targets_namespaces_is_not_searched() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        fs::create_dir("/mnt/cover").unwrap();
        mkfifo("/mnt/cover/user", Mode::S_IRWXU).unwrap();
        chown("/mnt/cover/user", Some(ALICE.uid), None).unwrap();
        let own = sandbox.process(ALICE);
        let covers = ["/mnt/cover".to_owned(), format!("/proc/{}/ns", own.pid())];
        for id_type in IdType::BOTH {
            for cover in &covers {
                let target = sandbox.namespace(ALICE);
                let (_holder, directory) = covered(sandbox, &target, "ns", cover);
                let word = format!("fd:{}", directory.as_raw_fd());
                let fails = |mode, ranges| {
                    Failure::at(alice(), &sandbox.program(mode, id_type), id_type, &word, ranges)
                };
                fails(InstallMode::Setuid, "0 200000 5")
                    .is_because(&["the request includes $ids that are not delegated to alice"]);
                fails(InstallMode::Unprivileged, "0 100000 10").is_because(&["$path has neither"]);
            }
        }
    });
}

/// The files in /proc/self that the explanation reads.
const EXAMINED: [&str; 5] = ["status", "uid_map", "gid_map", "mountinfo", "loginuid"];

/// Mounts /dev/null over these files of the program's own process: an exec keeps the PID. Each run has a mount namespace of its
/// own, otherwise the mounts would cover the files of a later process with the same PID.
fn blind(files: &[&str]) -> Command {
    let mut unshare = ROOT.command("unshare");
    let script = "for file in $FILES; do mount --bind /dev/null /proc/$$/$file || exit 9; done
        exec setpriv --reuid=1000 --regid=1000 --clear-groups -- \"$@\"";
    unshare.args(["--mount", "--propagation=private", "--", "sh", "-c", script, "sh"]);
    unshare.env("FILES", files.join(" "));
    unshare
}

#[test]
fn unreadable_proc_files_change_neither_the_message_nor_the_cause() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let fails = |files: &[&str], mode, ranges| {
                Failure::of(blind(files), sandbox, mode, id_type, &sandbox.namespace(ALICE), ranges)
            };
            for files in EXAMINED.iter().map(std::slice::from_ref).chain([&EXAMINED[..]]) {
                let failure = fails(files, InstallMode::Unprivileged, "0 100000 10");
                failure.begins(NOT_PERMITTED);
                failure.is_because(&["$path has neither"]);
                let failure = fails(files, InstallMode::Setuid, "0 200000 10");
                failure.begins("$id range [0-10) -> [200000-200010) not allowed");
                failure.is_because(&["the request includes $ids that are not delegated to alice"]);
            }
        }
    });
}

/// The program must not derive a cause from an unreadable status file.
#[test]
fn an_unreadable_restriction_is_not_guessed() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let mut blind = blind(&["status"]);
            blind.args(["setpriv", "--no-new-privs", "--"]);
            let failure = Failure::of(
                blind,
                sandbox,
                InstallMode::Setuid,
                id_type,
                &sandbox.namespace(ALICE),
                "0 100000 10",
            );
            failure.begins(NOT_PERMITTED);
            failure.is_because(&["the program was started without CAP_SET$ID, for no visible reason"]);
            assert!(!failure.stderr().contains("fix: "), "{}", failure.stderr());
        }
    });
}

/// With each descriptor limit, the map is written or the failure is reported, and no cause names a working part.
#[test]
fn a_low_descriptor_limit_leads_to_no_wrong_cause() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let sound = [
            "has no entry",
            "has no line",
            "there is no",
            "does not exist",
            "no proc file system",
            "not delegated",
            "not in the bounding set",
            "has ended",
        ];
        for id_type in IdType::BOTH {
            let (mut written, mut refused) = (0, 0);
            // The loader needs one descriptor besides 0 to 2.
            for limit in 4..12 {
                let target = sandbox.namespace(ALICE);
                let mut prlimit = setpriv(&[]);
                prlimit.args(["prlimit", &format!("--nofile={limit}:{limit}")]);
                let words = [target.pid(), "0".into(), "100000".into(), "10".into()];
                let outcome = sandbox.run_through(prlimit, InstallMode::Setuid, id_type, &words);
                assert_eq!(outcome.stdout, "", "{limit}");
                match outcome.status {
                    Some(0) => {
                        assert_eq!(
                            (target.map(id_type).as_str(), outcome.stderr.as_str()),
                            ("0 100000 10", ""),
                            "{limit}"
                        );
                        written += 1;
                    }
                    Some(1) => {
                        assert_eq!(target.map(id_type), "", "{limit}");
                        assert!(
                            outcome.stderr.starts_with(&format!("{}: ", id_type.program())),
                            "{}",
                            outcome.stderr
                        );
                        let blamed = sound.iter().find(|words| outcome.stderr.contains(*words));
                        assert_eq!(blamed, None, "{limit}: {}", outcome.stderr);
                        refused += 1;
                    }
                    status => panic!("{status:?} {}", outcome.stderr),
                }
            }
            assert!(written > 0 && refused > 0, "{written} {refused}");
        }
    });
}

/// liblxc reads the output of the program with one read(2), so later writes would be lost.
#[test]
fn the_message_and_its_explanation_are_one_write() {
    in_sandbox(|sandbox| {
        for (ranges, lines) in [("0 100000 10", 3), ("x 1 1", 3), ("0 1", 4)] {
            let (target, log) = (sandbox.namespace(ALICE), "/etc/trace");
            let program = sandbox.program(InstallMode::Setuid, IdType::Uid);
            let run = finish(&mut traced(&program, &target.pid(), ranges, log, "trace=write"));
            assert_eq!((run.status, run.stderr.lines().count()), (Some(1), lines), "{}", run.stderr);
            let trace = fs::read_to_string(log).unwrap();
            assert_eq!(trace.lines().filter(|call| call.contains(" write(2, ")).count(), 1, "{trace}");
        }
    });
}

#[test]
fn an_explanation_that_hangs_or_crashes_leaves_the_message() {
    in_plugin_sandbox(|sandbox| {
        for (name, reaction) in [
            ("hanging", "FOUND=(is_second_call()?(pause(),0):0)"),
            ("crashing", "FOUND=(is_second_call()?raise(SIGSEGV):0)"),
            ("aborting", "FOUND=(is_second_call()?(abort(),0):0)"),
            ("illegal", "FOUND=(is_second_call()?raise(SIGILL):0)"),
            ("dividing", "FOUND=(is_second_call()?raise(SIGFPE):0)"),
        ] {
            install_plugin(sandbox, name, &[reaction]);
            let failure = Failure::new(alice, sandbox, InstallMode::Setuid, IdType::Uid, "0 500000 10");
            failure.says(&["uid range [0-10) -> [500000-500010) not allowed"]);
        }
        // The same if the caller blocks all signals.
        for (name, reaction) in [
            ("hanging2", "FOUND=(is_second_call()?(pause(),0):0)"),
            ("crashing2", "FOUND=(is_second_call()?*(volatile char *)0:0)"),
        ] {
            install_plugin(sandbox, name, &[reaction]);
            let mut blocking = ALICE.command("env");
            blocking.arg("--block-signal");
            let target = sandbox.namespace(ALICE);
            Failure::of(blocking, sandbox, InstallMode::Setuid, IdType::Uid, &target, "0 500000 10")
                .says(&["uid range [0-10) -> [500000-500010) not allowed"]);
        }
        // A seccomp filter can answer with SIGSYS to a call that the explanation alone makes.
        install_plugin(sandbox, "refusing", &["FOUND=0"]);
        let target = sandbox.namespace(ALICE);
        Failure::of(filtered("trap"), sandbox, InstallMode::Setuid, IdType::Uid, &target, "0 500000 10")
            .says(&["uid range [0-10) -> [500000-500010) not allowed"]);
    });
}

/// A reader of the pipe on stderr may be slower than the limit.
#[test]
fn the_time_limit_ends_before_the_message_is_printed() {
    in_sandbox(|sandbox| {
        sandbox.delegate("bob:1:1\n");
        let target = sandbox.namespace(ALICE);
        let program = sandbox.program(InstallMode::Setuid, IdType::Uid);
        let log = Sandbox::etc("trace");
        // Not every machine has alarm(2).
        let calls = "trace=?alarm,setitimer,write";
        finish(&mut traced(&program, &target.pid(), "0 100000 10", log.to_str().unwrap(), calls));
        let log = fs::read_to_string(log).unwrap();
        let calls: Vec<&str> = log
            .lines()
            .filter_map(|line| {
                let is_limit = line.contains(" alarm(") || line.contains(" setitimer(ITIMER_REAL");
                if is_limit { Some("limit") } else { line.contains(" write(2, ").then_some("message") }
            })
            .collect();
        assert_eq!(calls, ["limit", "limit", "message"], "{log}");
    });
}
