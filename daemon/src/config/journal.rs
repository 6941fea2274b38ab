//! Room and limits of the journal.

use schemars::JsonSchema;
use serde::Deserialize;
use windlass_engine::logs::{LogLimits, Logged};

/// Room for the journal on its disk.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Journal {
    /// MiB that a file beside the journal keeps free, an eighth of the disk at most. When the disk is full, the
    /// file is deleted: running jobs record their end, and no job is accepted until there is room again. 0
    /// means no reserve.
    pub(crate) reserve_mib: u64,
    /// MiB that must be free before a job starts, 5 % of the disk at most. 0 means that jobs start in any case.
    pub(crate) min_free_mib: u64,
}

impl Default for Journal {
    fn default() -> Self {
        Self { reserve_mib: 64, min_free_mib: 16 }
    }
}

/// Limits of a job's log lines. Lines beyond a limit are left out, and the log says so; the last lines of each
/// stage are kept in any case.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Logs {
    /// Lines of one stage.
    pub(crate) stage_lines: u64,
    /// MiB of one stage.
    pub(crate) stage_mib: u64,
    /// Lines of all stages of a job.
    pub(crate) job_lines: u64,
    /// MiB of all stages of a job.
    pub(crate) job_mib: u64,
    /// Last lines of a stage that are kept beyond its limit, 256 KiB at most.
    pub(crate) end_lines: u64,
}

impl Default for Logs {
    fn default() -> Self {
        let LogLimits { stage, job, end } = LogLimits::default();
        Self {
            stage_lines: stage.lines,
            stage_mib: stage.bytes >> 20,
            job_lines: job.lines,
            job_mib: job.bytes >> 20,
            end_lines: end.lines,
        }
    }
}

impl Logs {
    pub(crate) fn limits(self) -> LogLimits {
        LogLimits {
            stage: Logged { lines: self.stage_lines, bytes: self.stage_mib << 20 },
            job: Logged { lines: self.job_lines, bytes: self.job_mib << 20 },
            end: Logged { lines: self.end_lines, bytes: LogLimits::default().end.bytes },
        }
    }
}
