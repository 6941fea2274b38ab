//! `windlass hook` on the command line.

use clap::Subcommand;
use std::time::Duration;

const CREATE: &str = "Examples:
  windlass hook create shop                # of the project's only repository
  windlass hook create shop web            # of its repository `web`";

const ROTATE: &str = "Examples:
  windlass hook rotate shop HOOK           # both secrets are valid for 24 hours
  windlass hook rotate shop HOOK --keep 0s # the secret before is known to others";

const TEST: &str = "Examples:
  windlass hook test shop main             # a push to the branch `main`
  windlass hook test shop refs/tags/v1.2   # the tag `v1.2`

Exit code 1: something keeps a trigger from deploying that somebody has to mend.";

#[derive(Subcommand)]
pub(crate) enum Hook {
    /// Make a hook for a repository, and print its address, its secret and what to set at the forge. The secret is
    /// shown this once.
    #[command(after_long_help = CREATE)]
    Create {
        /// Project of the repository.
        project: String,
        /// Name of the repository in the project's file. Default: the project's only one.
        #[arg(default_value = "", hide_default_value = true)]
        repository: String,
    },
    /// Replace a hook's secret, and print the new one: this once.
    #[command(after_long_help = ROTATE)]
    Rotate {
        /// Project of the hook.
        project: String,
        /// Id of the hook.
        id: String,
        /// Time that the secret before stays valid, such as 30m or 2h; at most 7 days. 0s ends it at once.
        #[arg(long, value_parser = humantime::parse_duration, default_value = "24h")]
        keep: Duration,
    },
    /// List a project's hooks, and when a forge called each last.
    List {
        /// Project of the hooks.
        project: String,
    },
    /// Delete a hook: a forge that calls it gets 404.
    Delete {
        /// Project of the hook.
        project: String,
        /// Id of the hook.
        id: String,
    },
    /// Show what a push of a branch or a tag would deploy, or why it would not. Changes nothing.
    #[command(after_long_help = TEST)]
    Test {
        /// Project of the repository.
        project: String,
        /// A branch, a tag or a full name: main, refs/tags/v1.
        #[arg(value_name = "REF")]
        name: String,
        /// Name of the repository in the project's file. Default: the project's only one.
        #[arg(long, default_value = "", hide_default_value = true)]
        repository: String,
    },
}
