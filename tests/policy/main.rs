//! Tests of every rule on real user namespaces. Each test has its own [`harness::Sandbox`]; most tests run both programs in each
//! install mode.
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

mod arguments;
mod check;
mod check_user;
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
mod times_and_sizes;
