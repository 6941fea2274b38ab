//! A commit's tree, fetched by a child process.
//!
//! libgit2 parses what a hostile server sends: it runs in a process of its own, with limits on
//! memory and file size, that is killed when the job is stopped or the server falls silent.

mod checkout;
mod child;
mod egress;
mod fetch;
mod tree;

pub use checkout::Checkouts;
pub use child::main as checkout_main;
pub use egress::Egress;
