//! Actions of hooks: a `Job` of the new image, or a command in one of its pods.

mod action;
mod job;
mod wait;

pub(crate) use action::{exec, run_job};
pub(crate) use job::HookJob;
