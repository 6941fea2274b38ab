//! Gets the parts: Debian packages, and Go programs built once and cached by version.

mod debian;
mod go;
mod python;

pub use go::{GATEWAY, Module, has_gateway, kwok_stages};
pub use python::python;

use crate::{Layout, Report, Result, layout::Existing, times};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Instant,
};

/// One preparation that a bed needs and this machine lacks.
pub enum Missing {
    /// Debian packages by name.
    Debian(Vec<&'static str>),
    /// Programs of a Go module.
    Go(&'static Module),
}

impl Missing {
    /// The name in the table of times.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Debian(_) => "Debian packages",
            Self::Go(module) => module.folder,
        }
    }

    fn get(&self, layout: &Layout) -> Result<()> {
        match self {
            Self::Debian(packages) => debian::install(packages),
            Self::Go(module) => go::build(layout, module),
        }
    }

    /// Installs or builds it, told on `report`.
    ///
    /// # Errors
    /// What apt or Go said.
    pub fn provide(&self, layout: &Layout, report: &Report) -> Result<()> {
        let name = self.name();
        let began = Instant::now();
        report.say(name, &format!("{self} ({})", times::estimate(layout, name)));
        self.get(layout).map_err(|error| format!("{name}: {error}"))?;
        times::keep(layout, name, began.elapsed())?;
        report.say(name, &format!("done in {}", times::spell(began.elapsed().as_secs())));
        Ok(())
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Debian(packages) => write!(f, "installing {}", packages.join(", ")),
            Self::Go(module) => write!(f, "compiling {}", module.version),
        }
    }
}

/// Returns what this machine lacks for a bed that uses `existing`, the longest first.
///
/// # Errors
/// When Go does not run.
pub fn missing(layout: &Layout, existing: &Existing) -> Result<Vec<Missing>> {
    let modules = go::missing(layout, existing)?;
    let mut missing: Vec<_> = modules.into_iter().map(Missing::Go).collect();
    missing.extend(debian::missing(existing).map(Missing::Debian));
    missing.sort_by_key(|one| std::cmp::Reverse(times::estimate(layout, one.name()).seconds));
    Ok(missing)
}

/// Builds the gateway, and says where the Gateway API's definitions are.
///
/// # Errors
/// Go's own error.
pub fn gateway(layout: &Layout, report: &Report) -> Result<PathBuf> {
    provide(layout, &GATEWAY, report)?;
    Ok(go::sources(GATEWAY.folder, "sigs.k8s.io/gateway-api")?.join("config/crd/standard"))
}

/// Builds what benches need beyond the bed.
///
/// # Errors
/// Go's own error.
pub fn for_benches(layout: &Layout, report: &Report) -> Result<()> {
    go::FOR_BENCHES.iter().try_for_each(|module| provide(layout, module, report))
}

fn provide(layout: &Layout, module: &'static Module, report: &Report) -> Result<()> {
    if go::is_built(layout, module)? {
        return Ok(());
    }
    Missing::Go(module).provide(layout, report)
}

/// Installs the Debian package that brings a program which one test needs, unless it is there.
///
/// # Errors
/// Apt's own error.
pub fn program(file: &str, package: &str) -> Result<()> {
    if Path::new(file).exists() { Ok(()) } else { debian::install(&[package]) }
}

/// Takes the lock under which parts are installed: two commands at once prepare each thing once.
///
/// # Errors
/// When the cache folder cannot be written.
pub fn lock(layout: &Layout, report: &Report) -> Result<File> {
    std::fs::create_dir_all(&layout.cache)?;
    let lock = File::create(layout.cache.join("install.lock"))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        report.say("bed", "another command prepares the same parts: waiting for it");
        flock(&lock, FlockOperation::LockExclusive)?;
    }
    Ok(lock)
}
