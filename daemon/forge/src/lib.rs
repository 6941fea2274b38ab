//! Formats of forges. [`verify()`] proves who sent a webhook, by its raw bytes; [`read()`] makes a
//! [`Report`](windlass_model::delivery::Report) of it. [`outgoing`] writes commit statuses and messages to endpoints.
//!
//! Everything here is bytes in, data out: nothing connects or waits. Nothing trusts a body: it says where to look, and the configured repository
//! says what is there.

mod error;
#[cfg(test)]
mod fixtures;
mod form;
pub mod headers;
mod mac;
pub mod outgoing;
mod read;
pub mod standard_webhooks;
mod verify;

pub use error::{BadKey, Unreadable, Unverified};
pub use read::read;
pub use verify::verify;
