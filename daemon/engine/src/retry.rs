//! Retries of work that failed, and the retry budget of each failure.

use crate::{failure::Cause, run::Run};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use windlass_model::{
    error::{BuildError, ClusterError, GitError},
    event::Event,
};

/// Seconds between tries, at most: a part that answers again is noticed soon.
const PAUSE: u64 = 5;

/// Time after which work that went on has recovered from its failure before: its retry budget begins again.
const RECOVERED: Duration = Duration::from_secs(60);

impl Run {
    /// Tries `work` again, backing off, as long as its failure may pass. A reason is recorded once, until
    /// another one follows. Work that recovers and fails again is given up too, after so many times.
    ///
    /// # Errors
    /// [`Cause`] of a failure that does not pass, or has not passed within its retry budget.
    pub async fn retrying<T, E: Into<Cause>, F: Future<Output = Result<T, E>>>(
        &self,
        mut work: impl FnMut() -> F,
    ) -> Result<T, Cause> {
        let mut attempt = 1;
        let mut recoveries = 0;
        let mut failing = None;
        let mut recorded = String::new();
        loop {
            let began = Instant::now();
            let cause = match work().await.map_err(Into::into) {
                Ok(value) => return Ok(value),
                Err(cause) => cause,
            };
            // A fetch may take so long because its server does not answer, or because the part that fails
            // comes late (a submodule): then trying would never end. A registry's connection times out as slowly.
            let is_slow =
                matches!(cause, Cause::Git(_) | Cause::Build(BuildError::Registry { .. }));
            if began.elapsed() > RECOVERED && !is_slow {
                recoveries += 1;
                if recoveries > cause.most_recoveries() {
                    return Err(cause.after_recoveries(recoveries));
                }
                (attempt, failing) = (1, None);
                recorded.clear();
            }
            let since = *failing.get_or_insert_with(Instant::now);
            if since.elapsed() >= cause.retry_budget() {
                return Err(cause);
            }
            let after = Duration::from_secs((1 << attempt.min(5)).min(PAUSE));
            attempt += 1;
            let because = cause.to_string();
            if because != recorded {
                recorded.clone_from(&because);
                let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                self.record(Event::Retrying { attempt, after_ms, because }).await?;
            }
            sleep(after).await;
        }
    }
}

impl Cause {
    /// Returns how long this failure is waited out. A cluster that does not answer may hold a half-made
    /// release, so its budget is the longest; a builder restarts in seconds; a wrong host name should be
    /// reported soon.
    fn retry_budget(&self) -> Duration {
        let of_cluster = |error: &ClusterError| match error {
            // The same times as on the pages of these problems.
            ClusterError::NotYet { .. } => 120,
            ClusterError::Unreachable { .. } | ClusterError::NotTrusted { .. } => 600,
            ClusterError::Login { .. } => 20,
            _ => 0,
        };
        Duration::from_secs(match self {
            Self::Cluster(error) => of_cluster(error),
            Self::Applying { error, .. } => of_cluster(error),
            Self::Build(BuildError::Unreachable { .. }) => 20,
            Self::Build(BuildError::Registry { .. }) => 30,
            Self::Git(GitError::Unreachable { .. }) => 6,
            // Other jobs give back what they hold.
            Self::Git(GitError::Local { .. }) => 60,
            _ => 0,
        })
    }

    /// Returns how often work may get on for a while and fail so again. What ends a builder each time, such as
    /// a step that takes all its memory, also ends everybody's builds: it is tried a few times. A cluster may
    /// come and go while a rollout of hours is watched.
    fn most_recoveries(&self) -> u32 {
        match self {
            Self::Build(_) => 3,
            Self::Cluster(_) | Self::Applying { .. } => 30,
            _ => 0,
        }
    }

    /// Adds to a failure how often it came back.
    fn after_recoveries(mut self, times: u32) -> Self {
        let often = format!("; it went on for more than a minute and failed again, {times} times");
        match &mut self {
            Self::Build(BuildError::Unreachable { message, .. }) => {
                *message = format!(
                    "{message}{often}: see whether this build ends the builder, such as by its memory"
                );
            }
            Self::Cluster(error) => add(error, &often),
            Self::Applying { error, .. } => add(error, &often),
            _ => {}
        }
        self
    }
}

fn add(error: &mut ClusterError, text: &str) {
    if let ClusterError::Unreachable { message }
    | ClusterError::NotYet { message, .. }
    | ClusterError::NotTrusted { message } = error
    {
        message.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::NullJournal;
    use std::{cell::Cell, sync::Arc};
    use tokio::{sync::watch, time::timeout};
    use windlass_model::error::NotYet;

    /// The call `Plan` of the API has no deadline of its own.
    #[tokio::test(start_paused = true)]
    async fn a_git_server_that_says_nothing_is_given_up() {
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(NullJournal), stop, None);
        let tries = Cell::new(0);
        let silent = || async {
            tries.set(tries.get() + 1);
            sleep(Duration::from_secs(120)).await;
            let repository = "https://git.example/web".into();
            let message = "silent".into();
            Err::<(), _>(GitError::Unreachable { repository, message })
        };
        let ended = timeout(Duration::from_secs(3600), run.retrying(silent)).await;
        assert!(matches!(ended, Ok(Err(Cause::Git(_)))));
        assert_eq!(tries.get(), 2);
    }

    /// Work that fails each time after it went on for `seconds`: the number of tries, and the failure.
    async fn failing_after<E: Into<Cause>>(seconds: u64, error: impl Fn() -> E) -> (u32, Cause) {
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(NullJournal), stop, None);
        let tries = Cell::new(0);
        let work = || async {
            tries.set(tries.get() + 1);
            sleep(Duration::from_secs(seconds)).await;
            Err::<(), _>(error())
        };
        let day = Duration::from_secs(86_400);
        let cause = timeout(day, run.retrying(work)).await.unwrap().unwrap_err();
        (tries.get(), cause)
    }

    /// A build that takes all the builder's memory kills everybody's builds with each try.
    #[tokio::test(start_paused = true)]
    async fn a_build_that_ends_its_builder_each_time_is_given_up() {
        let ended = || {
            let message = "transport error: connection reset".to_owned();
            BuildError::Unreachable { address: "unix:///b".into(), message }
        };
        let (tries, cause) = failing_after(61, ended).await;
        assert_eq!(tries, 4);
        assert!(cause.to_string().contains("failed again, 4 times"), "{cause}");
        assert!(cause.to_string().contains("by its memory"), "{cause}");
    }

    /// A connection that nobody answers takes the builder more than a minute to give up.
    #[tokio::test(start_paused = true)]
    async fn a_registry_that_times_out_is_tried_once_more() {
        let away = || {
            let message = "dial tcp 10.0.0.1:443: i/o timeout".to_owned();
            BuildError::Registry { host: "reg.example".into(), message, is_own: false }
        };
        assert_eq!(failing_after(90, away).await.0, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_that_comes_and_goes_is_given_up() {
        let away = || ClusterError::Unreachable { message: "connection refused".into() };
        let (tries, cause) = failing_after(70, away).await;
        assert_eq!(tries, 31);
        assert!(cause.to_string().contains("failed again, 31 times"), "{cause}");
    }

    /// The type decides how long a failure is waited out, whatever its message quotes.
    #[tokio::test(start_paused = true)]
    async fn a_failure_is_waited_out_by_its_type() {
        let began = Instant::now();
        let message = || "failed calling webhook, says a proxy".to_owned();
        let _ = failing_after(0, || ClusterError::Unreachable { message: message() }).await;
        assert!(began.elapsed() >= Duration::from_secs(600), "{:?}", began.elapsed());
        let began = Instant::now();
        let not_yet = || ClusterError::NotYet { why: NotYet::Webhook, message: message() };
        let _ = failing_after(0, not_yet).await;
        assert!(began.elapsed() < Duration::from_secs(130), "{:?}", began.elapsed());
        let began = Instant::now();
        let busy = || GitError::Local { message: "Too many open files".into() };
        let _ = failing_after(0, busy).await;
        assert!(began.elapsed() >= Duration::from_secs(60), "{:?}", began.elapsed());
    }
}
