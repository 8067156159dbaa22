//! Link arguments of the programs.
//!
//! RUSTFLAGS, which Debian's build sets, overrides link arguments of a cargo configuration, but not those that a build script prints.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=packaging/build.rs");
    // The standard library links the shared libgcc_s for backtraces. Its load takes over 100 µs, a tenth of a run. This linker script
    // has the name of the library and links the static libgcc_eh with the same functions instead.
    let directory = env::var("OUT_DIR")?;
    let script = Path::new(&directory).join("libgcc_s.so");
    fs::write(script, "INPUT(-lgcc_eh -lgcc)\n")?;
    println!("cargo:rustc-link-search=native={directory}");
    // The C library comes before libpthread. Before glibc 2.34, both define read(2) and others, and the linker takes the first: with
    // libpthread, the programs would load one library more.
    println!("cargo:rustc-link-lib=c");
    // Resolves all symbols at start-up and makes their addresses read-only: the default of rustc, on which the programs rely.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,relro,-z,now");
    Ok(())
}
