//! Actions of hooks and parts of migrations: a `Job` of the new image, or a command in one of its pods.

mod action;
mod job;
mod migration;
mod seen;
mod turn;
mod wait;

pub(crate) use action::{exec, run_job};
pub(crate) use job::HookJob;
pub(crate) use migration::migrate;
