//! The journal on SQLite: jobs, events, releases, sealed secrets, work that is due later.
//!
//! One daemon, one file, one writer task that commits what has come together. Lines of logs are
//! committed without waiting for the disk; every other event waits, and takes the lines before it
//! along.

mod due;
mod error;
mod jobs;
mod journal;
mod ports;
mod releases;
mod seal;
mod secrets;
mod store;
mod writer;

#[cfg(test)]
mod tests;

pub use due::Work;
pub use error::StoreError;
pub use journal::JobJournal;
pub use seal::Key;
pub use store::Store;
