//! Runs the examples of the manual pages.

use std::fs;

use super::harness::{ALICE, IdType, InstallMode, in_sandbox};

/// The literal lines in the section EXAMPLES of a page.
fn examples(page: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("{}/docs/man/{page}.1", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (_, examples) = text.split_once(".Sh EXAMPLES\n").unwrap();
    let (_, display) = examples.split_once(".Bd -literal -offset indent\n").unwrap();
    display.split_once(".Ed\n").unwrap().0.lines().map(Into::into).collect()
}

#[test]
fn the_maps_of_the_examples_are_written() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        for id_type in IdType::BOTH {
            let [command] = &examples(id_type.program())[..] else { panic!("one command is expected") };
            let ranges = command.strip_prefix(&format!("{} $pid ", id_type.program())).unwrap();
            let attempt = sandbox.attempt(InstallMode::Setuid, id_type, ALICE, ranges);
            assert_eq!(
                (attempt.outcome.stderr.as_str(), attempt.map.as_str()),
                ("", "0 1000 1; 1 100000 65536")
            );
        }
    });
}

#[test]
fn getsubids_prints_the_output_of_its_example() {
    in_sandbox(|sandbox| {
        sandbox.delegate("alice:100000:65536\n");
        let [command, output] = &examples("getsubids")[..] else {
            panic!("a command and its output are expected")
        };
        let user = command.strip_prefix("$ getsubids ").unwrap();
        assert_eq!(sandbox.getsubids(&[user]).stdout, format!("{output}\n"));
    });
}
