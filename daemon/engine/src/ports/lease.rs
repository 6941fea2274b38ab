//! Port of leases: one run at a time works on an app in a cluster, whichever daemon it is of.

use async_trait::async_trait;
use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};
use windlass_model::{error::ClusterError, job::Release};

/// Time after which the lease of a holder that does not renew it may be taken over.
pub const LEASE: Duration = Duration::from_secs(30);

/// Leases in clusters: each is of one app in one cluster. Whoever writes one names the version that it read, so that
/// of two at once one fails.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes the lease of a release's app in its cluster: where nobody has it, where the holder's job has it already, or
    /// where it still has the version `over`, which the caller saw unchanged for [`LEASE`], or was given as
    /// [`Acquired::Void`]. Clocks of others are not asked. `None` takes it from nobody. `makes_namespace` means that a
    /// missing namespace is made, as a release makes it.
    async fn acquire(
        &self,
        release: &Release,
        holder: &LeaseHolder,
        over: Option<&str>,
        makes_namespace: bool,
    ) -> Result<Acquired, ClusterError>;
    /// Renews a lease that has this version.
    async fn renew_lease(
        &self,
        release: &Release,
        holder: &LeaseHolder,
        version: &str,
    ) -> Result<Renewed, ClusterError>;
    /// Gives a lease back. One that somebody else has by now stays. One that was taken over leaves word for the job that
    /// had it, which may come back long after.
    async fn give_back(&self, release: &Release, holder: &LeaseHolder) -> Result<(), ClusterError>;
}

/// Holder of leases: one run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseHolder {
    /// Name of the daemon.
    pub daemon: String,
    /// Id of the job: its next run takes its leases at once.
    pub job: String,
    /// Word of this run alone, by which the run knows its lease again.
    pub run: String,
}

impl LeaseHolder {
    /// Makes the holder for one run of a job.
    #[must_use]
    pub fn new(daemon: &str, job: &str) -> Self {
        // The standard library's keys are random, which is all that is asked here.
        let run = format!("{:016x}", RandomState::new().build_hasher().finish());
        Self { daemon: daemon.into(), job: job.into(), run }
    }
}

impl fmt::Display for LeaseHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.daemon, self.job)
    }
}

/// Answer to who wants a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The caller has it, in this version.
    Held(String),
    /// Somebody else has it.
    By {
        /// Name of the holder, for people.
        holder: String,
        /// Version, which changes whenever the holder renews it.
        version: String,
    },
    /// Nobody has it. Somebody else took it over from the caller's job, and gave it back since.
    Void {
        /// Name of whoever had it last, for people.
        holder: String,
        /// Version.
        version: String,
    },
    /// There is no namespace to have a lease in, and so nothing of the app.
    NoNamespace,
    /// The daemon's account lacks the right. The text is the API server's.
    Refused(String),
}

/// Answer to who renews a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The caller has it, in this version.
    Held(String),
    /// Somebody else has it: the holder, for people.
    Lost(String),
    /// There is none: it was deleted, by hand or with its namespace.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_of_a_job_differ_and_have_one_name() {
        let run = || LeaseHolder::new("a", "job-1");
        assert_ne!(run(), run());
        assert_eq!(run().to_string(), "a/job-1");
    }
}
