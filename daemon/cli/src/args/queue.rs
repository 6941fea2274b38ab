//! `windlass queue` on the command line.

use clap::{Subcommand, builder::NonEmptyStringValueParser};

const LIST: &str = "Examples:
  windlass queue dead list
  windlass queue dead show MESSAGE         # one of them, with its body
  windlass queue dead replay --all         # once the cause is mended

The messages stay where they are. The verb \"read\" in all projects is needed.";

const REPLAY: &str = "Examples:
  windlass queue dead replay MESSAGE
  windlass queue dead replay --all

A message goes to the queue of jobs as its sender made it, and is taken from the dead ones once the broker
has it. If that breaks off, it may be in both: the id of its request makes it one job. What is wrong with
it still goes back to the dead ones. The verb \"projects\" in all projects is needed.";

#[derive(Subcommand)]
pub(crate) enum Queue {
    /// List, show, replay and drop messages that could become no job.
    #[command(subcommand)]
    Dead(Dead),
}

#[derive(Subcommand)]
pub(crate) enum Dead {
    /// List dead messages, the oldest first, each with what is wrong.
    #[command(after_long_help = LIST)]
    List {
        /// Largest number of messages, at most 200.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show a dead message: what is wrong, its properties and its body.
    Show {
        /// Id of the message.
        id: String,
    },
    /// Put dead messages into the queue once more: one by its id, or all.
    #[command(after_long_help = REPLAY)]
    Replay {
        /// Id of the message. Without it: --all.
        // To the daemon an empty one means all: a variable of a script may be empty.
        #[arg(
            required_unless_present = "all",
            conflicts_with = "all",
            value_parser = NonEmptyStringValueParser::new()
        )]
        id: Option<String>,
        /// All that are there.
        #[arg(long)]
        all: bool,
    },
    /// Delete a dead message. It does not come back.
    Drop {
        /// Id of the message.
        id: String,
    },
}

#[cfg(test)]
mod tests {
    use crate::args::Args;
    use clap::Parser;

    #[test]
    fn an_empty_id_does_not_mean_all() {
        let parse = |id: &str| Args::try_parse_from(["windlass", "queue", "dead", "replay", id]);
        assert!(parse("").is_err());
        assert!(parse("--all").is_ok() && parse("9f86d081884c7d65").is_ok());
        let of_outbox =
            |id: &str| Args::try_parse_from(["windlass", "outbox", "replay", "shop", id]);
        assert!(of_outbox("").is_err() && of_outbox("0197").is_ok());
    }
}
