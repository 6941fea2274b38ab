//! Judges a release by what a cluster shows of it.
//!
//! Pure: time is an argument, and no function asks the cluster. [`problem`] holds all that is known to go
//! wrong.

pub mod blocked;
pub mod health;
pub mod judge;
pub mod problem;
pub mod report;
pub mod snapshot;
