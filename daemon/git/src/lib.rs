//! A commit's tree, the commit that a revision leads to, all refs, and the files that a push changed, fetched by a child
//! process.
//!
//! libgit2 and gix parse what a hostile server sends. They run in a process of their own, which can
//! open no file outside of its folder, no socket and no program: the daemon makes all connections. The process is
//! killed when the job is stopped, the server falls silent, or the daemon ends.

mod both;
mod by_id;
mod changed;
mod checkout;
mod child;
mod contents;
mod egress;
mod fetch;
mod folder;
mod frame;
mod limits;
mod link;
mod list;
mod local;
mod network;
mod place;
mod protocol;
mod refs;
mod remote;
mod remotes;
mod resolve;
mod session;
mod smart_http;
mod sockets;
mod submodule;
mod transport;
mod tree;
mod upload;
mod version_2;

pub use checkout::Checkouts;
pub use child::main as checkout_main;
pub use egress::Egress;
pub use limits::CheckoutLimits;
pub use protocol::reread;
