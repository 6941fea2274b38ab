//! Requests that the daemon sends on behalf of others.
//!
//! A name is resolved once, its addresses are checked, and the connection goes to exactly the address that was
//! checked. Each request has a connection of its own. Redirects are not followed.

mod connect;
mod error;
mod exchange;
mod loopback;
mod send;
mod trust;

pub use error::DialError;
pub use exchange::Answer;
pub use loopback::is_loopback;
pub use send::{Target, send};
pub use trust::Trust;
