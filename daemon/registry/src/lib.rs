//! Logins at registries that projects bring: which ones the operator allows, and whether one is accepted.
//!
//! The check follows Docker's registry protocol (distribution's `spec/auth/token`). A registry is a stranger's server:
//! it may answer anything, slowly, or lead elsewhere.

mod challenge;
mod check;
mod fault;
mod rules;

pub use challenge::token_server;
pub use check::{Attempt, Checker};
pub use fault::Fault;
pub use rules::Rules;
