//! newgidmap(1): write a process's `gid_map` within the ranges that `/etc/subgid` delegates to the caller.
//!
//! Rust's runtime does not run before `main`, so dropping privilege comes first.
#![no_main]

use std::ffi::c_int;

// SAFETY: the start-up code of the C library calls `main`, and no other function of the program has this name. C allows a `main`
// without parameters; the standard library takes the arguments from the C library.
#[allow(unsafe_code, reason = "the C library calls main by its name")]
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    uidmap::newidmap(uidmap::IdType::Gid)
}
