//! The checks of the fuzz targets. Only cargo-fuzz (`cfg(fuzzing)`) compiles them, as part of the library, whose internals they use.
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::restriction)]

pub mod arguments;
pub mod login_defs;
pub mod nsswitch;
pub mod numbers;
mod oracle;
pub mod policy;
pub mod subid;
