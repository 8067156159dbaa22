//! Causes in the request: malformed numbers and targets, overlapping ranges, and more ranges than the kernel accepts.

use super::failure::{Failure, MIGRATE, alice};
use super::harness::{ALICE, IdType, InstallMode, Person, Sandbox, in_sandbox};

const NUMBERS: &str = "fix: give three numbers for each range, in decimal, octal after 0 or hexadecimal after 0x: two ids and a \
    count of at least 1, with no id above 4294967294";

pub fn malformed(sandbox: &Sandbox, mode: InstallMode, id_type: IdType, ranges: &str) -> Failure {
    sandbox.delegate("alice:100000:65536\n");
    Failure::new(alice, sandbox, mode, id_type, ranges)
}

#[test]
fn a_malformed_number_is_reported_with_its_position() {
    in_sandbox(|sandbox| {
        let beyond = |first: usize, count: &str| {
            format!(
                "the range in arguments {first} to {} ends beyond the last id, 4294967294: '{count}' is too large a count for it",
                first + 2
            )
        };
        sandbox.for_each_program(|mode, id_type| {
            for (ranges, cause) in [
                ("x 100000 1", "argument 2 (id inside) is 'x', not a number"),
                ("0 1o0000 65536", "argument 3 (id outside) is '1o0000', not a number"),
                ("0 100000 ", "argument 4 (count) is '', not a number"),
                ("0 100000 1 1 100001 64k", "argument 7 (count) is '64k', not a number"),
            ] {
                malformed(sandbox, mode, id_type, ranges).says(&[
                    "$usage",
                    &format!("cause: {cause}"),
                    NUMBERS,
                ]);
            }
            for (ranges, cause) in [
                ("0 100000 0", "argument 4 (count) is '0', out of range"),
                ("-1 100000 1", "argument 2 (id inside) is '-1', out of range"),
                ("0 4294967295 1", "argument 3 (id outside) is '4294967295', out of range"),
                ("0 0 4294967296", "argument 4 (count) is '4294967296', out of range"),
                ("4294967290 100000 10", &beyond(2, "10")),
                ("0 4294967294 2", &beyond(2, "2")),
                ("0 100000 4294967295", &beyond(2, "4294967295")),
                ("0 100000 1 1 4294967290 0xa", &beyond(5, "0xa")),
            ] {
                let lines = ["subuid overflow detected.", "$usage", &format!("cause: {cause}"), NUMBERS];
                malformed(sandbox, mode, id_type, ranges).says(&lines);
            }
        });
    });
}

/// A negative number is a target, and a wrong one.
#[test]
fn an_option_that_does_not_exist_is_named() {
    in_sandbox(|sandbox| {
        for id_type in IdType::BOTH {
            let program = sandbox.program(InstallMode::Setuid, id_type);
            for words in [&["--bogus"][..], &["-x", "0", "100000", "10"], &["--gid", "0"]] {
                Failure::with_words(alice(), &program, id_type, words).says(&[
                    "$usage",
                    &format!("cause: '{}' is not an option of $program", words[0]),
                    "fix: run $program --help, which names all options, or give a target first",
                ]);
            }
            Failure::with_words(alice(), &program, id_type, &["-1", "0", "100000", "10"])
                .is_because(&["argument 1 (target) is '-1', neither a PID"]);
        }
    });
    in_sandbox(|sandbox| {
        let outcome = sandbox.getsubids(&["-x"]);
        let expected = "Error fetching ranges\ngetsubids: -x is not an option of getsubids; getsubids --help names all options\n";
        assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(1), expected));
        let outcome = sandbox.getsubids(&["nobody-known"]);
        assert!(outcome.stderr.contains("there is no user nobody-known"), "{}", outcome.stderr);
    });
}

#[test]
fn missing_numbers_are_reported() {
    in_sandbox(|sandbox| {
        for id_type in IdType::BOTH {
            for (ranges, count, begun) in [("0", 1, 1), ("0 100000", 2, 1), ("0 100000 1 1", 4, 2)] {
                malformed(sandbox, InstallMode::Caps, id_type, ranges).says(&[
                    &format!("ranges: {begun} is wrong for argc: {count}"),
                    "$usage",
                    &format!("cause: the number of arguments after the target is {count}, not a multiple of 3"),
                    "fix: give three numbers for each range: the first id inside, the first id outside, and the count",
                ]);
            }
        }
    });
}

#[test]
fn a_malformed_target_is_reported_with_the_accepted_forms() {
    in_sandbox(|sandbox| {
        for id_type in IdType::BOTH {
            for (word, reason) in [
                ("self", "neither a PID from 1 to 2147483647 nor fd: and the number of a descriptor"),
                ("0", "neither a PID from 1 to 2147483647 nor fd: and the number of a descriptor"),
                ("fd:x", "fd: without the number of a descriptor"),
                ("fd:99", "a descriptor that is not open"),
                ("fd:0", "neither a /proc/PID directory nor a pidfd"),
            ] {
                let program = sandbox.program(InstallMode::Setuid, id_type);
                Failure::with_words(alice(), &program, id_type, &[word, "0", "100000", "10"]).says(&[
                    "$usage",
                    &format!("cause: argument 1 (target) is '{word}', {reason}"),
                    "fix: give the PID in decimal, or fd: and the number of an inherited descriptor: of a process's \
                     directory in /proc, or a pidfd",
                ]);
            }
        }
    });
}

/// The usage line is printed although no argument is malformed.
#[test]
fn no_argument_is_blamed_if_none_is_given_or_the_process_has_ended() {
    in_sandbox(|sandbox| {
        for id_type in IdType::BOTH {
            let program = sandbox.program(InstallMode::Setuid, id_type);
            Failure::with_words(alice(), &program, id_type, &[]).says(&["$usage"]);
            let target = sandbox.namespace(ALICE);
            Failure::with_words(alice(), &program, id_type, &[&target.pid()]).says(&["$usage"]);
            let gone = sandbox.ended();
            Failure::at(alice(), &program, id_type, &gone.pid(), "x y z")
                .is_because(&["there is no process $pid"]);
        }
    });
}

const INVALID: &str = "write to $id_map failed: Invalid argument";

pub fn overlap(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    sandbox.delegate("alice:100000:65536\nalice:100000:65536\n");
    // A client that takes one range from each line makes this request.
    Failure::new(alice, sandbox, mode, id_type, "0 1000 1 1 100000 65536 65537 100000 65536")
}

#[test]
fn overlapping_ranges_are_reported_with_the_common_ids() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            overlap(sandbox, mode, id_type).says(&[
                INVALID,
                "cause: ranges 2 and 3 of the request overlap: both contain the $ids 100000 to 165535 outside, and so do lines 1 and 2 \
                 of $subid",
                &format!("fix: as root, run `sed -i '2{{/:100000:65536$/d}}' $subid`{MIGRATE}"),
            ]);
            // The file has each id once.
            sandbox.delegate("alice:100000:65536\n");
            for (ranges, cause) in [
                (
                    "0 100000 10 9 100500 10",
                    "ranges 1 and 2 of the request overlap: both contain the $id 9 inside; map each id inside once: the client's own \
                     configuration gives the ids inside, such as lxc.idmap or --uidmap",
                ),
                (
                    "0 100000 1 5 100500 10 20 100505 10",
                    "ranges 2 and 3 of the request overlap: both contain the $ids 100505 to 100509 outside; map each id once: the \
                     client's own configuration repeats the ids, such as lxc.idmap or --$idmap",
                ),
            ] {
                let (cause, fix) = cause.split_once("; ").unwrap();
                let lines = [INVALID, &format!("cause: {cause}"), &format!("fix: {fix}")];
                Failure::new(alice, sandbox, mode, id_type, ranges).says(&lines);
            }
        });
    });
}

/// Alice has a uid, or a gid, that is among her delegated ones.
pub fn own_id_in_a_line(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    sandbox.write("passwd", "root:x:0:0::/:/bin/sh\nalice:x:100500:100500::/:/bin/sh\n");
    sandbox.delegate("alice:100000:65536\n");
    let own = Person { uid: 100_500, gid: 100_500 };
    Failure::new(|| own.command("env"), sandbox, mode, id_type, "0 100500 1 1 100000 65536")
}

#[test]
fn the_own_id_in_a_line_is_reported_with_the_line() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            own_id_in_a_line(sandbox, mode, id_type).says(&[
                INVALID,
                "cause: ranges 1 and 2 of the request overlap: both contain the $id 100500 outside, which is the caller's own $id, and \
                 line 1 of $subid contains it",
                &format!(
                    "fix: as root, run `sed -i '1s/:100000:65536$/:100000:500/' $subid && usermod --add-sub$ids 100501-165535 \
                     alice`{MIGRATE}; or have the client map the own $id once"
                ),
            ]);
            // The ids around it are free to be requested.
            let own = Person { uid: 100_500, gid: 100_500 };
            let ranges = "0 100500 1 1 100000 500 501 100501 65035";
            let attempt = sandbox.attempt(mode, id_type, own, ranges);
            assert_eq!((attempt.outcome.stderr.as_str(), attempt.outcome.status), ("", Some(0)));
        });
    });
}

fn ranges(count: u32, inside: u32, outside: u32) -> String {
    (0..count).map(|n| format!("{} {} 1", inside + n, outside + 2 * n)).collect::<Vec<_>>().join(" ")
}

pub fn too_many(sandbox: &Sandbox, mode: InstallMode, id_type: IdType) -> Failure {
    sandbox.delegate("alice:2000:1000\n");
    Failure::new(alice, sandbox, mode, id_type, &ranges(341, 0, 2000))
}

const FEWER: &str = "fix: delegate fewer and larger ranges in $subid: adjacent lines can be merged; with podman, run podman system \
    migrate as alice afterwards";

#[test]
fn a_map_too_large_for_one_write_is_reported_in_ranges_or_bytes() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            too_many(sandbox, mode, id_type).says(&[
                INVALID,
                "cause: the request has 341 ranges, and the kernel accepts at most 340",
                FEWER,
            ]);
            sandbox.delegate("alice:3000000000:1000000\n");
            Failure::new(alice, sandbox, mode, id_type, &ranges(300, 3_000_000_000, 3_000_000_000)).says(&[
                INVALID,
                "cause: the map has 7200 bytes, and the kernel accepts less than 4096 in one write",
                FEWER,
            ]);
        });
    });
}

/// The kernel accepts 340 ranges in up to 4095 bytes. Such a request succeeds or fails for another cause.
#[test]
fn the_largest_map_that_the_kernel_accepts_is_not_blamed() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:2000:1000\n");
        sandbox.allows(&ranges(340, 0, 2000));
        sandbox.for_each_program(|mode, id_type| {
            let doubled = format!("{} 5 2990 1", ranges(339, 0, 2000));
            Failure::new(alice, sandbox, mode, id_type, &doubled)
                .is_because(&["ranges 6 and 340 of the request overlap: both contain the $id 5 inside"]);
        });
        for id_type in IdType::BOTH {
            Failure::new(alice, sandbox, InstallMode::Unprivileged, id_type, &ranges(340, 0, 2000))
                .is_because(&["$path has neither"]);
        }
    });
}
