//! Detail of a watched job on the command line.

use crate::render::Detail;
use clap::Args;

/// Detail in which a watched job is shown.
#[derive(Clone, Copy, Args)]
pub(crate) struct Shown {
    /// Show every line of every tool as it comes, not only those of what runs and of what failed.
    #[arg(long, short)]
    verbose: bool,
    /// Show what plugins and steps did, too.
    #[arg(long = "events")]
    with_events: bool,
}

impl Shown {
    pub(crate) fn detail(self) -> Detail {
        Detail { verbose: self.verbose, events: self.with_events }
    }
}
