//! newuidmap(1) and newgidmap(1): an unprivileged user writes the id maps of a new user namespace, within what
//! `/etc/subuid` and `/etc/subgid` delegate.
//!
//! The way of a request is one line, and each stage's type is made by the stage before it alone:
//!
//! ```text
//! argv ─▶ Invocation ─▶ Target ─▶ Caller ─▶ OwnTarget ─▶ Claim ◀─ delegated ranges
//!         cli           target    caller    policy       │ policy    subid
//!                                                        ▼
//!                                kernel ◀─ one write ◀─ Authorized
//!                                          map, under privilege
//! ```
//!
//! `program` is that line as code; `docs/architecture.md` explains it.

pub mod caller;
pub mod check;
pub mod cli;
pub mod config;
pub mod diagnosis;
pub mod error;
pub mod extent;
pub mod getsubids;
pub mod kind;
pub mod login;
pub mod login_defs;
pub mod map;
pub mod number;
pub mod policy;
pub mod privilege;
pub mod program;
pub mod range;
pub mod setgroups;
pub mod shown;
pub mod subid;
pub mod target;
pub mod user_database;

pub use getsubids::run as getsubids;
pub use kind::Kind;
pub use program::run;
