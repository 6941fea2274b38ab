//! `windlass approve`, `reject`, `pause`, `resume` and `abort` on the command line.

use clap::Args;

pub(super) const APPROVE: &str = "Examples:
  windlass approve JOB                   # shows what waits, and asks
  windlass approve JOB --digest DIGEST   # for scripts: exactly this, and nothing that came since";

#[derive(Args)]
pub(crate) struct Approve {
    /// Id of the job.
    pub(crate) id: String,
    /// Digest of exactly what is approved, from `windlass show JOB --output json`. Without it: what waits is shown,
    /// and you are asked.
    #[arg(long)]
    pub(crate) digest: Option<String>,
    /// Note for the journal, at most 500 characters.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) note: String,
}

#[derive(Args)]
pub(crate) struct Reject {
    /// Id of the job.
    pub(crate) id: String,
    /// Note for the journal, at most 500 characters.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) note: String,
}

pub(super) const PAUSE: &str = "Examples:
  windlass pause JOB --note \"looking at the logs\"
  windlass resume JOB     # it goes on where it was
  windlass abort JOB      # what ran before is put back";

#[derive(Args)]
pub(crate) struct Intervene {
    /// Id of the job.
    pub(crate) id: String,
    /// Note for the journal, at most 500 characters.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) note: String,
}
