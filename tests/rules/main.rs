//! Every rule, on real namespaces: each test is run with both programs, installed in each way that works, unless it
//! is about the installation. The machine underneath is a [`harness::World`] per test.
#![allow(missing_docs, unreachable_pub)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    // A method of a world is one that needs it to exist.
    clippy::unused_self,
    // The harness has more than this program needs.
    dead_code
)]

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../harness/plugin_world.rs"]
mod plugin;

mod arguments;
mod check;
mod delegation;
mod faults;
mod getsubids;
mod installation;
mod login;
mod manual;
mod meanwhile;
mod ownership;
mod plugins;
mod privilege;
mod setgroups;
mod surroundings;
mod targets;
