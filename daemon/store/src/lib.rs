//! The journal on SQLite: jobs, events, releases, sealed secrets, work that is due later.
//!
//! One daemon, one file, one writer task that commits what has come together. Lines of logs are
//! committed without waiting for the disk; every other event waits, and takes the lines before it
//! along.

mod due;
mod error;
mod jobs;
mod journal;
mod releases;
mod seal;
mod secrets;
mod store;
mod writer;

pub use due::Work;
pub use error::StoreError;
pub use jobs::{Filter, JobRecord, State, Submission, Submitted};
pub use journal::{JobJournal, Recorded};
pub use seal::Key;
pub use secrets::SecretRecord;
pub use store::Store;
