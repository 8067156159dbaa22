//! Tests of the explanations of failures. Each cause is provoked, and the output is compared line by line. Each cause also has
//! tests with a similar failure of another cause. [`document`] compares the examples of docs/troubleshooting.md with the output.
#![allow(missing_docs, unreachable_pub)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    // A method takes `&self` to prove that a sandbox exists.
    clippy::unused_self,
    // This test uses only a part of the harness.
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
mod repair;
mod restrictions;
mod targets;
