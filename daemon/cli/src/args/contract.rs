//! `windlass contract` on the command line.

use super::shown::Shown;
use clap::Args;

/// Examples below the help of `windlass contract`.
pub(super) const CONTRACT: &str = "Examples:
  windlass contract shop/web              # the job waits for an approval
  windlass contract shop/web/staging --cluster eu --detach

The daemon makes this job by itself once the release has served for `migrate.contract-after-seconds`. It runs the backup
and `migrate.contract` of the release that serves. Afterwards no rollback leads to an earlier release of another image.";

/// A contraction of an app's data.
#[derive(Args)]
pub(crate) struct Contract {
    /// project/app or project/app/environment.
    pub(crate) app: String,
    /// Only in this cluster; may be repeated. Default: all clusters in which the release serves.
    #[arg(long)]
    pub(crate) cluster: Vec<String>,
    /// Do not watch.
    #[arg(long)]
    pub(crate) detach: bool,
    #[command(flatten)]
    pub(crate) shown: Shown,
}
