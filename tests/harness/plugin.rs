//! Compiles subid plugins for tests into a directory that the loader searches for setuid programs, too.

use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};

use super::{Sandbox, must_succeed};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness/plugin.c");

/// The directory of the plugins.
pub fn library_directory() -> &'static Path {
    Path::new("/usr/local/lib")
}

/// Mounts a tmpfs over the directory.
pub fn cover_library_directory() {
    let no: Option<&str> = None;
    mount(Some("tmpfs"), library_directory(), Some("tmpfs"), MsFlags::empty(), no).unwrap();
}

/// Compiles the plugin `libsubid_SERVICE.so` with these macros.
pub fn compile(service: &str, macros: &[&str]) {
    let library = library_directory().join(format!("libsubid_{service}.so"));
    let mut compiler = Command::new("gcc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library);
    must_succeed(compiler.args(macros.iter().map(|definition| format!("-D{definition}"))).arg(SOURCE));
}

/// Adds the directory to the loader's cache.
pub fn update_loader_cache(sandbox: &Sandbox) {
    sandbox.write("ld.so.conf", format!("{}\n", library_directory().display()));
    must_succeed(&mut Command::new("/sbin/ldconfig"));
}
