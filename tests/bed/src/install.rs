//! Installs the parts: Debian packages, and Go programs that are built once and cached by version.

mod debian;
mod go;
mod python;
mod rabbitmq;
mod unpacked;

pub use go::{GATEWAY, GITEA, Module, absent_programs, kwok_stages};
pub use python::python;
pub(crate) use rabbitmq::OWN as RABBITMQ_OWN;
pub use rabbitmq::rabbitmq;
pub use unpacked::prometheus;

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
    /// Returns the name in the table of times.
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

    /// Installs or builds what is missing, with progress on `report`.
    pub fn provide(&self, layout: &Layout, report: &Report) -> Result<()> {
        let name = self.name();
        let began = Instant::now();
        report.print(name, &format!("{self} ({})", times::estimate(layout, name)));
        self.get(layout).map_err(|error| format!("{name}: {error}"))?;
        times::keep(layout, name, began.elapsed())?;
        report.print(name, &format!("done in {}", times::spell(began.elapsed().as_secs())));
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
pub fn missing(layout: &Layout, existing: &Existing) -> Result<Vec<Missing>> {
    let modules = go::missing(layout, existing)?;
    let mut missing: Vec<_> = modules.into_iter().map(Missing::Go).collect();
    missing.extend(debian::missing(existing).map(Missing::Debian));
    missing.sort_by_key(|one| std::cmp::Reverse(times::estimate(layout, one.name()).seconds));
    Ok(missing)
}

/// Builds the gateway, and returns the folder of the Gateway API's definitions.
pub fn gateway(layout: &Layout, report: &Report) -> Result<PathBuf> {
    program_of(layout, &GATEWAY, report)?;
    Ok(go::sources(GATEWAY.folder, "sigs.k8s.io/gateway-api")?.join("config/crd/standard"))
}

/// Builds the forge, and returns the folder of its templates and other files.
pub fn gitea(layout: &Layout, report: &Report) -> Result<PathBuf> {
    program_of(layout, &GITEA, report)?;
    go::sources(GITEA.folder, "code.gitea.io/gitea")
}

/// Builds the bundler of the dashboard's page, and returns its program.
pub fn page_bundler(layout: &Layout, report: &Report) -> Result<PathBuf> {
    program_of(layout, &go::PAGE, report)?;
    Ok(go::bin(layout).join("page"))
}

/// Builds the programs that benches need beyond the bed.
pub fn for_benches(layout: &Layout, report: &Report) -> Result<()> {
    go::FOR_BENCHES.iter().try_for_each(|module| program_of(layout, module, report))
}

/// Builds a module, unless it is built.
pub fn program_of(layout: &Layout, module: &'static Module, report: &Report) -> Result<()> {
    if go::is_built(layout, module)? {
        return Ok(());
    }
    Missing::Go(module).provide(layout, report)
}

/// Installs the Debian package of a program that one test needs, unless `file` exists.
pub fn program(file: &str, package: &str) -> Result<()> {
    if Path::new(file).exists() { Ok(()) } else { debian::install(&[package]) }
}

/// Takes the lock under which parts are installed, so that two commands at once prepare each part once.
pub fn lock(layout: &Layout, report: &Report) -> Result<File> {
    std::fs::create_dir_all(&layout.cache)?;
    let lock = File::create(layout.cache.join("install.lock"))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        report.print("bed", "another command prepares the same parts: waiting for it");
        flock(&lock, FlockOperation::LockExclusive)?;
    }
    Ok(lock)
}
