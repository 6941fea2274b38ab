//! The storage port on SQLite: jobs and their journals, claims, due work, releases, sealed secrets.
//!
//! One daemon, one file, one writer task that commits waiting events together. Log lines are committed
//! without waiting for the disk. Every other event waits until it and the lines before it are on the disk.

mod error;
mod logins;
mod memory;
mod private;
mod receiver;
mod seal;
mod sqlite;
mod upcast;

pub use memory::MemoryStore;
pub use seal::Key;
pub use sqlite::SqliteStore;
