//! Base images: stand-ins for the names that recipes use, made of Debian's packages and of the runtimes that the
//! language registries have, pushed to the bed's registry once.

mod basic;
mod build;
mod dockerfile;
mod languages;

pub use languages::provide;

use crate::{Layout, Result, layout::Existing, times};
use std::{fs, time::Instant};

/// Name in the table of times.
pub const NAME: &str = "base images";

/// Returns whether the registry that a bed with `existing` uses has all base images of the core.
#[must_use]
pub fn are_there(layout: &Layout, existing: &Existing) -> bool {
    let registry = existing.registry.clone().unwrap_or_else(|| layout.registry());
    is_done(layout, &stamp(&registry))
}

fn is_done(layout: &Layout, stamp: &str) -> bool {
    fs::read_to_string(layout.at("images.done")).is_ok_and(|text| text == stamp)
}

fn stamp(registry: &str) -> String {
    format!("{} {registry}", basic::REVISION)
}

/// Builds and pushes the base images of the core, unless the registry has them.
pub fn up(layout: &Layout, buildkit: &str, registry: &str, report: &dyn Fn(&str)) -> Result<()> {
    let stamp = stamp(registry);
    if is_done(layout, &stamp) {
        return Ok(());
    }
    let began = Instant::now();
    build::context(layout, report)?;
    let go = build::go_root()?;
    for (name, dockerfile) in basic::images() {
        report(&format!("building the base image {name}"));
        build::image(layout, buildkit, &format!("{registry}/{name}"), &dockerfile, &[("go", &go)])?;
    }
    fs::write(layout.at("images.done"), stamp)?;
    times::keep(layout, NAME, began.elapsed())
}
