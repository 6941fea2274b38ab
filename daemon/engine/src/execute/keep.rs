//! Keeps what the previous release has for a while: stored work deletes it later.

use crate::{deploy::Deploy, failure::Cause};
use std::time::Duration;
use windlass_model::{clock::now_ms, event::Event, job::Release};

impl Deploy<'_> {
    /// Records that what the previous release has is kept for this time.
    pub(super) async fn keep(&self, release: &Release, within: Duration) -> Result<(), Cause> {
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let until_ms = now_ms().saturating_add(within_ms);
        let release = Box::new(release.clone());
        Ok(self.run.record(Event::Kept { release, until_ms }).await?)
    }
}
