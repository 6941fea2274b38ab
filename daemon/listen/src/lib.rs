//! Accept loops for HTTP/1.1 and HTTP/2, with bounds, and the callers that come through them.
//!
//! Each door is a service of HTTP that is served here. None of the connections costs more than its place, and none keeps
//! a place in silence.

mod callers;
mod connection;
mod gate;
mod held;
mod incoming;
mod principal;
mod proxies;
mod refused;
mod serve;
mod tls;
mod token;
mod unix;

pub use callers::{Access, Callers, Identity};
pub use connection::{Connection, InUse, Origin};
pub use gate::GateLimits;
pub use principal::Principal;
pub use proxies::{Forwarded, Proxies, ProxiesError};
pub use refused::Refused;
pub use serve::{ServeLimits, serve_tcp, serve_unix};
pub use tls::{ListenError, Tls};
pub use token::{hash_token, token_sha256};
