//! Sends messages about jobs: commit statuses to forges, webhooks to endpoints of projects, results to the queue that a
//! job came from.
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
mod pace;
mod requests;
mod resolve;
mod sender;
mod settings;
#[cfg(test)]
mod tests;
mod tokens;
mod verdict;
mod work;

pub use allow::{Allow, AllowError};
pub use health::UnwellEndpoints;
pub use sender::{Ports, Sender};
pub use settings::OutgoingSettings;
