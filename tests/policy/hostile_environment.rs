//! Hostile environments: descriptors, limits, variables and signals that a caller passes on, and files of an unusual type. The map
//! must be complete or empty; a failure must exit with 1 and a message, and no run may block.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::harness::{ALICE, IdType, InstallMode, Outcome, ROOT, Sandbox, in_sandbox, must_succeed};

const WANTED: [&str; 6] = ["0", "1000", "1", "1", "100000", "10"];
const MAP: &str = "0 1000 1; 1 100000 10";

/// Runs a program through a command; returns its outcome and the map.
fn attempt(sandbox: &Sandbox, via: &[&str], mode: InstallMode, id_type: IdType) -> (Outcome, String) {
    let target = sandbox.namespace(ALICE);
    let mut command = ALICE.command("timeout");
    command.arg("60").args(via);
    let words: Vec<String> =
        std::iter::once(target.pid()).chain(WANTED.iter().map(ToString::to_string)).collect();
    (sandbox.run_through(command, mode, id_type, &words), target.map(id_type))
}

/// Asserts that each program writes the map.
#[track_caller]
fn works(sandbox: &Sandbox, via: &[&str]) {
    sandbox.for_each_program(|mode, id_type| {
        let (outcome, map) = attempt(sandbox, via, mode, id_type);
        assert_eq!(
            (outcome.status, map.as_str()),
            (Some(0), MAP),
            "{via:?} {mode:?} {id_type:?}: {}",
            outcome.stderr
        );
    });
}

/// Asserts that each program writes the whole map, or fails and writes nothing.
#[track_caller]
fn works_or_fails(sandbox: &Sandbox, via: &[&str]) {
    sandbox.for_each_program(|mode, id_type| {
        let (outcome, map) = attempt(sandbox, via, mode, id_type);
        let whole = outcome.status == Some(0) && map == MAP;
        let absent = outcome.status != Some(0) && map.is_empty();
        assert!(whole || absent, "{via:?} {mode:?} {id_type:?}: {outcome:?} {map}");
    });
}

#[test]
fn standard_descriptors_may_be_closed_or_unusual() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for redirections in
            ["<&- >&- 2>&-", "<&-", ">&-", "2>&-", "2>/dev/full >/dev/full", "<&- 2>&-", "</etc >/dev/null"]
        {
            works(sandbox, &["sh", "-c", &format!("exec \"$@\" {redirections}"), "sh"]);
        }
    });
}

/// The C library opens closed standard descriptors only if the exec gave privilege (AT_SECURE). Otherwise the map could be opened
/// as descriptor 2, and a message be written into it.
#[test]
fn closed_descriptors_are_opened_for_root_and_ambient_capabilities_too() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\nroot:100000:10\n");
        let ambient = [
            "--reuid=1000",
            "--regid=1000",
            "--clear-groups",
            "--inh-caps",
            "+setuid",
            "--ambient-caps",
            "+setuid",
        ];
        for (caller, setpriv) in [(ROOT, &[][..]), (ALICE, &ambient)] {
            let target = sandbox.namespace(caller);
            let log = Sandbox::etc("trace");
            let mut strace = ROOT.command("strace");
            strace.args(["-f", "-qq", "-e", "trace=open,openat", "-o"]).arg(&log);
            strace.arg("setpriv").args(setpriv).args(["sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh"]);
            let words = [target.pid(), "0".into(), "100000".into(), "10".into()];
            let outcome = sandbox.run_through(strace, InstallMode::Unprivileged, IdType::Uid, &words);
            assert_eq!(
                (outcome.status, target.map(IdType::Uid).as_str()),
                (Some(0), "0 100000 10"),
                "{outcome:?}"
            );
            let trace = fs::read_to_string(log).unwrap();
            let opened = trace.lines().filter(|call| call.contains("\"/dev/null\", O_RDWR) = "));
            let numbers: Vec<&str> = opened.map(|call| call.rsplit(' ').next().unwrap()).collect();
            assert_eq!(numbers, ["0", "1", "2"], "{trace}");
        }
    });
}

/// Asked for more descriptors than the limit allows, poll(2) fails. With descriptor 0 free, the loader finds its libraries.
#[test]
fn a_limit_below_the_standard_descriptors_is_no_failure() {
    in_sandbox(|sandbox| {
        for caller in [ALICE, ROOT] {
            for limit in 1..=3 {
                let mut shell = caller.command("sh");
                shell.args(["-c", &format!("exec prlimit --nofile={limit} \"$@\" <&-"), "sh"]);
                let outcome =
                    sandbox.run_through(shell, InstallMode::Unprivileged, IdType::Uid, &["--version"]);
                assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{limit}");
            }
        }
    });
}

#[test]
fn a_failure_exits_with_1_even_if_stderr_cannot_be_written() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            for redirections in ["2>&-", "2>/dev/full", "2>&1 | :; exit ${PIPESTATUS[0]}"] {
                let script = format!("\"$@\" {redirections}");
                let (outcome, map) = attempt(sandbox, &["bash", "-c", &script, "sh"], mode, id_type);
                assert_eq!((outcome.status, map.as_str()), (Some(1), ""), "{redirections}");
            }
        });
    });
}

#[test]
fn tight_resource_limits_leave_no_partial_map() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for files in 0..8 {
            works_or_fails(sandbox, &["prlimit", &format!("--nofile={files}")]);
        }
        works(sandbox, &["prlimit", "--nofile=16"]);
        works(sandbox, &["prlimit", "--fsize=0"]);
        works(
            sandbox,
            &["prlimit", "--core=0", "--memlock=0", "--nproc=1", "--sigpending=0", "--msgqueue=0"],
        );
        for kilobytes in [64, 512, 1024, 2048, 3072, 4096, 5120, 6144, 8192] {
            works_or_fails(sandbox, &["prlimit", &format!("--as={}", kilobytes * 1024)]);
            works_or_fails(sandbox, &["prlimit", &format!("--stack={}", kilobytes * 1024)]);
            works_or_fails(sandbox, &["prlimit", &format!("--data={}", kilobytes * 1024)]);
        }
        works_or_fails(sandbox, &["prlimit", "--cpu=1"]);
    });
}

#[test]
fn environment_variables_have_no_effect() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        fs::write("/mnt/evil", "").unwrap();
        for variable in [
            "LD_PRELOAD=/mnt/evil",
            "LD_LIBRARY_PATH=/mnt",
            "LD_AUDIT=/mnt/evil",
            "LD_DEBUG=all",
            "LD_SHOW_AUXV=1",
            "LD_BIND_NOW=1",
            "LD_PROFILE=libc.so.6",
            "GLIBC_TUNABLES=glibc.malloc.check=3",
            "MALLOC_CHECK_=3",
            "GCONV_PATH=/mnt",
            "LOCPATH=/mnt",
            "NLSPATH=/mnt/%N",
            "LANGUAGE=xx",
            "LC_ALL=xx_YY.UTF-8",
            "HOSTALIASES=/mnt/evil",
            "RES_OPTIONS=attempts:99",
            "TMPDIR=/mnt",
            "NSS_WRAPPER_PASSWD=/mnt/evil",
            "TZ=/mnt/evil",
            "RUST_BACKTRACE=full",
            "RUST_LOG=trace",
            "RUST_MIN_STACK=1",
            "PATH=/mnt",
            "HOME=/mnt",
            "IFS=x",
            "LOGNAME=bob",
            "USER=root",
            "SUDO_UID=0",
            "NO_COLOR=1",
            "COLUMNS=0",
            "TERM=",
            "=x",
        ] {
            // env(1) sets the variable after its own start: the loader of env would obey some of them.
            let (outcome, map) = attempt(sandbox, &["env", variable], InstallMode::Setuid, IdType::Uid);
            assert_eq!((outcome.status, map.as_str()), (Some(0), MAP), "{variable}: {}", outcome.stderr);
        }
        // A setuid program does not print its libraries: the loader of glibc 2.36 exits with 5, and 2.41 ignores the variable.
        let (outcome, map) =
            attempt(sandbox, &["env", "LD_TRACE_LOADED_OBJECTS=1"], InstallMode::Setuid, IdType::Uid);
        assert_eq!(outcome.stdout, "");
        assert!(
            [(Some(5), ""), (Some(0), MAP)].contains(&(outcome.status, map.as_str())),
            "{outcome:?} {map}"
        );
        let huge = format!("HUGE={}", "x".repeat(120_000));
        works(sandbox, &["env", &huge, &huge.replace("HUGE", "HUGE2"), &huge.replace("HUGE", "HUGE3")]);
        works(sandbox, &["env", "--ignore-environment"]);
    });
}

#[test]
fn signals_may_be_ignored_or_blocked() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        works(sandbox, &["env", "--ignore-signal"]);
        works(sandbox, &["env", "--block-signal"]);
        works(sandbox, &["env", "--default-signal"]);
    });
}

#[test]
fn empty_and_enormous_argument_lists_are_refused() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let source = "#include <unistd.h>\nint main(int c, char **v) { execve(v[1], (char *[]){0}, (char *[]){0}); return 9; }";
        fs::write("/mnt/empty.c", source).unwrap();
        must_succeed(Command::new("gcc").args(["-o", "/mnt/empty", "/mnt/empty.c"]));
        sandbox.for_each_program(|mode, id_type| {
            let mut empty = ALICE.command("/mnt/empty");
            let outcome = sandbox.run_through::<&str>(
                std::mem::replace(&mut empty, Command::new("true")),
                mode,
                id_type,
                &[],
            );
            assert_eq!(outcome.status, Some(1), "{outcome:?}");
            assert!(outcome.stderr.starts_with("usage: "), "{}", outcome.stderr);
            let target = sandbox.namespace(ALICE);
            let mut many = vec![target.pid()];
            many.extend(["0", "100000", "1"].iter().cycle().take(90_000).map(ToString::to_string));
            let outcome = sandbox.run(mode, id_type, ALICE, &many);
            assert_eq!((outcome.status, target.map(id_type).as_str()), (Some(1), ""));
            assert!(
                outcome.first_line().ends_with("_map failed: Invalid argument"),
                "{}",
                outcome.first_line()
            );
            let long = "9".repeat(100_000);
            let outcome = sandbox.run(mode, id_type, ALICE, &[target.pid().as_str(), "0", &long, "1"]);
            assert!(outcome.first_line().contains("overflow"), "{}", outcome.first_line());
        });
    });
}

/// Creates a file of an unusual type in /etc.
fn put(sandbox: &Sandbox, name: &str, file_type: &str) {
    let path = Sandbox::etc(name);
    if path.exists() {
        sandbox.remove(name);
    }
    match file_type {
        "a FIFO" => mkfifo(&path, Mode::S_IRWXU | Mode::S_IRWXO).unwrap(),
        "a socket" => drop(UnixListener::bind(&path).unwrap()),
        "a directory" => fs::create_dir(&path).unwrap(),
        "unreadable" => {
            sandbox.write(name, "");
            fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
        }
        "a gibibyte of nothing" => File::create(&path).unwrap().set_len(1 << 30).unwrap(),
        device => {
            sandbox.write(name, "");
            mount(Some(Path::new(device)), &path, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
        }
    }
}

fn remove_unusual(name: &str) {
    let path = Sandbox::etc(name);
    // Fails unless the file is a mount point.
    let _ = umount2(&path, MntFlags::MNT_DETACH);
    if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
}

const UNUSUAL: [&str; 8] = [
    "a FIFO",
    "a socket",
    "a directory",
    "unreadable",
    "a gibibyte of nothing",
    "/dev/zero",
    "/dev/null",
    "/dev/full",
];

#[test]
fn a_subid_file_of_an_unusual_type_delegates_nothing_and_does_not_block() {
    in_sandbox(|sandbox| {
        for file_type in UNUSUAL {
            for id_type in IdType::BOTH {
                put(sandbox, id_type.subid(), file_type);
                for mode in InstallMode::GOOD {
                    let (outcome, map) = attempt(sandbox, &["env"], mode, id_type);
                    assert_eq!(
                        (outcome.status, map.as_str()),
                        (Some(1), ""),
                        "{file_type} {mode:?} {id_type:?}"
                    );
                    let line = outcome.first_line();
                    assert!(
                        line.contains("cannot open") || line.ends_with("not allowed"),
                        "{file_type}: {line}"
                    );
                    assert!(outcome.stderr.contains(": cause: "), "{file_type}: {}", outcome.stderr);
                }
                remove_unusual(id_type.subid());
            }
        }
    });
}

#[test]
fn configuration_files_of_an_unusual_type_leave_the_defaults() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for file_type in UNUSUAL {
            put(sandbox, "login.defs", file_type);
            works(sandbox, &["env"]);
            // login.defs decides whether a caller outside the login group is accepted.
            let target = sandbox.namespace(ALICE.with_gid(100));
            let words = [target.pid(), "0".into(), "100000".into(), "10".into()];
            let outcome = sandbox.run(InstallMode::Setuid, IdType::Uid, ALICE.with_gid(100), &words);
            assert!(outcome.first_line().contains("owned by a different user"), "{file_type}");
            remove_unusual("login.defs");
        }
        sandbox.write("login.defs", "");
        // A FIFO and endless devices are left out: the C library itself would block on them before it looks up users.
        for file_type in ["a socket", "a directory", "unreadable", "/dev/null"] {
            put(sandbox, "nsswitch.conf", file_type);
            for id_type in IdType::BOTH {
                let (outcome, map) = attempt(sandbox, &["env"], InstallMode::Setuid, id_type);
                // Without the file, the C library may or may not find users.
                let expected = if outcome.status == Some(0) { "0 1000 1; 1 100000 10" } else { "" };
                assert_eq!(map, expected, "{file_type}: {outcome:?}");
                // An unreadable nsswitch.conf may name a plugin, so no delegated id is mapped.
                assert!(file_type != "unreadable" || outcome.status == Some(1), "{outcome:?}");
                let is_refused = outcome.first_line().contains("cannot open /etc/nsswitch.conf");
                assert!(!is_refused || ["a socket", "unreadable"].contains(&file_type), "{outcome:?}");
            }
            remove_unusual("nsswitch.conf");
        }
        sandbox.write("nsswitch.conf", "passwd: files\n");
    });
}

#[test]
fn a_subid_file_that_changes_during_the_read_leaves_no_partial_map() {
    in_sandbox(|sandbox| {
        let filler = "bob:5:5\n".repeat(200_000);
        let both = [format!("alice:100000:10\n{filler}"), format!("{filler}alice:100000:10\n")];
        sandbox.delegate(&both[0]);
        std::thread::scope(|scope| {
            let (stop, stopped) = std::sync::mpsc::channel::<()>();
            scope.spawn(move || {
                let mut turn = 0;
                while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                    turn += 1;
                    fs::write("/etc/subuid", &both[turn % 2]).unwrap();
                }
            });
            for _ in 0..10 {
                let (outcome, map) = attempt(sandbox, &["env"], InstallMode::Setuid, IdType::Uid);
                let whole = outcome.status == Some(0) && map == MAP;
                let refused = outcome.status == Some(1) && map.is_empty();
                assert!(whole || refused, "{outcome:?} {map}");
            }
            drop(stop);
        });
    });
}

#[test]
fn a_target_without_proc_is_refused() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let target = sandbox.namespace(ALICE);
        let words = [target.pid(), "0".into(), "1000".into(), "1".into()];
        mount(Some("tmpfs"), "/proc", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        sandbox.for_each_program(|mode, id_type| {
            let outcome = sandbox.run(mode, id_type, ALICE, &words);
            assert_eq!(outcome.status, Some(1));
            assert!(outcome.first_line().contains("Could not open proc directory"), "{}", outcome.stderr);
        });
        umount2("/proc", MntFlags::MNT_DETACH).unwrap();
        assert_eq!((target.map(IdType::Uid), target.map(IdType::Gid)), (String::new(), String::new()));
    });
}

#[test]
fn one_of_many_concurrent_runs_on_one_target_succeeds() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        for id_type in IdType::BOTH {
            let target = sandbox.namespace(ALICE);
            let pid = target.pid();
            let start = || {
                let mut command = ALICE.command(sandbox.program(InstallMode::Setuid, id_type));
                command.args([&pid, "0", "100000", "10"]).stderr(std::process::Stdio::null());
                command.spawn().unwrap()
            };
            let children: Vec<_> = (0..1000).map(|_| start()).collect();
            let statuses = children.into_iter().map(|mut child| child.wait().unwrap().code());
            let (won, lost): (Vec<_>, Vec<_>) = statuses.partition(|status| *status == Some(0));
            assert_eq!(won.len(), 1);
            assert!(lost.iter().all(|status| *status == Some(1)), "{lost:?}");
            assert_eq!(target.map(id_type), "0 100000 10");
        }
    });
}

#[test]
fn concurrent_runs_on_many_targets_all_succeed() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:10\n");
        let targets: Vec<_> = (0..100).map(|_| sandbox.namespace(ALICE)).collect();
        let start = |target: &super::harness::Namespace| {
            let mut command = ALICE.command(sandbox.program(InstallMode::Caps, IdType::Uid));
            command.args([&target.pid(), "0", "100000", "10"]).spawn().unwrap()
        };
        let children: Vec<_> = targets.iter().map(start).collect();
        for (mut child, target) in children.into_iter().zip(&targets) {
            assert_eq!(
                (child.wait().unwrap().code(), target.map(IdType::Uid).as_str()),
                (Some(0), "0 100000 10")
            );
        }
    });
}
