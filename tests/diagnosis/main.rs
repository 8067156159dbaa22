//! Every cause, provoked for real: what the programs say then, line by line; and beside it what looks alike and has another
//! cause. docs/troubleshooting.md repeats lines that are got here, and [`document`] sees to it that it does.
#![allow(missing_docs, unreachable_pub)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    // A method of a sandbox is one that needs it to exist.
    clippy::unused_self,
    // The harness has more than this program needs.
    dead_code
)]

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../harness/plugin_sandbox.rs"]
mod plugin;

mod failure;

mod arguments;
mod check;
mod delegation;
mod document;
mod examining;
mod filters;
mod installation;
mod namespaces;
mod places;
mod plugins;
mod proc;
mod remedies;
mod remedy_cases;
mod restrictions;
mod targets;
mod world;
