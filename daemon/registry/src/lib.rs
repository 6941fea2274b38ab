//! Logins at registries that projects bring: which ones the operator allows, and whether one is accepted. Deletes images of
//! the operator's registry, too.
//!
//! The check follows Docker's registry protocol (distribution's `spec/auth/token`). A registry is a stranger's server:
//! it may answer anything, slowly, or lead elsewhere.

mod challenge;
mod check;
mod delete;
mod fault;
mod rules;

pub use challenge::token_server;
pub use check::{Attempt, Checker};
pub use delete::{Deleted, Deletion};
pub use fault::Fault;
pub use rules::Rules;
