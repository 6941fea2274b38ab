//! Manifests of plugins: as part of a component, and as text in a component that is made for it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasm_encoder::{Component, CustomSection};
use windlass_plugin_host::{Manifest, SECTION};

fuzz_target!(|data: &[u8]| {
    let _ = Manifest::of(data);
    let mut component = Component::new();
    component.section(&CustomSection { name: SECTION.into(), data: data.into() });
    let Ok(manifest) = Manifest::of(&component.finish()) else { return };
    // Operators read these texts when they decide on a grant.
    let shown = [&manifest.name, &manifest.version].into_iter().chain(&manifest.markers);
    for text in shown.chain(&manifest.languages) {
        assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
    }
});
