//! `windlass project` on the command line.

use clap::Subcommand;
use std::path::PathBuf;

const APPLY: &str = "Examples:
  windlass project apply -f project.toml --dry-run    # what would change
  windlass project apply -f project.toml
  windlass project show shop >project.toml            # to change what is there";

const SHOW: &str = "Examples:
  windlass project show shop
  windlass project show shop --version 3 >project.toml
  windlass project apply -f project.toml              # puts version 3 back, as a new version";

#[derive(Subcommand)]
pub(crate) enum Project {
    /// Check a project's file, show what it changes, and store it as a new version. It needs the verb `projects`.
    ///
    /// The file names repositories, apps, triggers and endpoints. A file equal to the current version changes nothing.
    #[command(after_long_help = APPLY)]
    Apply {
        /// The project's file. `-` reads standard input.
        #[arg(long, short, value_name = "FILE")]
        file: PathBuf,
        /// Check the file and show what it changes. Stores nothing.
        #[arg(long)]
        dry_run: bool,
        /// The version that you saw: with another current one nothing is stored. 0 means that there is no such project.
        #[arg(long, value_name = "N")]
        expect_version: Option<u32>,
    },
    /// Print a project's file, as Windlass writes it.
    #[command(visible_alias = "export", after_long_help = SHOW)]
    Show {
        /// Name of the project.
        name: String,
        /// An earlier version. Default: the current one.
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
    /// List projects, with their versions.
    List,
    /// Delete a project with its forge hooks. Apps that were deployed go on to serve; versions stay.
    Delete {
        /// Name of the project.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}
