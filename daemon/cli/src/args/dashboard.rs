//! `windlass dashboard` on the command line.

use clap::Args;

/// Examples below the help of `windlass dashboard`.
pub(super) const DASHBOARD: &str = "Examples:
  windlass --address https://deploy.example.com:7443 --token-file token dashboard
  windlass dashboard --open                # in a browser of this machine

The link works once, within a minute. The session is of the token of this command, and has its rights. Over the unix
socket there is no token, and so no link. With --open the link is an argument of the browser, which other users of this
machine can read for a moment.";

/// The page, and whether a browser opens it.
#[derive(Args)]
pub(crate) struct Dashboard {
    /// Open the link in this machine's browser, too: by xdg-open, or by open on macOS.
    #[arg(long)]
    pub(crate) open: bool,
}
