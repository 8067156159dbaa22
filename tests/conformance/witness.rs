//! A case for each deviation that shows it, and is run before all others: where it is declared to be seen, shadow has to do just
//! that, and where not, it must not. Several, where a deviation has several faces.

use super::bench::Bench;
use super::case::{Case, Descriptor, Prior, Program, State};
use super::deviation::{Deviation, Probe, explanation};
use super::harness::Kind::{Gid, Uid};
use super::harness::{ALICE, BOB};

const LINE: &str = "alice:100000:65536\n";

fn witnesses() -> Vec<(Deviation, Case)> {
    let plain = |deviation, kind, subid: &str, ranges: &str| {
        (deviation, Case::plain(&format!("witness of {deviation:?}"), kind, subid, ranges))
    };
    let with = |(deviation, mut case): (Deviation, Case), change: &dyn Fn(&mut Case)| {
        change(&mut case);
        (deviation, case)
    };
    let getsubids = |deviation, subid: &str, words: &[&str]| {
        with(plain(deviation, Uid, subid, ""), &|case| {
            case.program = Program::Getsubids;
            case.words = words.iter().map(|word| (*word).into()).collect();
        })
    };
    let word = |witness, word: &str| with(witness, &|case| case.target_word = word.into());
    vec![
        plain(Deviation::NoRange, Uid, LINE, ""),
        plain(Deviation::NoRange, Gid, LINE, ""),
        plain(Deviation::LineOfZeros, Uid, "alice:0:0\n", "0 0 1"),
        plain(Deviation::LineOfZeros, Gid, "alice:0:0\n", "0 5 100000"),
        plain(Deviation::LineBeyondLastId, Uid, "alice:100000:4294967295\n", "0 100000 10"),
        plain(Deviation::LineBeyondLastId, Gid, "alice:4294967294:3\n", "0 4294967294 1"),
        plain(Deviation::FourthField, Uid, "alice:100000:10:x\n", "0 100000 10"),
        plain(Deviation::FourthField, Gid, "alice:100000:10:\n", "0 100000 10"),
        getsubids(Deviation::FourthField, "alice:100000:10:x\n", &["alice"]),
        plain(Deviation::ZeroLedOwner, Uid, "01000:100000:10\n", "0 100000 10"),
        getsubids(Deviation::ZeroLedOwner, "01000:100000:10\n", &["alice"]),
        plain(Deviation::CountZero, Uid, LINE, "0 100000 0"),
        plain(Deviation::CountZero, Gid, LINE, "0 100000 1 1 100001 0"),
        word(plain(Deviation::Descriptor, Uid, LINE, "0 100000 10"), "fd:FD"),
        with(word(plain(Deviation::Descriptor, Gid, LINE, "0 100000 10"), "fd:FD"), &|case| {
            case.descriptor = Descriptor::DirectoryPath;
        }),
        word(plain(Deviation::Help, Uid, LINE, ""), "--help"),
        word(plain(Deviation::Help, Gid, LINE, ""), "--version"),
        word(plain(Deviation::Help, Uid, LINE, ""), "--check"),
        getsubids(Deviation::Help, LINE, &["--help"]),
        getsubids(Deviation::Help, LINE, &["--version"]),
        with(plain(Deviation::UnknownLoginDef, Uid, LINE, "0 100000 10"), &|case| {
            case.login_defs = Some("UMASK 022\nMADE_UP yes\n".into());
        }),
        with(plain(Deviation::UnreadableFile, Gid, LINE, "0 100000 10"), &|case| {
            case.subid_is_readable = false;
        }),
        word(plain(Deviation::PidNotPositive, Uid, LINE, "0 100000 10"), "0"),
        word(plain(Deviation::PidNotPositive, Gid, LINE, "0 100000 10"), "-5"),
        with(plain(Deviation::MissingFile, Uid, LINE, "0 100000 10"), &|case| case.subid = None),
        with(plain(Deviation::MissingFile, Uid, LINE, "0 1000 1"), &|case| {
            case.subid = None;
            case.login_defs = Some("SUB_UID_COUNT 0\n".into());
        }),
        plain(Deviation::NumberLimits, Uid, LINE, "-1 x 1"),
        plain(Deviation::NumberLimits, Gid, LINE, "99999999999999999999999 100000 1"),
        plain(Deviation::NumberLimits, Uid, LINE, "0 100000 0x"),
        plain(Deviation::Binary, Uid, LINE, "0b1 100000 10"),
        plain(Deviation::Binary, Gid, "alice:0b10:10\n", "0 2 10"),
        getsubids(Deviation::GetsubidsLines, "alice:0:0\nalice:5:5\n", &["alice"]),
        word(plain(Deviation::UsageWords, Gid, LINE, "0 100000 10"), "x"),
        with(plain(Deviation::OwnershipWords, Uid, LINE, "0 100000 10"), &|case| case.target = BOB),
        with(plain(Deviation::OwnershipWords, Gid, LINE, "0 100000 10"), &|case| {
            case.target = ALICE.with_gid(100);
        }),
        word(plain(Deviation::NoProcessWords, Uid, LINE, "0 100000 10"), "2147483647"),
        word(plain(Deviation::NoProcessWords, Gid, LINE, "0 100000 10"), "2147483647"),
        plain(Deviation::RangesWords, Uid, LINE, "0 100000"),
        with(word(plain(Deviation::Pidfd, Uid, LINE, "0 100000 10"), "fd:FD"), &|case| {
            case.descriptor = Descriptor::Pidfd;
        }),
        with(plain(Deviation::PluginWithoutFree, Uid, LINE, "0 500000 100"), &|case| {
            case.nsswitch = Some("passwd: files\nsubid: aged\n".into());
        }),
        with(plain(Deviation::NsswitchBlanks, Uid, LINE, "0 100000 10"), &|case| {
            case.nsswitch = Some("passwd: files\nsubid: \r\n".into());
        }),
        with(plain(Deviation::ShortNsswitchLine, Uid, LINE, "0 100000 10"), &|case| {
            case.nsswitch = Some("passwd: files\nsubid:x".into());
        }),
        with(plain(Deviation::PluginLookedForLate, Uid, LINE, "0 100000 4294967295"), &|case| {
            case.nsswitch = Some(format!("passwd: files\nsubid: {}\n", "x".repeat(51)));
        }),
        getsubids(Deviation::GetsubidsByGid, "1000:100000:10\n", &["-g", "alicia"]),
        with(plain(Deviation::NsswitchWithoutEnd, Uid, LINE, "0 100000 10"), &|case| {
            case.nsswitch = Some("passwd: files\nsubid: fresh".into());
        }),
        with(word(plain(Deviation::DescriptorOfFile, Uid, LINE, "0 100000 10"), "fd:FD"), &|case| {
            case.descriptor = Descriptor::Status;
        }),
        with(getsubids(Deviation::FailingPluginListed, LINE, &["alice"]), &|case| {
            case.nsswitch = Some("passwd: files\nsubid: failing\n".into());
        }),
        plain(Deviation::NulInLine, Uid, "bob:1:1\0\nalice:100000:10\n", "0 100000 10"),
        plain(Deviation::NulInLine, Gid, "alice:100000:10\nbob:1:1\0\n", "0 100000 10"),
        with(plain(Deviation::LoginDefsBlanks, Uid, LINE, "0 100000 10"), &|case| {
            case.caller = ALICE.with_gid(100);
            case.target = case.caller;
            case.login_defs = Some("GRANT_AUX_GROUP_SUBIDS yes\r\n".into());
        }),
        with(plain(Deviation::LongLoginDef, Uid, LINE, "0 100000 10"), &|case| {
            case.caller = ALICE.with_gid(100);
            case.target = case.caller;
            case.login_defs = Some(format!("#{}GRANT_AUX_GROUP_SUBIDS yes\n", "x".repeat(1022)));
        }),
        with(plain(Deviation::EscapedNames, Uid, LINE, "0 100000 10"), &|case| {
            case.nsswitch = Some(format!("passwd: files\nsubid: x\r{}\n", "x".repeat(50)));
        }),
        with(plain(Deviation::PluginNotThere, Uid, LINE, "0 100000 10"), &|case| {
            case.nsswitch = Some("passwd: files\nsubid: gone\n".into());
        }),
        with(plain(Deviation::PluginNotThere, Gid, LINE, "0 100000 10"), &|case| {
            case.nsswitch = Some("passwd: files\nsubid: partial\n".into());
        }),
        with(getsubids(Deviation::PluginNotThere, LINE, &["alice"]), &|case| {
            case.nsswitch = Some("passwd: files\nsubid: gone\n".into());
        }),
        with(plain(Deviation::SetgroupsWords, Gid, LINE, "0 1000 1"), &|case| case.prior = Prior::MapWritten),
        with(word(plain(Deviation::SetgroupsNotFound, Gid, LINE, "0 1000 1"), "fd:FD"), &|case| {
            case.descriptor = Descriptor::TaskDirectory;
        }),
        with(plain(Deviation::SetgroupsOfPlain, Gid, LINE, "0 1000 1"), &|case| case.state = State::Plain),
    ]
}

/// How many witnesses say something else than what is declared, after telling of each.
pub fn broken(bench: &Bench) -> u64 {
    let ours = |case: &Case| bench.ours(case);
    let mut broken = 0;
    for deviation in Deviation::ALL {
        if !witnesses().iter().any(|(shown, _)| *shown == deviation) {
            println!("BROKEN {deviation:?} has no witness");
            broken += 1;
        }
    }
    for (deviation, case) in witnesses() {
        let (here, there) = (bench.ours(&case), bench.theirs(&case));
        let explained = explanation(&case, &there, &Probe::new(&ours, bench.version));
        let is_same = here == there;
        let is_declared = deviation.seen_on().contains(&bench.version);
        // On 4.13 a deviation may come with an older wording.
        let is_just_that = explained.as_ref().is_some_and(|found| {
            found.contains(&deviation) && found.iter().all(|one| *one == deviation || one.is_words())
        });
        let is_another = explained.is_some_and(|found| !found.contains(&deviation));
        let is_right = if is_declared { !is_same && is_just_that } else { is_same || is_another };
        if !is_right {
            println!(
                "BROKEN {case:#?}\n  deviation {} is declared {is_declared}\n  ours:   {here:?}\n  theirs: {there:?}",
                deviation.number()
            );
            broken += 1;
        }
    }
    broken
}
