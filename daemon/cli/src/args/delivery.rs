//! `windlass deliveries` and `windlass delivery` on the command line.

use clap::{Args, Subcommand};

/// Examples below the help of `windlass deliveries`.
pub(super) const LIST: &str = "Examples:
  windlass deliveries shop
  windlass deliveries shop --repository web --limit 100
  windlass delivery show DELIVERY          # one of them, whole
  windlass delivery replay DELIVERY        # deploys what its refs lead to now";

const REPLAY: &str = "A forge's own \"Redeliver\" deploys nothing twice. This does: it looks at the refs once more, and
deploys the commits that they lead to now, also those that were deployed before.";

/// Choice of deliveries.
#[derive(Args)]
pub(crate) struct Deliveries {
    /// Project of the deliveries.
    pub(crate) project: String,
    /// Only those of this repository of the project's file.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) repository: String,
    /// Largest number of deliveries, at most 500.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u32,
}

#[derive(Subcommand)]
pub(crate) enum Delivery {
    /// Show a delivery: who caused it, its refs, and what came of each.
    Show {
        /// Id of the delivery.
        id: String,
    },
    /// Look at a delivery's refs once more, as a delivery of its own, and deploy what they lead to.
    #[command(after_long_help = REPLAY)]
    Replay {
        /// Id of the delivery.
        id: String,
    },
}
