//! From what a cluster shows of a release to a verdict.
//!
//! Pure: time is an argument, and nothing is asked. [`problem`] holds all that is known to go wrong.

pub mod blocked;
pub mod health;
pub mod judge;
pub mod problem;
pub mod report;
pub mod snapshot;
