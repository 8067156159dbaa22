//! Every rule, on real namespaces: each test is run with both programs, installed in each mode that works, unless it
//! is about the installation. The machine underneath is a [`harness::Sandbox`] per test.
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

mod arguments;
mod check;
mod delegation;
mod faults;
mod getsubids;
mod hostile_environment;
mod installation;
mod login;
mod manual;
mod ownership;
mod plugins;
mod privilege;
mod races;
mod setgroups;
mod targets;
