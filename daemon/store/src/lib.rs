//! The storage port on SQLite: jobs and their journals, claims, due work, releases, sealed secrets.
//!
//! One daemon, one file, one writer task that commits what has come together. Lines of logs are
//! committed without waiting for the disk; every other event waits, and takes the lines before it
//! along.

mod error;
mod memory;
mod seal;
mod sqlite;
mod upcast;

pub use memory::MemoryStore;
pub use seal::Key;
pub use sqlite::SqliteStore;
