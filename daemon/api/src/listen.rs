//! Accepts connections, with bounds: none of them costs more than its place, and none keeps a place in silence.

mod connection;
mod gate;
mod incoming;

pub(crate) use connection::{Connection, InUse, Origin};
pub(crate) use gate::Gate;
pub use gate::GateLimits;
pub(crate) use incoming::{Incoming, UnixIncoming};
