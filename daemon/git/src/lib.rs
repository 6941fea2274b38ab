//! A commit's tree, and the commit that a revision leads to, fetched by a child process.
//!
//! libgit2 and gix parse what a hostile server sends. They run in a process of their own, with limits on memory
//! and file size. The process is killed when the job is stopped or the server falls silent.

mod by_id;
mod checkout;
mod child;
mod contents;
mod egress;
mod fetch;
mod local;
mod place;
mod protocol;
mod remote;
mod resolve;
mod submodule;
mod tree;

pub use checkout::Checkouts;
pub use child::main as checkout_main;
pub use egress::Egress;
pub use protocol::reread;
