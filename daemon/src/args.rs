//! The command line.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// The deploy runner.
#[derive(Parser)]
#[command(name = "windlassd", version)]
pub(crate) struct Args {
    /// Configuration, TOML. Default: /etc/windlass/windlassd.toml where it exists.
    #[arg(long, global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve (the default).
    Run,
    /// Say which part cannot be reached, and why; change nothing.
    Check,
    /// Read a token from standard input, and print its hash for `[[principals]]`.
    HashToken,
    /// Print the JSON schema of windlassd.toml, for editors.
    Schema,
    /// Fetch a commit (started by the daemon).
    #[command(hide = true)]
    Checkout(Child),
    /// Run a plugin (started by the daemon).
    #[command(hide = true)]
    PluginWorker(Child),
    /// Compile a plugin (started by the daemon).
    #[command(hide = true)]
    CompilePlugin(Child),
    /// Say what this kernel enforces of the confinement of children (started by the daemon).
    #[command(hide = true)]
    Confinement(Child),
}

/// Arguments of a command that the daemon starts.
#[derive(clap::Args)]
pub(crate) struct Child {
    /// Process id of the daemon.
    #[arg(long)]
    #[allow(dead_code, reason = "`windlass_confine::begin` reads it")]
    parent: u32,
}
