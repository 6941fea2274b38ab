//! A commit's tree, and the commit that a revision leads to, fetched by a child process.
//!
//! libgit2 and gix parse what a hostile server sends. They run in a process of their own, which can
//! open no file outside of its folder, no socket and no program: the daemon makes all connections. The process is
//! killed when the job is stopped, the server falls silent, or the daemon ends.

mod by_id;
mod checkout;
mod child;
mod contents;
mod egress;
mod fetch;
mod folder;
mod frame;
mod limits;
mod link;
mod local;
mod network;
mod place;
mod protocol;
mod remote;
mod resolve;
mod session;
mod smart_http;
mod sockets;
mod submodule;
mod transport;
mod tree;
mod upload;

pub use checkout::Checkouts;
pub use child::main as checkout_main;
pub use egress::Egress;
pub use limits::CheckoutLimits;
pub use protocol::reread;
