//! Facts for tests: alice, on a sound machine, asks for the process 7, and nothing is the matter.

use std::path::PathBuf;

use crate::caller::Caller;
use crate::diagnosis::facts::mounts::Mount;
use crate::diagnosis::facts::process::Process;
use crate::diagnosis::facts::program::{FileCapabilities, Program};
use crate::diagnosis::facts::target::{Relation, TargetFacts};
use crate::diagnosis::facts::{Facts, ProcFacts};
use crate::extent::{self, Extent};
use crate::kind::Kind;
use crate::privilege::Start;
use crate::range::{IdRange, IdSet};

pub(super) fn facts(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = Facts {
        kind: Kind::Uid,
        start: Start { uid: 1000, gid: 1000, had_capability: true, had_setfcap: true },
        caller: Some(Caller { uid: 1000, gid: 1000, login_gid: 1000, name: b"alice".to_vec() }),
        passwd: None,
        target_word: "7".into(),
        extents: extents("0 100000 10"),
        process: Process {
            no_new_privs: Some(false),
            seccomp_filter: Some(false),
            traced: Some(false),
            bounded: Some(true),
            setfcap_bounded: Some(true),
            mapped_ids: Some(all_ids()),
            kernel: Some((6, 1)),
            page_size: Some(4096),
            ..Process::default()
        },
        program: program(0o4755, 0, Some(FileCapabilities::Absent)),
        target: target(Relation::Child, Some(false)),
        proc: ProcFacts {
            mounted: Some(true),
            mount: mount("/proc", "proc", "rw,nosuid"),
            ..ProcFacts::default()
        },
        delegation: None,
        groups: vec![],
    };
    change(&mut facts);
    facts
}

#[expect(clippy::unnecessary_wraps, reason = "the fact may be missing")]
pub(super) fn program(
    mode: u32,
    owner: u32,
    capabilities: Option<FileCapabilities>,
) -> Option<(Program, Option<Mount>)> {
    let path = PathBuf::from("/usr/bin/newuidmap");
    Some((
        Program { path, mode, owner, capabilities, nosuid: false, is_roots_alone: owner == 0 },
        mount("/", "ext4", "rw"),
    ))
}

#[expect(clippy::unnecessary_wraps, reason = "the fact may be missing")]
pub(super) fn target(namespace: Relation, mapped: Option<bool>) -> Option<TargetFacts> {
    Some(TargetFacts { ended: false, namespace, mapped, real_uid: Some(1000), map_owner: Some(1000) })
}

#[expect(clippy::unnecessary_wraps, reason = "the fact may be missing")]
pub(super) fn mount(point: &str, file_system: &str, options: &str) -> Option<Mount> {
    Some(Mount { point: point.into(), file_system: file_system.into(), options: options.into() })
}

pub(super) fn extents(words: &str) -> Vec<Extent> {
    extent::parse(&words.split(' ').map(Into::into).collect::<Vec<_>>()).unwrap()
}

pub(super) fn ids(ranges: &[(u32, u32)]) -> IdSet {
    ranges.iter().map(|(start, count)| IdRange::of(*start, *count)).collect()
}

pub(super) fn all_ids() -> IdSet {
    ids(&[(0, u32::MAX), (u32::MAX, 1)])
}
