//! Actions that hooks want.

mod action;
mod job;
mod wait;

pub(crate) use action::{exec, run_job};
pub(crate) use job::HookJob;
