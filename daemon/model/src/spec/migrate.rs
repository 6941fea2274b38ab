//! Keys of the migration: commands that change the app's data before a release gets requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) mod rules;

/// Migration of the app's data: commands of the new image, which run as Jobs before the release gets requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MigrateSpec {
    /// argv that prints what `expand` would do, and changes nothing. Default: nothing is printed.
    pub plan: Vec<String>,
    /// argv that makes a backup, before `expand` and before `contract`. If it fails, nothing is migrated. Default: no backup.
    pub backup: Vec<String>,
    /// The database can be restored to any time: in place of a backup the time is recorded. Default false.
    pub point_in_time: Option<bool>,
    /// argv that changes the data so that the old version and the new one can both work with it.
    pub expand: Vec<String>,
    /// argv that takes out of the data what only earlier versions work with. It runs in a job of its own, which somebody
    /// has to approve, and ends rollbacks to versions before. Default: nothing is taken out.
    pub contract: Vec<String>,
    /// Seconds for which the release has to serve before that job comes, 0–2592000. Default 86400: a day.
    pub contract_after_seconds: Option<u32>,
    /// Name of a lock. Apps of one project and environment with the same lock take turns in each cluster.
    pub lock: Option<String>,
    /// Milliseconds for which a statement waits for a lock, 0–600000, as `lock_timeout` in `PGOPTIONS`. 0 hands none over.
    /// Default 5000.
    pub lock_timeout_ms: Option<u32>,
    /// Seconds for which a statement runs, 0–21600, as `statement_timeout` in `PGOPTIONS`. 0 hands none over. Default 600.
    pub statement_timeout_seconds: Option<u32>,
    /// Tries `expand` or `contract` again, at most 3 times, if the last error that it prints is a lock timeout. Default
    /// false.
    pub retry_lock_timeouts: Option<bool>,
    /// Seconds for which each command runs, 1–21600. Default 900.
    pub timeout_seconds: Option<u32>,
}
