//! A sandbox whose nsswitch.conf names a compiled subid plugin.

use std::fs;

use super::harness::plugin;
pub use super::harness::plugin::library_directory;
use super::harness::{IdType, Sandbox, in_sandbox};

/// Compiles a plugin with these macros and names it in nsswitch.conf.
pub fn install(sandbox: &Sandbox, service: &str, macros: &[&str]) {
    plugin::compile(service, macros);
    configure(sandbox, service);
}

pub fn configure(sandbox: &Sandbox, service: &str) {
    sandbox.write("nsswitch.conf", format!("passwd: files\nsubid: {service}\n"));
    plugin::update_loader_cache(sandbox);
}

/// Installs the sssd plugin of Debian.
pub fn install_sssd_plugin(sandbox: &Sandbox) {
    let cache = std::env::var("UIDMAP_CACHE").unwrap_or("/var/cache/uidmap-rs".into());
    fs::copy(format!("{cache}/libsubid_sss.so"), library_directory().join("libsubid_sss.so")).unwrap();
    configure(sandbox, "sss");
}

pub fn in_plugin_sandbox(test: impl FnOnce(&Sandbox) + Send) {
    in_sandbox(|sandbox| {
        plugin::cover_library_directory();
        // The subid files delegate every id that a test requests: a program that read them would allow the request.
        sandbox.delegate("alice:500000:200000\n");
        test(sandbox);
    });
}

pub fn first_delegated(id_type: IdType) -> u32 {
    match id_type {
        IdType::Uid => 500_000,
        IdType::Gid => 600_000,
    }
}
