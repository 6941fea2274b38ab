//! Containers that do not start, or end.

pub(super) mod app_crashes;
pub(super) mod app_returns;
pub(super) mod command_not_found;
pub(super) mod container_not_started;
pub(super) mod exec_format;
pub(super) mod init_fails;
pub(super) mod job_failed;
pub(super) mod liveness_kills;
pub(super) mod native_crash;
pub(super) mod not_executable;
pub(super) mod out_of_memory;
pub(super) mod startup_probe;
