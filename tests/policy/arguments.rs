//! The command line: forms of numbers, wrong counts, options, and the order of the checks.

use super::harness::{ALICE, BOB, IdType, InstallMode, ROOT, in_sandbox, usage};

#[test]
fn numbers_are_decimal_octal_or_hexadecimal() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:100\n");
        sandbox.for_each_program(|mode, id_type| {
            let target = || sandbox.namespace(ALICE);
            for (words, map) in [
                (["0x10", "0x186A0", "0xa"], "16 100000 10"),
                (["010", "0303240", "012"], "8 100000 10"),
                (["+1", " 100000", "\t\n +10"], "1 100000 10"),
                (["-0", "100000", "10"], "0 100000 10"),
            ] {
                let target = target();
                let pid = target.pid();
                let arguments: Vec<&str> = std::iter::once(pid.as_str()).chain(words).collect();
                let outcome = sandbox.run(mode, id_type, ALICE, &arguments);
                assert_eq!((outcome.stderr.as_str(), target.map(id_type).as_str()), ("", map), "{words:?}");
            }
        });
    });
}

#[test]
fn a_malformed_number_prints_the_usage_line_and_the_argument() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:100\n");
        for id_type in IdType::BOTH {
            for (wanted, named) in [
                ("x 100000 1", "argument 2 (id inside) is 'x', not a number"),
                ("0 1oo 1", "argument 3 (id outside) is '1oo', not a number"),
                ("0 100000 1k", "argument 4 (count) is '1k', not a number"),
                ("0 100000 ", "argument 4 (count) is '', not a number"),
                ("0 100000 10 10 0b1 1", "argument 6 (id outside) is '0b1', not a number"),
                ("0 100000 \x1b[1m", "argument 4 (count) is '\\u{1b}[1m', not a number"),
            ] {
                let outcome = sandbox.fails(InstallMode::Setuid, id_type, ALICE, wanted, &usage(id_type));
                let named = format!("{}\n{}: cause: {named} [argument]\n", usage(id_type), id_type.program());
                assert!(outcome.stderr.starts_with(&named), "{}", outcome.stderr);
            }
        }
    });
}

#[test]
fn a_number_that_cannot_be_an_id_is_an_overflow() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:0:4294967295\n");
        for id_type in IdType::BOTH {
            for (wanted, named) in [
                ("4294967295 100000 1", "argument 2 (id inside) is '4294967295', out of range"),
                ("0 4294967295 1", "argument 3 (id outside) is '4294967295', out of range"),
                ("0 0 4294967296", "argument 4 (count) is '4294967296', out of range"),
                (
                    "0 100000 4294867296",
                    "the range in arguments 2 to 4 ends beyond the last id, 4294967294: '4294867296' is too large a count for it",
                ),
                ("-1 100000 1", "argument 2 (id inside) is '-1', out of range"),
                ("0 -100000 1", "argument 3 (id outside) is '-100000', out of range"),
                ("0 100000 -1", "argument 4 (count) is '-1', out of range"),
                ("0 100000 0", "argument 4 (count) is '0', out of range"),
                (
                    "0 99999999999999999999999 1",
                    "argument 3 (id outside) is '99999999999999999999999', out of range",
                ),
            ] {
                let outcome = sandbox.fails(
                    InstallMode::Setuid,
                    id_type,
                    ALICE,
                    wanted,
                    "PROGRAM: subuid overflow detected.",
                );
                assert_eq!(outcome.stderr.lines().nth(1), Some(usage(id_type).as_str()), "{wanted}");
                assert!(
                    outcome.stderr.contains(&format!(": cause: {named} [argument]\n")),
                    "{wanted}: {}",
                    outcome.stderr
                );
            }
        }
    });
}

#[test]
fn at_least_one_complete_range_is_required() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:100\n");
        sandbox.for_each_program(|mode, id_type| {
            for (wanted, message) in [
                ("0", "PROGRAM: ranges: 1 is wrong for argc: 1"),
                ("0 100000", "PROGRAM: ranges: 1 is wrong for argc: 2"),
                ("0 100000 1 1", "PROGRAM: ranges: 2 is wrong for argc: 4"),
                ("x y", "PROGRAM: ranges: 1 is wrong for argc: 2"),
            ] {
                let outcome = sandbox.fails(mode, id_type, ALICE, wanted, message);
                assert_eq!(outcome.shadow_lines().lines().nth(1), Some(usage(id_type).as_str()), "{wanted}");
            }
            let target = sandbox.namespace(ALICE);
            let outcome = sandbox.run(mode, id_type, ALICE, &[target.pid()]);
            assert_eq!((outcome.status, outcome.stderr), (Some(1), format!("{}\n", usage(id_type))));
            assert_eq!((target.map(id_type).as_str(), target.setgroups().as_str()), ("", "allow"));
        });
    });
}

#[test]
fn a_missing_or_malformed_target_prints_the_usage_line() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            for arguments in
                [&[][..], &["x"], &["--"], &["-h"], &["--verbose"], &["0", "0", "100000", "1"], &["--", "1"]]
            {
                let outcome = sandbox.run(mode, id_type, ALICE, arguments);
                assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""), "{arguments:?}");
                assert_eq!(outcome.shadow_lines(), format!("{}\n", usage(id_type)), "{arguments:?}");
            }
        });
    });
}

#[test]
fn help_and_version_are_printed_to_stdout() {
    in_sandbox(|sandbox| {
        sandbox.for_each_program(|mode, id_type| {
            for (option, beginning) in [("--help", "Writes the "), ("--version", id_type.program())] {
                let outcome = sandbox.run(mode, id_type, ALICE, &[option]);
                assert_eq!((outcome.status, outcome.stderr.as_str()), (Some(0), ""), "{option}");
                assert!(outcome.stdout.starts_with(beginning), "{}", outcome.stdout);
            }
        });
    });
}

#[test]
fn checks_run_in_the_order_of_shadow() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:100\n");
        let mine = sandbox.namespace(ALICE);
        let theirs = sandbox.namespace(BOB);
        for id_type in IdType::BOTH {
            let first_line = |arguments: &[&str]| {
                let outcome = sandbox.run(InstallMode::Setuid, id_type, ALICE, arguments);
                assert_eq!(outcome.status, Some(1));
                outcome.first_line().replace(id_type.program(), "PROGRAM")
            };
            let foreign = first_line(&[&theirs.pid(), "x"]);
            assert!(foreign.starts_with("PROGRAM: Target process is owned by a different user"), "{foreign}");
            assert_eq!(
                first_line(&["2147483647", "x"]),
                "Could not open proc directory for target 2147483647: No such file or directory"
            );
            assert_eq!(
                first_line(&[&mine.pid(), "x", "9", "9", "9"]),
                "PROGRAM: ranges: 2 is wrong for argc: 4"
            );
            let overflow = "PROGRAM: subuid overflow detected.";
            assert_eq!(first_line(&[&mine.pid(), "0", "7", "9", "0", "0", "-1"]), overflow);
            let refused = format!("PROGRAM: {} range [5-14) -> [7-16) not allowed", id_type.word());
            assert_eq!(first_line(&[&mine.pid(), "0", "1000", "1", "5", "7", "9", "0", "8", "1"]), refused);
        }
    });
}

#[test]
fn the_kernel_refuses_overlapping_and_too_many_ranges() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:1000\n");
        let many =
            |count: u32| (0..count).map(|n| format!("{n} {} 1", 100_000 + n)).collect::<Vec<_>>().join(" ");
        sandbox.allows(&many(200));
        let invalid =
            |id_type: IdType| format!("PROGRAM: write to {}_map failed: Invalid argument", id_type.word());
        sandbox.for_each_program(|mode, id_type| {
            for wanted in ["0 100000 10 5 100500 10", "0 100000 10 10 100005 10", &many(341)] {
                sandbox.fails(mode, id_type, ALICE, wanted, &invalid(id_type));
            }
        });
        // The kernel refuses root's request, too.
        sandbox.delegate("root:100000:1000\n");
        sandbox.fails(
            InstallMode::Setuid,
            IdType::Uid,
            ROOT,
            "0 100000 10 5 100500 10",
            &invalid(IdType::Uid),
        );
    });
}
