//! A sandbox in which nsswitch.conf names a plugin, a real one: a C library that behaves or misbehaves.

use std::fs;

use super::harness::plugin;
pub use super::harness::plugin::library_directory;
use super::harness::{IdType, Sandbox, in_sandbox};

/// Has nsswitch.conf name a plugin that was compiled with these macros.
pub fn install(sandbox: &Sandbox, service: &str, macros: &[&str]) {
    plugin::compile(service, macros);
    configure(sandbox, service);
}

pub fn configure(sandbox: &Sandbox, service: &str) {
    sandbox.write("nsswitch.conf", format!("passwd: files\nsubid: {service}\n"));
    plugin::have_the_loader_look(sandbox);
}

/// Debian's own plugin for sssd.
pub fn install_sssds(sandbox: &Sandbox) {
    let cache = std::env::var("UIDMAP_CACHE").unwrap_or("/var/cache/uidmap-rs".into());
    fs::copy(format!("{cache}/libsubid_sss.so"), library_directory().join("libsubid_sss.so")).unwrap();
    configure(sandbox, "sss");
}

pub fn in_plugin_sandbox(test: impl FnOnce(&Sandbox) + Send) {
    in_sandbox(|sandbox| {
        plugin::make_room();
        // In every test the files would allow all that the plugin is asked for, if they were asked.
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
