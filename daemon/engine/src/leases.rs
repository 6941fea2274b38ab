//! Leases that one run has, one for each cluster: they are renewed, and no write is sent without one that was renewed
//! just now.
//!
//! A process that was stopped for a while goes on where it was. By then another one may have its leases, so each write
//! looks at the time first, and not only at what a task in the background last found.

use crate::ports::{Acquired, LEASE, LeaseHolder, Leases, Renewed};
use futures::future::join_all;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::{pending, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    time::{Instant, sleep_until, timeout},
};
use windlass_model::{
    clock::now_ms,
    error::{ClusterError, NotYet},
    job::Release,
};

/// Time between two renewals, also of a release that holds for days: each is one small write, as each node's kubelet sends
/// them at the same pace. Less often would let whoever waits for a daemon that is gone wait longer than [`LEASE`].
const EVERY: Duration = Duration::from_secs(10);

/// Age of a renewal after which a write waits for the next. What is left of [`LEASE`] is for a request on its way.
const FRESH: Duration = Duration::from_secs(20);

/// Pause after a renewal that failed.
const AGAIN: Duration = Duration::from_secs(2);

/// Time in which a lease is given back. It ends by itself, too.
const GIVING_BACK: Duration = Duration::from_secs(5);

/// Leases of one run.
pub struct HeldLeases {
    holder: LeaseHolder,
    /// By cluster. A cluster without an entry has none: there is nothing in it, or the account may not.
    all: Mutex<BTreeMap<String, Held>>,
    /// Whoever has one of them now.
    lost: watch::Sender<Option<String>>,
    /// It is recorded that the account may have no leases.
    is_refusal_noted: AtomicBool,
}

/// A lease in one cluster.
#[derive(Clone)]
struct Held {
    /// The release in this cluster alone.
    release: Release,
    version: String,
    /// Time at which the last renewal that succeeded was sent.
    renewed: Moment,
    /// The lease went with its namespace. There is nothing to be alone with, until somebody makes the namespace again.
    is_absent: bool,
    /// Time of the next renewal.
    next: Instant,
    /// Held by the one renewal on its way.
    renewing: Arc<AsyncMutex<()>>,
}

impl Held {
    /// Returns whether a write may be sent.
    fn is_fresh(&self) -> bool {
        self.is_absent || self.renewed.age() < FRESH
    }
}

/// Point in time by two clocks. The process's own one stands still while its machine sleeps, and the time of day can be
/// set.
#[derive(Clone, Copy)]
struct Moment {
    at: Instant,
    /// Milliseconds since 1970.
    ms: u64,
}

impl Moment {
    fn now() -> Self {
        Self { at: Instant::now(), ms: now_ms() }
    }

    /// Returns the time since then, by the clock that says more.
    fn age(&self) -> Duration {
        self.at.elapsed().max(Duration::from_millis(now_ms().abs_diff(self.ms)))
    }
}

/// Reason for which a lease is not held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotHeld {
    /// Somebody else has it: the holder, for people.
    Lost(String),
    /// The cluster cannot say.
    Cluster(ClusterError),
}

impl HeldLeases {
    /// Makes the leases of a holder, which has none yet.
    #[must_use]
    pub fn new(holder: LeaseHolder) -> Self {
        Self {
            holder,
            all: Mutex::default(),
            lost: watch::Sender::new(None),
            is_refusal_noted: AtomicBool::new(false),
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self, cluster: &str) -> Option<Held> {
        self.all().get(cluster).cloned()
    }

    /// Returns whether the run has the lease of a cluster.
    pub(crate) fn has(&self, cluster: &str) -> bool {
        self.all().contains_key(cluster)
    }

    /// Notes a refusal, and returns whether it is the first one.
    pub(crate) fn note_refusal(&self) -> bool {
        !self.is_refusal_noted.swap(true, Ordering::Relaxed)
    }

    /// Takes the lease of a release's app in its cluster, as [`Leases::acquire`] does.
    ///
    /// # Errors
    /// Errors of the cluster.
    pub async fn acquire(
        &self,
        leases: &dyn Leases,
        release: &Release,
        over: Option<&str>,
        makes_namespace: bool,
    ) -> Result<Acquired, ClusterError> {
        let sent = Moment::now();
        let acquired = leases.acquire(release, &self.holder, over, makes_namespace).await?;
        if let Acquired::Held(version) = &acquired {
            let held = Held {
                release: release.clone(),
                version: version.clone(),
                renewed: sent,
                is_absent: false,
                next: sent.at + EVERY,
                renewing: Arc::default(),
            };
            self.all().insert(release.cluster().to_owned(), held);
        }
        Ok(acquired)
    }

    /// Takes the leases of releases, each in one cluster, where nobody else has them. What fails is left to end by itself.
    pub(crate) async fn take_left(&self, leases: &dyn Leases, releases: &[Release]) {
        let takes = releases.iter().filter(|release| !self.has(release.cluster()));
        let takes = takes.map(|release| self.acquire(leases, release, None, false));
        let _ = timeout(GIVING_BACK, join_all(takes)).await;
    }

    /// Renews all leases, for ever. It returns once one is lost, with the name of its holder.
    pub async fn keep(&self, leases: &dyn Leases) -> String {
        let mut lost = self.lost.subscribe();
        let is_lost = async {
            match lost.wait_for(Option::is_some).await.ok().and_then(|lost| lost.clone()) {
                Some(holder) => holder,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            holder = is_lost => holder,
            never = self.renew_all(leases) => match never {},
        }
    }

    async fn renew_all(&self, leases: &dyn Leases) -> Infallible {
        loop {
            let latest = Instant::now() + EVERY;
            let next = self.all().values().map(|held| held.next).min();
            sleep_until(next.map_or(latest, |next| next.min(latest))).await;
            let due = self.due(Instant::now());
            // What fails is renewed again soon, and before the next write.
            join_all(due.iter().map(|cluster| self.renew(leases, cluster, EVERY))).await;
        }
    }

    /// Returns the clusters whose leases are to be renewed now.
    fn due(&self, now: Instant) -> Vec<String> {
        let all = self.all();
        all.iter().filter(|(_, held)| held.next <= now).map(|(name, _)| name.clone()).collect()
    }

    /// Returns once the lease of a cluster was renewed less than 20 s ago. Where the run has none, there is nothing
    /// to wait for.
    ///
    /// # Errors
    /// [`NotHeld`].
    pub async fn fresh(&self, leases: &dyn Leases, cluster: &str) -> Result<(), NotHeld> {
        if let Some(holder) = self.lost.borrow().clone() {
            return Err(NotHeld::Lost(holder));
        }
        if self.is_fresh(cluster) { Ok(()) } else { self.renew(leases, cluster, FRESH).await }
    }

    /// Renews all leases that were not renewed just now. A cluster that does not answer is left to the next write.
    ///
    /// # Errors
    /// The holder of one that is lost.
    pub(crate) async fn fresh_all(&self, leases: &dyn Leases) -> Result<(), String> {
        let clusters: Vec<_> = self.all().keys().cloned().collect();
        for cluster in clusters {
            if let Err(NotHeld::Lost(holder)) = self.fresh(leases, &cluster).await {
                return Err(holder);
            }
        }
        Ok(())
    }

    fn is_fresh(&self, cluster: &str) -> bool {
        self.all().get(cluster).is_none_or(Held::is_fresh)
    }

    /// Writes to a cluster. The work goes on only while the lease is fresh: also between two of its requests.
    ///
    /// # Errors
    /// The work's own, or [`NotHeld`] as `E`.
    pub async fn writing<T, E>(
        &self,
        leases: &dyn Leases,
        cluster: &str,
        not_held: impl Fn(NotHeld) -> E,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut work = pin!(work);
        loop {
            self.fresh(leases, cluster).await.map_err(&not_held)?;
            let worked = poll_fn(|context| {
                if !self.is_fresh(cluster) || self.lost.borrow().is_some() {
                    return Poll::Ready(None);
                }
                work.as_mut().poll(context).map(Some)
            });
            if let Some(done) = worked.await {
                return done;
            }
        }
    }

    /// Renews the lease of a cluster, unless that was done less than `age` ago.
    async fn renew(
        &self,
        leases: &dyn Leases,
        cluster: &str,
        age: Duration,
    ) -> Result<(), NotHeld> {
        let Some(held) = self.held(cluster) else { return Ok(()) };
        let _one = held.renewing.lock().await;
        // Somebody else may have renewed it meanwhile.
        let is_due = |held: &Held| held.is_absent || held.renewed.age() >= age;
        let Some(held) = self.held(cluster).filter(is_due) else { return Ok(()) };
        if held.is_absent {
            return self.renew_gone(leases, cluster, &held).await;
        }
        let sent = Moment::now();
        match leases.renew_lease(&held.release, &self.holder, &held.version).await {
            Ok(Renewed::Held(version)) => {
                self.note(cluster, version, sent);
                Ok(())
            }
            Ok(Renewed::Lost(holder)) => Err(self.lose(holder)),
            Ok(Renewed::Gone) => self.renew_gone(leases, cluster, &held).await,
            // The right was taken away: the release goes on, as one that never had it.
            Err(ClusterError::Forbidden { .. }) => {
                self.all().remove(cluster);
                Ok(())
            }
            Err(error) => {
                if let Some(held) = self.all().get_mut(cluster) {
                    held.next = Instant::now() + AGAIN;
                }
                Err(NotHeld::Cluster(error))
            }
        }
    }

    /// Takes a lease again that is gone. After its time somebody else may have had it, and given it back.
    async fn renew_gone(
        &self,
        leases: &dyn Leases,
        cluster: &str,
        held: &Held,
    ) -> Result<(), NotHeld> {
        if !held.is_absent && held.renewed.age() >= LEASE {
            return Err(self.lose("somebody who has given it back by now".into()));
        }
        let sent = Moment::now();
        match leases.acquire(&held.release, &self.holder, None, false).await {
            Ok(Acquired::Held(version)) => self.note(cluster, version, sent),
            Ok(Acquired::By { holder, .. } | Acquired::Void { holder, .. }) => {
                return Err(self.lose(holder));
            }
            // The release may make its namespace again, and hold for days in it.
            Ok(Acquired::NoNamespace)
            | Err(ClusterError::NotYet { why: NotYet::Terminating, .. }) => {
                if let Some(held) = self.all().get_mut(cluster) {
                    held.is_absent = true;
                    held.next = Instant::now() + EVERY;
                }
            }
            Ok(Acquired::Refused(_)) | Err(ClusterError::Forbidden { .. }) => {
                self.all().remove(cluster);
            }
            Err(error) => {
                if let Some(held) = self.all().get_mut(cluster) {
                    held.next = Instant::now() + AGAIN;
                }
                return Err(NotHeld::Cluster(error));
            }
        }
        Ok(())
    }

    fn note(&self, cluster: &str, version: String, sent: Moment) {
        if let Some(held) = self.all().get_mut(cluster) {
            held.version = version;
            held.renewed = sent;
            held.is_absent = false;
            held.next = sent.at + EVERY;
        }
    }

    fn lose(&self, holder: String) -> NotHeld {
        self.lost.send_replace(Some(holder.clone()));
        NotHeld::Lost(holder)
    }

    /// Gives all leases back, side by side. One that cannot be given back ends by itself.
    pub async fn give_back(&self, leases: &dyn Leases) {
        let clusters: Vec<_> = self.all().keys().cloned().collect();
        let back = clusters.iter().map(|cluster| self.give_one_back(leases, cluster));
        let _ = timeout(GIVING_BACK, join_all(back)).await;
        self.all().clear();
    }

    /// Gives the lease of a cluster back, after a renewal on its way: that one would find it gone, and take it again.
    async fn give_one_back(&self, leases: &dyn Leases, cluster: &str) {
        let Some(held) = self.held(cluster) else { return };
        let _one = held.renewing.lock().await;
        let held = self.all().remove(cluster);
        let Some(held) = held else { return };
        let _ = leases.give_back(&held.release, &self.holder).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{cluster::DEFAULT, samples};

    /// By its own clock it was renewed just now.
    #[tokio::test(start_paused = true)]
    async fn no_lease_is_fresh_on_a_machine_that_slept() {
        let held = HeldLeases::new(LeaseHolder::new("a", "job-1"));
        for (slept_ms, is_fresh) in [(0, true), (60_000, false)] {
            let renewed = Moment { ms: now_ms() - slept_ms, ..Moment::now() };
            let one = Held {
                release: samples::release(),
                version: "1".into(),
                renewed,
                is_absent: false,
                next: renewed.at + EVERY,
                renewing: Arc::default(),
            };
            held.all().insert(DEFAULT.into(), one);
            assert_eq!(held.is_fresh(DEFAULT), is_fresh, "{slept_ms}");
        }
    }
}
