//! Leases of a release: one run at a time works on an app in a cluster, also where daemons know nothing of each other.

use crate::{
    deploy::Deploy,
    failure::Cause,
    journal::JournalLost,
    leases::NotHeld,
    ports::{Acquired, LEASE},
    slots::Slot,
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep};
use windlass_model::{
    event::Event,
    job::{Release, Stage},
    outcome::Stop,
};

/// Time between two looks at a lease that somebody else has.
const LOOK: Duration = Duration::from_secs(3);

/// Time between two tries once there was a warning: whoever has it may wait for people, for days.
const LATER: Duration = Duration::from_secs(10);

/// Time after which a wait for somebody else is worth a warning.
const LONG: Duration = Duration::from_secs(600);

/// Steps of the job that were begun before it takes its leases.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// There are none.
    Nothing,
    /// This run began them.
    ByThisRun,
    /// An earlier run began them. This one does not know what was done since.
    ByEarlierRun,
}

/// End of one try to take all leases.
enum Taken {
    /// The run has all that there are.
    All,
    /// Somebody else has one.
    Waits {
        holder: String,
        /// Sentence about it.
        waits: String,
    },
    /// Somebody else has one, or had one meanwhile, and what the job began is void.
    Void { holder: String },
}

/// Lease of somebody else, as this run sees it.
struct Seen {
    holder: String,
    version: String,
    /// Time since which the version is the same, by this daemon's clock alone.
    since: Instant,
}

impl Deploy<'_> {
    /// Takes the lease of each cluster of a release, in one order, and waits as long as somebody else has one. None is
    /// kept meanwhile: two that each wait for what the other has would wait for ever. So is no slot. A job that has `begun`
    /// something does not wait: what it began is void, whenever the other one ends. Returns whoever was waited for last, or
    /// made it void. `None` means that nobody did.
    pub(super) async fn take_leases(
        &self,
        release: &Release,
        begun: Begun,
        slot: &mut Option<Slot>,
    ) -> Result<Option<String>, Cause> {
        let mut placed: Vec<_> = release.each().collect();
        placed.sort_by(|one, other| one.cluster().cmp(other.cluster()));
        let mut seen = BTreeMap::new();
        let began = Instant::now();
        let mut warned = false;
        let mut last = None;
        loop {
            let waits = match self.take_all(&placed, begun, &mut seen).await? {
                Taken::All => break,
                // A lease of a job that is void is not taken: where this daemon is killed now, the job's next run has
                // to find the same.
                Taken::Void { holder } => return Ok(Some(holder)),
                Taken::Waits { holder, waits } => {
                    last = Some(holder);
                    waits
                }
            };
            self.give_leases_back().await;
            *slot = None;
            if began.elapsed() >= LONG && !warned {
                warned = true;
                self.warn_of_wait(&waits).await?;
            }
            sleep(if warned { LATER } else { LOOK }).await;
        }
        if last.is_some() {
            self.take_slot(slot);
        }
        Ok(last)
    }

    /// Takes leases one after the other, until somebody else has one.
    async fn take_all(
        &self,
        placed: &[Release],
        begun: Begun,
        seen: &mut BTreeMap<String, Seen>,
    ) -> Result<Taken, Cause> {
        for release in placed {
            if self.run.leases().has(release.cluster()) {
                continue;
            }
            let before = seen.get(release.cluster());
            let over = before.filter(|before| before.since.elapsed() > LEASE);
            let over_version = over.map(|over| &*over.version);
            // A job that has begun something has its namespace, what is removed is not made first, and a contraction is of
            // what serves there.
            let makes = begun == Begun::Nothing && !self.removes() && !self.contracts();
            let mut acquired = self.acquire(release, over_version, makes).await?;
            if begun != Begun::Nothing
                && let Acquired::By { holder, .. } | Acquired::Void { holder, .. } = acquired
            {
                return Ok(Taken::Void { holder });
            }
            if let Acquired::Void { version, .. } = acquired {
                acquired = self.acquire(release, Some(&version), makes).await?;
            }
            match acquired {
                Acquired::Held(_) => {
                    if let Some(over) = over {
                        let line = format!(
                            "{} is taken over from {}, which has not renewed its lease for {} s",
                            place(release),
                            over.holder,
                            LEASE.as_secs()
                        );
                        self.run.recorder().log_line(Stage::Release, "lease", &line).await;
                    }
                }
                // It was given back again just now.
                Acquired::By { holder, version } | Acquired::Void { holder, version } => {
                    let waits = format!("{holder} has the lease of {}", place(release));
                    let is_new = before.is_none_or(|before| before.holder != holder);
                    if before.is_none_or(|before| before.version != version) {
                        let since = Instant::now();
                        let now = Seen { holder: holder.clone(), version, since };
                        seen.insert(release.cluster().to_owned(), now);
                    }
                    if is_new {
                        self.record_wait(&waits).await?;
                    }
                    return Ok(Taken::Waits { holder, waits });
                }
                Acquired::Refused(message) => {
                    if self.run.leases().note_refusal() {
                        self.warn_of_rights(release, &message).await?;
                    }
                }
                // The app was removed since, and the Lease with it, which would have shown that. The next step would
                // bring a part of it back.
                Acquired::NoNamespace if begun == Begun::ByEarlierRun && !self.removes() => {
                    let holder = format!("unknown (it deleted the namespace{})", release.place());
                    return Ok(Taken::Void { holder });
                }
                Acquired::NoNamespace if self.contracts() => {
                    let release = release.id.clone();
                    return Err(Cause::Stopped(Stop::Outdated { release }));
                }
                // A release makes its namespace; one that an admin has to make is asked for by the first step.
                Acquired::NoNamespace => {}
            }
        }
        Ok(Taken::All)
    }

    async fn acquire(
        &self,
        release: &Release,
        over: Option<&str>,
        makes: bool,
    ) -> Result<Acquired, Cause> {
        let leases = &*self.ports.leases;
        let acquire = || async {
            let acquired = self.run.leases().acquire(leases, release, over, makes).await;
            acquired.map_err(|error| Cause::applying(error, release))
        };
        self.run.retrying(acquire).await
    }

    /// Takes the leases that an earlier run of the job left, or a request that was dropped on its way: the end of this run
    /// gives them back, and the app's next job does not wait for them to end.
    pub(super) async fn take_left_leases(&self, release: &Release) {
        let placed: Vec<_> = release.each().collect();
        self.run.leases().take_left(&*self.ports.leases, &placed).await;
    }

    /// Warns that a rollback is not done: what somebody else did meanwhile stays.
    pub(super) async fn warn_of_other(&self, holder: &str) -> Result<(), JournalLost> {
        let message = format!("nothing is rolled back: {holder} worked on the app meanwhile");
        let fix = "see what serves with `windlass status`, at that daemon".to_owned();
        self.run.record(Event::Warning { stage: Stage::Release, message, fix }).await
    }

    async fn record_wait(&self, waits: &str) -> Result<(), JournalLost> {
        let because = format!("{waits}; this job goes on once it is given back");
        let after_ms = u64::try_from(LOOK.as_millis()).unwrap_or(u64::MAX);
        self.run.record(Event::Retrying { attempt: 2, after_ms, because }).await
    }

    async fn warn_of_wait(&self, waits: &str) -> Result<(), JournalLost> {
        let minutes = LONG.as_secs() / 60;
        let message = format!("{waits}, for more than {minutes} min");
        let fix = "see what that job waits for, at its daemon; this job goes on after it, or ends with `windlass cancel`";
        let fix = fix.to_owned();
        self.run.record(Event::Warning { stage: Stage::Release, message, fix }).await
    }

    /// Warns of a right that is missing. The release goes on: an installation with one daemon is as safe.
    async fn warn_of_rights(&self, release: &Release, message: &str) -> Result<(), JournalLost> {
        let message = format!(
            "nothing keeps another daemon from {} meanwhile: the account may not have leases there: {message}",
            place(release)
        );
        let fix = "apply deploy/rbac/deployer.yaml again, or grant get, create, patch and delete on `leases` of `coordination.k8s.io`";
        let fix = fix.to_owned();
        self.run.record(Event::Warning { stage: Stage::Release, message, fix }).await
    }

    /// Renews the leases of this run, for ever. It returns once one is lost.
    pub(super) async fn keep_leases(&self) -> JournalLost {
        JournalLost::Overtaken(self.run.leases().keep(&*self.ports.leases).await)
    }

    /// Returns once all leases are renewed that can be. A step is not even begun by a run that was overtaken.
    pub(super) async fn await_leases(&self) -> Result<(), Cause> {
        let renewed = self.run.leases().fresh_all(&*self.ports.leases).await;
        renewed.map_err(|holder| JournalLost::Overtaken(holder).into())
    }

    /// Returns once the lease of a release's cluster is renewed: before a deed that is not to be ended in its middle.
    pub(crate) async fn await_lease(&self, release: &Release) -> Result<(), Cause> {
        let fresh = self.run.leases().fresh(&*self.ports.leases, release.cluster()).await;
        fresh.map_err(|why| not_held(why, release))
    }

    /// Writes to a release's cluster, as long as the lease there is fresh.
    pub(crate) async fn writing<T>(
        &self,
        release: &Release,
        write: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, Cause> {
        let (leases, cluster) = (&*self.ports.leases, release.cluster());
        self.run.leases().writing(leases, cluster, |why| not_held(why, release), write).await
    }

    pub(super) async fn give_leases_back(&self) {
        self.run.leases().give_back(&*self.ports.leases).await;
    }
}

fn not_held(why: NotHeld, release: &Release) -> Cause {
    match why {
        NotHeld::Lost(holder) => JournalLost::Overtaken(holder).into(),
        NotHeld::Cluster(error) => Cause::applying(error, release),
    }
}

/// Returns the app with its cluster: `shop/web in eu`.
fn place(release: &Release) -> String {
    format!("{}{}", release.app, release.place())
}
