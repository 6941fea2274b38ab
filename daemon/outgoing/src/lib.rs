//! Sends messages about jobs: commit statuses to forges, webhooks to endpoints of projects, results to the queue that a
//! job came from. [`PullReader`] asks forges what became of pull requests, over the same connections.
//!
//! A message is stored with what causes it. A sender takes it, makes its text, and records each attempt. A daemon that
//! is killed between an answer and its record sends the message once more, with the same id. Nothing here touches a
//! job.

mod allow;
mod attempt;
mod facts;
#[cfg(test)]
mod fakes;
mod health;
mod lanes;
mod limits;
mod pace;
mod pulls;
mod requests;
mod resolve;
mod sender;
mod settings;
mod talk;
#[cfg(test)]
mod tests;
mod tokens;
mod verdict;
mod work;

pub use allow::{Allow, AllowError};
pub use health::UnwellEndpoints;
pub use limits::RateLimits;
pub use pulls::PullReader;
pub use sender::{Ports, Sender};
pub use settings::OutgoingSettings;
