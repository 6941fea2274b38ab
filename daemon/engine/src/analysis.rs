//! Analysis of a release by its metrics: what is measured, and what the measurements mean.

mod expression;
mod judge;

pub(crate) use expression::expression;
pub use judge::Fault;
pub(crate) use judge::Judge;
