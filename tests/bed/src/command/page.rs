//! `bed page`: bundles the dashboard's page, or compares the committed bundle with its sources.
//!
//! npm brings two small libraries and TypeScript's checks; esbuild is compiled from its sources by Go.

use std::{fs, path::Path, process::Command};
use windlass_bed::{Layout, Report, Result, build, install, process};

/// Arguments of `bed page`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing, and fail if the committed bundle is of other sources.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(layout: &Layout, args: &Args) -> Result<()> {
    let web = build::root().join("daemon/dashboard/web");
    let report = Report::printed();
    let _lock = install::lock(layout, &report)?;
    install::program("/usr/bin/npm", "npm")?;
    libraries(&web)?;
    process::run(Command::new("npm").current_dir(&web).args(["run", "--silent", "check"]))?;
    let mut bundler = Command::new(install::page_bundler(layout, &report)?);
    if args.check {
        bundler.arg("--check");
    }
    print!("{}", process::run(bundler.arg(&web))?);
    Ok(())
}

/// Installs what the lock names, unless it is installed.
fn libraries(web: &Path) -> Result<()> {
    let lock = fs::read_to_string(web.join("package-lock.json"))?;
    let stamp = web.join("node_modules/.of-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let quiet = ["ci", "--loglevel=error", "--no-audit", "--no-fund", "--ignore-scripts"];
    process::run(Command::new("npm").current_dir(web).args(quiet))?;
    Ok(fs::write(stamp, lock)?)
}
