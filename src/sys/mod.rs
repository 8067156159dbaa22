//! Calls of the C library and the kernel that no crate wraps, and the calls into a subid plugin: all unsafe code of the library.
//!
//! Each function is small and argues why its unsafe block is sound. The deny of `unsafe_code` in Cargo.toml holds everywhere else.
#![allow(unsafe_code, reason = "C functions are declared and called here")]

pub(crate) mod attribute;
pub(crate) mod child;
pub(crate) mod namespace;
pub(crate) mod plugin;
pub(crate) mod plugin_list;
pub(crate) mod process;
