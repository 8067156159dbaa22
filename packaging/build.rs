//! Link arguments of the programs.
//!
//! The arguments are in a build script because RUSTFLAGS, which Debian's build sets, would replace those of a cargo configuration.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=packaging/build.rs");
    // The standard library asks for the shared libgcc_s for the sake of backtraces. Loading it takes over 100 µs, a tenth of a run. Its
    // static form, libgcc_eh, has the same functions: the linker finds this script under the library's name.
    let directory = env::var("OUT_DIR")?;
    let script = Path::new(&directory).join("libgcc_s.so");
    fs::write(script, "INPUT(-lgcc_eh -lgcc)\n")?;
    println!("cargo:rustc-link-search=native={directory}");
    // Addresses are resolved at start-up and read-only afterwards: rustc's default, stated because the programs rely on it.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,relro,-z,now");
    Ok(())
}
