//! Evidence for tests: alice requests a map for her process 7, and the evidence shows no cause.

use std::path::PathBuf;

use crate::caller::Caller;
use crate::explain::evidence::Evidence;
use crate::explain::evidence::accounts::Accounts;
use crate::explain::evidence::mounts::Mount;
use crate::explain::evidence::passwd_file::PasswdFile;
use crate::explain::evidence::place::Place;
use crate::explain::evidence::proc::ProcEvidence;
use crate::explain::evidence::process::Process;
use crate::explain::evidence::program::{FileCapabilities, Program};
use crate::explain::evidence::target::{Relation, TargetEvidence};
use crate::id_range::{IdRange, IdSet};
use crate::id_type::IdType;
use crate::map_range::{self, MapRange};
use crate::privileges::InitialCredentials;

pub(super) fn evidence(change: impl FnOnce(&mut Evidence)) -> Evidence {
    let mut evidence = Evidence {
        id_type: IdType::Uid,
        credentials: InitialCredentials { uid: 1000, gid: 1000, had_capability: true, had_setfcap: true },
        caller: Some(Caller { uid: 1000, gid: 1000, login_gid: 1000, name: b"alice".to_vec() }),
        target_argument: "7".into(),
        ranges: ranges("0 100000 10"),
        process: Process {
            no_new_privs: Some(false),
            has_seccomp_filter: Some(false),
            is_traced: Some(false),
            bounding_set_has_capability: Some(true),
            bounding_set_has_setfcap: Some(true),
            mapped_lines: Some(lines(&[(0, u32::MAX)])),
            kernel: Some((6, 1)),
            page_size: Some(4096),
            ..Process::default()
        },
        program: program(0o4755, 0, Some(FileCapabilities::Absent)),
        target: target(Relation::Child, Some(false)),
        proc: ProcEvidence {
            is_procfs: Some(true),
            mount: mount("/proc", "proc", "rw,nosuid"),
            ..ProcEvidence::default()
        },
        subid_mount: mount("/", "ext4", "rw"),
        other_program: None,
        place: Place::default(),
        accounts: Accounts::default(),
        passwd_file: PasswdFile::default(),
        subid_denial: None,
        nsswitch_denial: None,
        subid_link: None,
        delegation: None,
        groups: vec![],
    };
    change(&mut evidence);
    evidence
}

#[expect(clippy::unnecessary_wraps, reason = "the field of Evidence is an Option")]
pub(super) fn program(
    mode: u32,
    owner: u32,
    capabilities: Option<FileCapabilities>,
) -> Option<(Program, Option<Mount>)> {
    let path = PathBuf::from("/usr/bin/newuidmap");
    Some((
        Program { path, mode, owner, capabilities, is_on_nosuid: false, only_root_can_replace: owner == 0 },
        mount("/", "ext4", "rw"),
    ))
}

#[expect(clippy::unnecessary_wraps, reason = "the field of Evidence is an Option")]
pub(super) fn target(namespace: Relation, has_map: Option<bool>) -> Option<TargetEvidence> {
    Some(TargetEvidence { has_ended: false, namespace, has_map, real_uid: Some(1000), map_owner: Some(1000) })
}

#[expect(clippy::unnecessary_wraps, reason = "the field of Evidence is an Option")]
pub(super) fn mount(point: &str, file_system: &str, options: &str) -> Option<Mount> {
    Some(Mount { point: point.into(), file_system: file_system.into(), options: options.into() })
}

pub(super) fn ranges(arguments: &str) -> Vec<MapRange> {
    map_range::parse(&arguments.split(' ').map(Into::into).collect::<Vec<_>>()).unwrap()
}

pub(super) fn ids(ranges: &[(u32, u32)]) -> IdSet {
    ranges.iter().map(|(start, count)| IdRange::new(*start, *count)).collect()
}

pub(super) fn lines(ranges: &[(u32, u32)]) -> Vec<IdRange> {
    ranges.iter().map(|(start, count)| IdRange::new(*start, *count)).collect()
}
