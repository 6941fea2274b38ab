//! Builds what a bed is for: daemon, client, plugins.

use crate::{Result, process::run};
use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
};

/// The folder of this workspace's programs.
///
/// # Errors
/// When this program stands in no target folder.
pub fn programs() -> Result<PathBuf> {
    let own = env::current_exe()?;
    let folder = own.parent().ok_or("this program is in no folder")?;
    // Tests stand one deeper.
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    Ok(folder.ok_or("this program is in no folder")?.to_owned())
}

/// The folder of the built plugins.
///
/// # Errors
/// As [`programs`].
pub fn plugins() -> Result<PathBuf> {
    Ok(programs()?.parent().ok_or("no target folder")?.join("plugins"))
}

/// Builds these packages with cargo, its output shown.
///
/// # Errors
/// When they do not compile.
pub fn cargo(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("cargo");
    command.current_dir(root()).args(arguments).stdin(Stdio::null());
    // Where this program stands, too: what is built is looked for beside it.
    if let Some(target) = programs()?.parent() {
        command.env("CARGO_TARGET_DIR", target);
    }
    match command.status()?.success() {
        true => Ok(()),
        false => Err(format!("cargo {} failed", arguments.join(" ")).into()),
    }
}

/// Builds the plugins, unless nothing changed since the last time.
///
/// # Errors
/// When they do not compile.
pub fn build_plugins(say: &dyn Fn(&str)) -> Result<()> {
    let stamp_file = plugins()?.join("built");
    // Tools and sources that the components depend on.
    let list = run(Command::new("git").current_dir(root()).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "wit",
        "plugin-sdk",
        "plugins",
    ]))?;
    let hashes =
        run(Command::new("git").current_dir(root()).arg("hash-object").args(list.lines()))?;
    let stamp = list + &hashes;
    if fs::read_to_string(&stamp_file).is_ok_and(|built| built == stamp) {
        return Ok(());
    }
    say("building the plugins");
    cargo(&["run", "--quiet", "--package", "windlass-plugin-build"])?;
    Ok(fs::write(stamp_file, stamp)?)
}

/// The checkout. As cargo says at run time: with one target folder for several checkouts, what was
/// compiled for one is run for another.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the bed is no part of the daemon")]
pub fn root() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR");
    let own = own.map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let found = own.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    found.unwrap_or(&own).to_owned()
}
