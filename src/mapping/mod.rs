//! From a target to its map: opening the target, deciding the request, writing the map.
//!
//! The types keep an unchecked map from being written. Only this folder can have [`target::Target`] open a file for writing. Only
//! [`Claim::decide`](policy::Claim::decide) makes a [`policy::AuthorizedMap`], and [`write`] accepts no other type.

pub(crate) mod policy;
pub(crate) mod target;
pub(crate) mod write;
