//! newuidmap(1), newgidmap(1), getsubids(1) and uidmap-check(1).
//!
//! newuidmap and newgidmap let an unprivileged user write the id maps of a new user namespace, within the ranges that `/etc/subuid`
//! and `/etc/subgid` delegate. [`newidmap()`] is the way of a request; `docs/architecture.md` explains the design.

mod caller;
mod check;
mod cli;
mod error;
mod escape;
mod explain;
mod files;
mod getsubids;
mod id_range;
mod id_type;
mod login_defs;
mod map_range;
mod mapping;
mod newidmap;
mod number;
mod passwd;
mod privileges;
mod reason;
mod subid;
mod sys;

/// Checks for the fuzz targets of `tests/fuzz`.
#[cfg(fuzzing)]
#[path = "../tests/fuzz/checks/mod.rs"]
pub mod fuzzing;

pub use check::{HOLD_NAMESPACE, check, hold_namespace};
pub use getsubids::getsubids;
pub use id_type::IdType;
pub use newidmap::newidmap;
