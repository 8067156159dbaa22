//! Link arguments of the programs; docs/performance.md has the figures.
//!
//! A build script rather than a configuration of cargo's, since RUSTFLAGS in the environment, as Debian's build sets them,
//! would put that aside.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=packaging/build.rs");
    // The standard library asks for the shared libgcc_s, which takes the loader longer than all that we do ourselves, for the
    // sake of backtraces. Its static twin, libgcc_eh, has the same functions: whoever looks for the one finds this
    // linker script first, which names the other.
    let directory = env::var("OUT_DIR")?;
    let script = Path::new(&directory).join("libgcc_s.so");
    fs::write(script, "INPUT(-lgcc_eh -lgcc)\n")?;
    println!("cargo:rustc-link-search=native={directory}");
    // Relocations take a tenth of the room, and less of the pages that have to be read.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    // Before main the standard library prepares to call a crash a stack overflow where it is one. It asks where the main
    // thread's stack ends, which the C library answers from /proc/self/maps: a tenth of the time of a run, and a file read with
    // privilege. And it maps a stack for its handler, unless there is one. Here both questions are answered by a function that
    // counts the one bits of its first argument. Of pthread_getattr_np(3) that is the thread's address: not 0, so an error's
    // number. Of sigaltstack(2) it is the new stack, and none where it is asked about the old one: 0, and so success on 64 bits; the
    // answer stays as the caller had it, zeros, which say that there is one. An overflow still ends in SIGSEGV, at the
    // kernel's guard, but nobody calls it by its name.
    println!("cargo:rustc-link-arg-bins=-Wl,--undefined=__popcountdi2");
    for function in ["pthread_getattr_np", "sigaltstack"] {
        println!("cargo:rustc-link-arg-bins=-Wl,--wrap={function}");
        println!("cargo:rustc-link-arg-bins=-Wl,--defsym=__wrap_{function}=__popcountdi2");
    }
    // What runs each time lies together; see there.
    let order = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("packaging/order.ld");
    println!("cargo:rerun-if-changed={}", order.display());
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", order.display());
    // Resolved at start-up and read-only from then on; rustc's default already, and stated since it matters.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,relro,-z,now");
    Ok(())
}
