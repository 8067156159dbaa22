//! A world in which nsswitch.conf names a plugin, a real one: a C library that behaves or misbehaves.

use std::fs;

use super::harness::plugin;
pub use super::harness::plugin::library_directory;
use super::harness::{Kind, World, in_world};

/// Has nsswitch.conf name a plugin that was compiled with these macros.
pub fn install(world: &World, service: &str, macros: &[&str]) {
    plugin::compile(service, macros);
    configure(world, service);
}

pub fn configure(world: &World, service: &str) {
    world.write("nsswitch.conf", format!("passwd: files\nsubid: {service}\n"));
    plugin::have_the_loader_look(world);
}

/// Debian's own plugin for sssd.
pub fn install_sssds(world: &World) {
    let cache = std::env::var("UIDMAP_CACHE").unwrap_or("/var/cache/uidmap-rs".into());
    fs::copy(format!("{cache}/libsubid_sss.so"), library_directory().join("libsubid_sss.so")).unwrap();
    configure(world, "sss");
}

pub fn in_plugin_world(test: impl FnOnce(&World) + Send) {
    in_world(|world| {
        plugin::make_room();
        // In every test the files would allow all that the plugin is asked for, if they were asked.
        world.delegate("alice:500000:200000\n");
        test(world);
    });
}

pub fn first_delegated(kind: Kind) -> u32 {
    match kind {
        Kind::Uid => 500_000,
        Kind::Gid => 600_000,
    }
}
