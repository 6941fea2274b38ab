//! Fake of the leases of all clusters.

use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard},
};
use windlass_engine::ports::{Acquired, LeaseHolder, Leases, Renewed};
use windlass_model::{error::ClusterError, job::Release};

/// Leases by cluster.
#[derive(Default)]
pub(crate) struct FakeLeases(Mutex<State>);

#[derive(Default)]
struct State {
    all: BTreeMap<String, Lease>,
    /// Job that had the lease of a cluster before it was taken over, and given back since.
    void: BTreeMap<String, String>,
    /// Number of writes so far, which is the version of the last.
    writes: u32,
    /// Whoever took a lease, each with its cluster.
    taken: Vec<String>,
    /// No answer comes.
    is_away: bool,
    /// Clusters without the namespace of the app.
    without_namespace: BTreeSet<String>,
    /// The account may not have any.
    is_refused: bool,
}

struct Lease {
    holder: LeaseHolder,
    version: String,
}

impl State {
    fn write(&mut self, cluster: &str, holder: LeaseHolder) -> String {
        self.writes += 1;
        let version = self.writes.to_string();
        self.all.insert(cluster.into(), Lease { holder, version: version.clone() });
        version
    }

    fn answers(&self) -> Result<(), ClusterError> {
        if self.is_away {
            return Err(ClusterError::Unreachable { message: "connection refused".into() });
        }
        Ok(())
    }
}

impl FakeLeases {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Gives the lease of a cluster to another daemon, also where somebody has it.
    pub(crate) fn give_to_another(&self, cluster: &str) {
        self.state().write(cluster, LeaseHolder::new("other", "job-9"));
    }

    /// Renews the lease of a cluster as its holder does.
    pub(crate) fn renewed_by_another(&self, cluster: &str) {
        let mut state = self.state();
        let holder = state.all[cluster].holder.clone();
        state.write(cluster, holder);
    }

    /// Lets the other daemon give the lease of a cluster back.
    pub(crate) fn end_of_another(&self, cluster: &str) {
        self.state().all.remove(cluster);
    }

    /// Lets another daemon take the lease of a cluster over, work, and give it back.
    pub(crate) fn used_by_another(&self, cluster: &str) {
        let mut state = self.state();
        let before = state.all.remove(cluster).unwrap();
        state.void.insert(cluster.into(), before.holder.job);
    }

    /// Deletes the namespace of the app in a cluster.
    pub(crate) fn end_of_namespace(&self, cluster: &str) {
        let mut state = self.state();
        state.all.remove(cluster);
        state.void.remove(cluster);
        state.without_namespace.insert(cluster.into());
    }

    /// Makes the namespace of the app in a cluster again.
    pub(crate) fn begin_of_namespace(&self, cluster: &str) {
        self.state().without_namespace.remove(cluster);
    }

    /// Lets no answer come, or lets them come again.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }

    /// Takes the right to leases from the account.
    pub(crate) fn refuse(&self) {
        self.state().is_refused = true;
    }

    /// Returns whoever has leases now, each with its cluster: `eu: bed/job-1`.
    pub(crate) fn held(&self) -> Vec<String> {
        let state = self.state();
        state.all.iter().map(|(name, lease)| format!("{name}: {}", lease.holder)).collect()
    }

    /// Returns each time that a run took a lease: `eu: bed/job-1`.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.state().taken.clone()
    }
}

#[async_trait]
impl Leases for FakeLeases {
    async fn acquire(
        &self,
        release: &Release,
        holder: &LeaseHolder,
        over: Option<&str>,
        makes_namespace: bool,
    ) -> Result<Acquired, ClusterError> {
        let mut state = self.state();
        state.answers()?;
        if state.is_refused {
            return Ok(Acquired::Refused("leases is forbidden".into()));
        }
        let cluster = release.cluster();
        if state.without_namespace.contains(cluster) {
            if !makes_namespace {
                return Ok(Acquired::NoNamespace);
            }
            state.without_namespace.remove(cluster);
        }
        if let Some(lease) = state.all.get(cluster)
            && lease.holder.job != holder.job
            && over != Some(&*lease.version)
        {
            let (holder, version) = (lease.holder.to_string(), lease.version.clone());
            return Ok(Acquired::By { holder, version });
        }
        if state.void.get(cluster) == Some(&holder.job) {
            if over.is_none() {
                let (holder, version) = ("other/job-9".into(), "void".into());
                return Ok(Acquired::Void { holder, version });
            }
            state.void.remove(cluster);
        }
        state.taken.push(format!("{cluster}: {holder}"));
        Ok(Acquired::Held(state.write(cluster, holder.clone())))
    }

    async fn renew_lease(
        &self,
        release: &Release,
        holder: &LeaseHolder,
        version: &str,
    ) -> Result<Renewed, ClusterError> {
        let mut state = self.state();
        state.answers()?;
        let Some(lease) = state.all.get(release.cluster()) else { return Ok(Renewed::Gone) };
        if lease.holder.run != holder.run {
            return Ok(Renewed::Lost(lease.holder.to_string()));
        }
        assert_eq!(lease.version, version, "nobody else wrote it");
        Ok(Renewed::Held(state.write(release.cluster(), holder.clone())))
    }

    async fn give_back(&self, release: &Release, holder: &LeaseHolder) -> Result<(), ClusterError> {
        let mut state = self.state();
        state.answers()?;
        if state.all.get(release.cluster()).is_some_and(|lease| lease.holder == *holder) {
            state.all.remove(release.cluster());
        }
        Ok(())
    }
}
