//! `windlass outbox` on the command line.

use clap::{Subcommand, builder::NonEmptyStringValueParser};
use std::time::Duration;

const LIST: &str = "Examples:
  windlass outbox list shop --state dead   # what never arrived
  windlass outbox list shop --job JOB      # who hears of a job
  windlass outbox list shop --receiver chat";

const REPLAY: &str = "Examples:
  windlass outbox replay shop MESSAGE
  windlass outbox replay shop --dead --receiver chat --since 2d

A message keeps its id, so that a receiver knows a repeat.";

#[derive(Subcommand)]
pub(crate) enum Outbox {
    /// List a project's messages to forges and endpoints, newest first.
    #[command(after_long_help = LIST)]
    List {
        /// Project of the messages.
        project: String,
        /// Only messages in this state: waiting, done, dead, void. May be repeated.
        #[arg(long)]
        state: Vec<String>,
        /// Only messages about this job.
        #[arg(long, default_value = "", hide_default_value = true)]
        job: String,
        /// Only messages to this endpoint, or about this repository.
        #[arg(long, default_value = "", hide_default_value = true)]
        receiver: String,
        /// Largest number of messages, at most 500.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show a message: to whom, about what, and the last answer.
    Show {
        /// Id of the message.
        id: String,
    },
    /// Send messages once more: one by its id, or all dead ones.
    #[command(after_long_help = REPLAY)]
    Replay {
        /// Project of the messages.
        project: String,
        /// Id of the message. Without it: --dead.
        // To the daemon an empty one means all that are dead: a variable of a script may be empty.
        #[arg(
            required_unless_present = "dead",
            conflicts_with = "dead",
            value_parser = NonEmptyStringValueParser::new()
        )]
        id: Option<String>,
        /// All dead messages of the project.
        #[arg(long)]
        dead: bool,
        /// Only dead ones to this endpoint, or about this repository.
        #[arg(long, default_value = "", hide_default_value = true, conflicts_with = "id")]
        receiver: String,
        /// Only dead ones that are younger, such as 12h or 2d.
        #[arg(long, value_parser = humantime::parse_duration, conflicts_with = "id")]
        since: Option<Duration>,
    },
    /// Give up a message that waits or is dead.
    Drop {
        /// Id of the message.
        id: String,
    },
}
