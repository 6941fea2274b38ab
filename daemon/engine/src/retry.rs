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

/// Time after which work that went on has recovered from its failure before.
const RECOVERED: Duration = Duration::from_secs(60);

impl Run {
    /// Tries `work` again, backing off, as long as its failure may pass. A reason is recorded once, until
    /// another one follows.
    ///
    /// # Errors
    /// [`Cause`] of a failure that does not pass, or has not passed within its retry budget.
    pub async fn retrying<T, E: Into<Cause>, F: Future<Output = Result<T, E>>>(
        &self,
        mut work: impl FnMut() -> F,
    ) -> Result<T, Cause> {
        let mut attempt = 1;
        let mut failing = None;
        let mut recorded = String::new();
        loop {
            let began = Instant::now();
            let cause = match work().await.map_err(Into::into) {
                Ok(value) => return Ok(value),
                Err(cause) => cause,
            };
            // A fetch may take so long because its server does not answer, or because the part that fails
            // comes late (a submodule): then trying would never end.
            if began.elapsed() > RECOVERED && !matches!(cause, Cause::Git(_)) {
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
            ClusterError::Unreachable { message }
                if ["being terminated", "failed calling webhook"]
                    .iter()
                    .any(|part| message.contains(part)) =>
            {
                120
            }
            ClusterError::Unreachable { .. } | ClusterError::NotTrusted { .. } => 600,
            ClusterError::Login { .. } => 20,
            _ => 0,
        };
        Duration::from_secs(match self {
            Self::Cluster(error) => of_cluster(error),
            Self::Applying { error, .. } => of_cluster(error),
            Self::Build(BuildError::Unreachable { .. }) => 20,
            Self::Git(GitError::Unreachable { .. }) => 6,
            _ => 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::NullJournal;
    use std::{cell::Cell, sync::Arc};
    use tokio::{sync::watch, time::timeout};

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
}
