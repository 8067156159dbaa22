//! From a target to its map: opening the target, deciding the request, writing the map.
//!
//! The files of this folder keep a promise by their types. [`target::Target`] opens files for writing for this folder alone,
//! [`policy::decide`](policy::Claim::decide) alone makes an [`policy::AuthorizedMap`], and [`write`] takes nothing else.

pub(crate) mod policy;
pub(crate) mod target;
pub(crate) mod write;
