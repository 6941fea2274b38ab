//! Keeps what the previous release has for a while: stored work deletes it later.

use crate::{deploy::Deploy, failure::Cause};
use std::time::Duration;
use windlass_model::{clock::end_of, event::Event, job::Release};

impl Deploy<'_> {
    /// Records that what the previous release has is kept for this time.
    pub(super) async fn keep(&self, release: &Release, within: Duration) -> Result<(), Cause> {
        let until_ms = end_of(within);
        let release = Box::new(release.clone());
        Ok(self.run.record(Event::Kept { release, until_ms }).await?)
    }
}
