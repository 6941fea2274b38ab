//! Checks of a new version before it gets requests: it is asked for a page.

use crate::{deploy::Deploy, failure::Cause};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use windlass_model::job::Release;

/// Time in which a server may begin to answer well.
const WARMING_UP: Duration = Duration::from_secs(30);

/// Pause between two tries.
const AGAIN: Duration = Duration::from_secs(2);

impl Deploy<'_> {
    /// Asks the new version for its page until the answer is a 2xx or a 3xx. A server that is not up yet, which refuses
    /// connections or answers with a 5xx, is asked again for a while. A cluster that does not answer is waited out.
    pub(super) async fn check_web(&self, release: &Release) -> Result<(), Cause> {
        let path = release.runtime.strategy.check.as_deref().unwrap_or("/");
        let ask = || async {
            let answer = self.ports.web_check.ask(release, path).await;
            answer.map_err(|error| Cause::applying(error, release))
        };
        let mut failing = None;
        loop {
            let answer = self.run.retrying(ask).await?;
            if (200..400).contains(&answer.status) {
                return Ok(());
            }
            let since = *failing.get_or_insert_with(Instant::now);
            if answer.status < 500 || since.elapsed() >= WARMING_UP {
                return Err(Cause::Check {
                    release: Box::new(release.clone()),
                    path: path.to_owned(),
                    status: answer.status,
                    body: answer.body,
                });
            }
            sleep(AGAIN).await;
        }
    }
}
