//! The checks of the fuzz targets, compiled into the library by cargo-fuzz alone (`cfg(fuzzing)`): so they reach its parts.
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::restriction)]

pub mod arguments;
pub mod login_defs;
pub mod nsswitch;
pub mod numbers;
mod oracle;
pub mod policy;
pub mod subid;
