//! Run of one job: recording, masking, stopping and the time limit, which all stages share.

use crate::{
    failure::{Cause, Failure},
    journal::{Journal, JournalLost},
    leases::HeldLeases,
    logs::{LogLimits, Logged},
    news::News,
    ports::LeaseHolder,
    queue::Need,
    recorder::Recorder,
    slots::{Slot, Slots},
};
use futures::FutureExt;
use std::{
    any::Any,
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use windlass_model::{
    app::App,
    approval::Approvals,
    contraction::Contraction,
    event::Event,
    job::{Release, Stage},
    outcome::Stop,
    pause::Interventions,
    plan::Cursor,
    secret::Secret,
};

/// One job's run in one life of the daemon.
pub struct Run {
    recorder: Recorder,
    stop: watch::Receiver<Option<Stop>>,
    /// Time by which the plan must be made, and the limit that it comes from. `None` means no limit.
    deadline: Option<(Instant, Duration)>,
    /// `None` means that the work waits for nobody.
    slots: Option<Slots>,
    approvals: Approvals,
    /// `None` means that no news come.
    news: Option<watch::Receiver<u64>>,
    /// The journal shows the begin of a pause, and not its end.
    shows_pause: AtomicBool,
    /// All requests go to the new version: a newer job of the app waits for this one.
    is_switched: AtomicBool,
    /// Attempts that the journal shows, by their reason.
    attempts: BTreeMap<String, u32>,
    leases: HeldLeases,
}

impl Run {
    /// Makes a run. `deadline` is the time by which the plan must be made, and the limit that it comes from.
    /// `None` means no limit.
    #[must_use]
    pub fn new(
        journal: Arc<dyn Journal>,
        stop: watch::Receiver<Option<Stop>>,
        deadline: Option<(Instant, Duration)>,
    ) -> Self {
        let (recorder, approvals) = (Recorder::new(journal), Approvals::default());
        Self {
            recorder,
            stop,
            deadline,
            slots: None,
            approvals,
            news: None,
            shows_pause: AtomicBool::new(false),
            is_switched: AtomicBool::new(false),
            attempts: BTreeMap::new(),
            leases: HeldLeases::new(LeaseHolder::new("", "")),
        }
    }

    /// Returns the run as one that gets slots for its work. Without them a run waits for nobody.
    #[must_use]
    pub fn with_slots(self, slots: Slots) -> Self {
        Self { slots: Some(slots), ..self }
    }

    /// Returns the run as one that has leases by the names of its daemon and its job. Without this call they have no name.
    #[must_use]
    pub fn with_holder(self, daemon: &str, job: &str) -> Self {
        Self { leases: HeldLeases::new(LeaseHolder::new(daemon, job)), ..self }
    }

    /// Returns the leases of this run.
    pub(crate) fn leases(&self) -> &HeldLeases {
        &self.leases
    }

    /// Returns the run as one that knows these approvals. Without this call it knows none.
    #[must_use]
    pub fn with_approvals(self, approvals: Approvals) -> Self {
        Self { approvals, ..self }
    }

    /// Returns the run as one that goes on with this journal of earlier runs. A pause that it shows is not recorded
    /// again, and attempts are counted on.
    #[must_use]
    pub fn with_past(self, journal: &[Event]) -> Self {
        let last = journal.iter().rev().find_map(|event| match event {
            Event::Paused { .. } => Some(true),
            Event::Resumed { .. } => Some(false),
            _ => None,
        });
        let attempts = journal.iter().filter_map(|event| match event {
            Event::Retrying { attempt, because, .. } => Some((because.clone(), *attempt)),
            _ => None,
        });
        let attempts = attempts.collect();
        Self { shows_pause: AtomicBool::new(last.unwrap_or(false)), attempts, ..self }
    }

    /// Returns the attempt that earlier runs came to for a reason: 1 where there was none.
    pub(crate) fn attempt(&self, because: &str) -> u32 {
        self.attempts.get(because).copied().unwrap_or(1)
    }

    /// Returns the run as one to which news come: the number changes when somebody approved, paused or resumed.
    /// Without this call the run looks for it now and then.
    #[must_use]
    pub fn with_news(self, news: watch::Receiver<u64>) -> Self {
        Self { news: Some(news), ..self }
    }

    /// Returns the news of this run. Those that came since its begin are new.
    pub(crate) fn news(&self) -> News {
        News::new(self.news.clone())
    }

    /// Returns what people said about the job until now.
    ///
    /// # Errors
    /// [`JournalLost`] means that the caller touches nothing more.
    pub(crate) async fn interventions(&self) -> Result<Interventions, JournalLost> {
        self.recorder.interventions().await
    }

    /// Returns whether the journal shows the begin of a pause, and not its end.
    pub(crate) fn shows_pause(&self) -> bool {
        self.shows_pause.load(Ordering::Relaxed)
    }

    /// Notes that the journal shows the begin of a pause, or its end.
    pub(crate) fn note_pause(&self, shows: bool) {
        self.shows_pause.store(shows, Ordering::Relaxed);
    }

    /// Reports whether a newer job of the app may end the release that is under way.
    pub(crate) fn gives_way(&self, gives_way: bool) {
        if let Some(slots) = &self.slots {
            slots.gives_way(gives_way);
        }
    }

    /// Notes that all requests are switched to the new version: from now on no newer job ends this one.
    pub(crate) fn note_switch(&self) {
        self.is_switched.store(true, Ordering::Relaxed);
    }

    /// Returns whether this reason ends the job.
    pub(crate) fn heeds(&self, stop: &Stop) -> bool {
        !matches!(stop, Stop::Superseded { .. }) || !self.is_switched.load(Ordering::Relaxed)
    }

    pub(crate) fn approvals(&self) -> &Approvals {
        &self.approvals
    }

    /// Waits for a slot, within the job's time limit. `None` means that the run needs none.
    ///
    /// # Errors
    /// [`Cause::Stopped`].
    pub(crate) async fn slot(&self, need: Need) -> Result<Option<Slot>, Cause> {
        let Some(slots) = &self.slots else { return Ok(None) };
        self.in_time(async { Ok::<_, Cause>(Some(slots.take(need).await)) }).await
    }

    /// Takes the slot of a plan that an earlier run began: what is half made waits for nobody. `None` means that
    /// the run needs none.
    pub(crate) fn slot_for_plan(&self, need: Need) -> Option<Slot> {
        self.slots.as_ref().map(|slots| slots.take_at_once(need))
    }

    /// Bounds log lines by these limits, of which earlier runs of the job have used `logged`. Without this
    /// call a run has the default limits.
    #[must_use]
    pub fn with_log_limits(self, limits: LogLimits, logged: &BTreeMap<Stage, Logged>) -> Self {
        self.recorder.limit_logs(limits, logged);
        self
    }

    /// Returns the recorder, for adapters.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Masks more secrets, from now on, in all that is recorded.
    pub fn mask(&self, more: impl IntoIterator<Item = Secret>) {
        self.recorder.mask(more);
    }

    /// Masks more secrets, as [`Run::mask`] does. Many bytes are read by a thread of their own.
    pub(crate) async fn mask_all(&self, more: Vec<Secret>) {
        self.recorder.masks().add_all(more).await;
    }

    /// Runs a stage, which may be dropped at any await when the job is stopped.
    ///
    /// # Errors
    /// [`Failure`] of the stage. [`Cause::Stopped`] and [`Cause::JournalLost`] end the stage early.
    pub async fn stage<T, E: Into<Cause>>(
        &self,
        at: Stage,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        // Boxed: each of the layers around it would hold it once more, and overflow the thread's stack.
        let work = self.in_time(Box::pin(work));
        self.recorded(at, Event::Started(at), work, Event::Finished(at)).await
    }

    /// Takes one step of a plan, and records it so that a restart knows where to go on. A failure is one of
    /// the stage `at`.
    ///
    /// # Errors
    /// [`Failure`] of the step. [`Cause::JournalLost`] ends the step early.
    pub async fn step<T>(
        &self,
        at: Stage,
        cursor: Cursor,
        description: String,
        work: impl Future<Output = Result<T, Cause>>,
    ) -> Result<T, Failure> {
        let started = Event::StepStarted(cursor, description);
        self.recorded(at, started, Box::pin(work), Event::StepFinished(cursor)).await
    }

    /// Does work between two events. A panic in the work costs this job alone.
    async fn recorded<T>(
        &self,
        at: Stage,
        before: Event,
        work: impl Future<Output = Result<T, Cause>>,
        after: Event,
    ) -> Result<T, Failure> {
        let recorded = async {
            self.record(before).await?;
            // Adapters record without an answer: a journal that is lost meanwhile ends their work here.
            let value = tokio::select! {
                biased;
                lost = self.recorder.lost() => Err(Cause::JournalLost(lost)),
                caught = caught(work) => {
                    caught.unwrap_or_else(|message| Err(Cause::Panicked(message)))
                }
            }?;
            self.record(after).await?;
            Ok(value)
        };
        recorded.await.map_err(|cause| Failure { at, cause })
    }

    async fn in_time<T, E: Into<Cause>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Cause> {
        let Some((deadline, limit)) = self.deadline else { return self.unless_stopped(work).await };
        let in_time = tokio::time::timeout_at(deadline, self.unless_stopped(work)).await;
        in_time.unwrap_or(Err(Cause::Stopped(Stop::TimedOut { seconds: limit.as_secs() })))
    }

    /// Does `work`, unless the job is asked to stop first.
    ///
    /// # Errors
    /// The error of `work`, or [`Cause::Stopped`].
    pub async fn unless_stopped<T, E: Into<Cause>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Cause> {
        tokio::select! {
            biased;
            why = self.stopped() => Err(Cause::Stopped(why)),
            done = work => done.map_err(Into::into),
        }
    }

    /// Waits until the job is asked to stop, and returns the reason.
    pub(crate) async fn stopped(&self) -> Stop {
        let mut stop = self.stop.clone();
        let is_heeded = |stop: &Option<Stop>| stop.as_ref().is_some_and(|why| self.heeds(why));
        match stop.wait_for(is_heeded).await.ok().and_then(|why| why.clone()) {
            Some(why) => why,
            None => std::future::pending().await,
        }
    }

    /// Records an event: nothing happens unrecorded.
    ///
    /// # Errors
    /// [`JournalLost`] means that the caller touches nothing more.
    pub async fn record(&self, event: Event) -> Result<(), JournalLost> {
        self.recorder.append(event).await
    }
}

/// Does work, where a panic costs its job alone.
///
/// # Errors
/// The message of a panic. Its place is in the daemon's own log.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| panic_message(&*panic))
}

/// Returns the message of a panic. The place is in the daemon's own log.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

impl Run {
    /// Returns the app's last release that succeeded in a cluster. `None` means that there is none.
    ///
    /// # Errors
    /// [`JournalLost`] means that the caller touches nothing more.
    pub async fn last_release(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Release>, JournalLost> {
        self.recorder.last_release(app, cluster).await
    }

    /// Returns when a part of a migration was done, in milliseconds since 1970. `None` means that none of this key was.
    pub(crate) async fn migrated(
        &self,
        app: &App,
        cluster: &str,
        key: &str,
    ) -> Result<Option<u64>, JournalLost> {
        self.recorder.migrated(app, cluster, key).await
    }

    /// Returns the last contraction of an app's data in a cluster. `None` means that there was none.
    pub(crate) async fn contraction(
        &self,
        app: &App,
        cluster: &str,
    ) -> Result<Option<Contraction>, JournalLost> {
        self.recorder.contraction(app, cluster).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Refuses its second event, and takes all others.
    #[derive(Default)]
    struct Hiccup(AtomicUsize);

    #[async_trait]
    impl Journal for Hiccup {
        async fn append(&self, _: Event) -> Result<(), JournalLost> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                1 => Err(JournalLost::Unavailable("a full disk".into())),
                _ => Ok(()),
            }
        }

        async fn last_release(&self, _: &App, _: &str) -> Result<Option<Release>, JournalLost> {
            Ok(None)
        }
    }

    /// Also where a task of an adapter loses it, and though the store is back at once.
    #[tokio::test]
    async fn a_journal_that_was_lost_once_ends_the_run() {
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(Hiccup::default()), stop, None);
        let recorder = run.recorder().clone();
        let work = async {
            tokio::spawn(async move { recorder.log_line(Stage::Build, "s", "refused").await });
            std::future::pending::<Result<(), Cause>>().await
        };
        let failure = run.stage(Stage::Build, work).await.unwrap_err();
        assert!(matches!(failure.cause, Cause::JournalLost(_)), "{failure}");
        run.record(Event::Finished(Stage::Build)).await.unwrap_err();
    }
}
