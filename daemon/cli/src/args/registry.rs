//! `windlass registry` on the command line.

use clap::{Args, Subcommand};
use std::path::PathBuf;

const PUT: &str = "Examples:
  windlass registry put shop ghcr.io --images ghcr.io/acme \\
      --push-user ci --password-stdin < token
  windlass registry put shop ghcr.io --images ghcr.io/acme \\
      --push-user ci --push-password-file push --pull-user nodes --pull-password-file pull
  windlass registry put shop 123456789012.dkr.ecr.eu-central-1.amazonaws.com \\
      --push-plugin registry-ecr --push-secret aws=key.json --push-settings settings.json

A put replaces all that the project has at the host: to renew a password, give the other options again. The logins are
tried first. A new one is used from the next job on, and reaches the pull secrets of running apps by itself.";

const TEST: &str = "Exit code 1: a login does not work, and what to do is printed.";

#[derive(Subcommand)]
pub(crate) enum Registry {
    /// Try the logins of a registry, and store it in place of what the project has at the host.
    #[command(after_long_help = PUT)]
    Put(Box<PutRegistry>),
    /// List a project's registries, with the users that log in.
    List {
        /// Project of the registries.
        project: String,
    },
    /// List the versions of one registry, the newest first: who put or removed it, and when. At most 100.
    History {
        /// Project of the registry.
        project: String,
        /// Host of the registry, such as ghcr.io.
        host: String,
    },
    /// Try the logins of a registry as they are stored.
    #[command(after_long_help = TEST)]
    Test {
        /// Project of the registry.
        project: String,
        /// Host of the registry, such as ghcr.io.
        host: String,
    },
    /// Remove a registry with its logins. Images that were pushed there stay.
    Remove {
        /// Project of the registry.
        project: String,
        /// Host of the registry, such as ghcr.io.
        host: String,
    },
}

#[derive(Args)]
pub(crate) struct PutRegistry {
    /// Project that the registry is for.
    pub(crate) project: String,
    /// Host as images name it, with its port where it has one: ghcr.io.
    pub(crate) host: String,
    /// Host and path that the project's images are pushed below: ghcr.io/acme. Default: images are only pulled from
    /// here.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) images: String,
    /// User that may push. Without another login it pulls too.
    #[arg(long, conflicts_with = "push_plugin")]
    pub(crate) push_user: Option<String>,
    /// File with the password or token of --push-user.
    #[arg(long, requires = "push_user", value_name = "FILE")]
    pub(crate) push_password_file: Option<PathBuf>,
    /// Plugin of the operator that logs in to push.
    #[arg(long, value_name = "NAME")]
    pub(crate) push_plugin: Option<String>,
    /// File with the settings of --push-plugin, a JSON object.
    #[arg(long, requires = "push_plugin", value_name = "FILE")]
    pub(crate) push_settings: Option<PathBuf>,
    /// NAME=FILE, a secret of --push-plugin. May be repeated.
    #[arg(long, requires = "push_plugin", value_name = "NAME=FILE", value_parser = secret)]
    pub(crate) push_secret: Vec<(String, PathBuf)>,
    /// User that may only read: it is in the pull secrets of the project's apps, and pulls base images.
    #[arg(long, conflicts_with = "pull_plugin")]
    pub(crate) pull_user: Option<String>,
    /// File with the password or token of --pull-user.
    #[arg(long, requires = "pull_user", value_name = "FILE")]
    pub(crate) pull_password_file: Option<PathBuf>,
    /// Plugin of the operator that logs in to pull.
    #[arg(long, value_name = "NAME")]
    pub(crate) pull_plugin: Option<String>,
    /// File with the settings of --pull-plugin, a JSON object.
    #[arg(long, requires = "pull_plugin", value_name = "FILE")]
    pub(crate) pull_settings: Option<PathBuf>,
    /// NAME=FILE, a secret of --pull-plugin. May be repeated.
    #[arg(long, requires = "pull_plugin", value_name = "NAME=FILE", value_parser = secret)]
    pub(crate) pull_secret: Vec<(String, PathBuf)>,
    /// Read the password of the one user without a file from standard input.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Store the registry although a login does not work.
    #[arg(long)]
    pub(crate) no_check: bool,
}

/// Reads `NAME=FILE`.
fn secret(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.to_owned(), file.into()))
        }
        _ => Err("expected NAME=FILE".into()),
    }
}
