//! Modules of a crate as its source files declare them, and the uses between files.
//!
//! The sources are parsed, not compiled: a path is resolved by module names, and through `pub use`
//! to the file that defines the item. Code under `#[cfg(test)]` is left out.

#![allow(
    clippy::indexing_slicing,
    reason = "a check of our own sources: what cannot go on should stop"
)]

pub mod arrows;
pub mod circles;
pub mod crates;
pub mod module;
pub mod paths;
