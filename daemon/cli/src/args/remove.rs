//! `windlass remove` on the command line.

use super::shown::Shown;
use clap::Args;

/// Examples below the help of `windlass remove`.
pub(super) const REMOVE: &str = "Examples:
  windlass remove shop/web/staging         # lists what goes, and asks
  windlass remove shop/web/staging --dry-run
  windlass remove shop/web/staging --data --yes

Volume claims stay without --data; those of a preview go in any case. A namespace goes only where Windlass made it and
nothing else is in it. Images and their tags stay in the registry. Releases of before do not come back by a rollback.";

/// A removal.
#[derive(Args)]
pub(crate) struct Remove {
    /// project/app or project/app/environment.
    pub(crate) app: String,
    /// Delete volume claims too, with all that they hold.
    #[arg(long)]
    pub(crate) data: bool,
    /// Only from this cluster; may be repeated. Default: all clusters for this app.
    #[arg(long)]
    pub(crate) cluster: Vec<String>,
    /// List what would go, and remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Do not watch.
    #[arg(long)]
    pub(crate) detach: bool,
    #[command(flatten)]
    pub(crate) shown: Shown,
}
