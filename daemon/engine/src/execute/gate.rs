//! Gates within a release: it waits until a person approves a larger share of requests for the new version.

use crate::{deploy::Deploy, failure::Cause, pipeline::release_digest};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use windlass_model::{
    approval::{Approval, Hold, Passage},
    clock::{end_of, now_ms},
    event::Event,
    job::{Gate, Release},
    outcome::Stop,
};

impl Deploy<'_> {
    /// Waits for an approval of exactly this release at this weight. New pods have to be well meanwhile. The run goes on
    /// all the while: it has pods to watch.
    pub(super) async fn await_approval(
        &self,
        release: &Release,
        weight: u32,
        within: Duration,
    ) -> Result<(), Cause> {
        let (gate, digest) = (Gate::Traffic, digest(release, weight)?);
        let until_ms = match self.run.approvals().passage(gate, &digest) {
            Passage::Recorded => return Ok(()),
            Passage::Approved(approval) => return self.approved(approval.clone()).await,
            Passage::Closed { until_ms } => until_ms,
        };
        let until_ms = until_ms.unwrap_or_else(|| end_of(within));
        let left = Duration::from_millis(until_ms.saturating_sub(now_ms()));
        let end = Instant::now() + left.min(within);
        let hold = Hold { gate, digest: digest.clone(), until_ms };
        self.run.record(Event::Held { gate, digest, until_ms }).await?;
        let each: Vec<_> = release.each().collect();
        let beside: Vec<_> = each.iter().collect();
        let mut news = self.run.news();
        let waited = async {
            loop {
                if let Some(approval) = self.approval(&hold).await? {
                    return Ok::<_, Cause>(Some(approval));
                }
                news.wait().await;
            }
        };
        let approval = tokio::select! {
            biased;
            cause = self.guard(&beside) => return Err(cause),
            approval = waited => approval?,
            // An approval that came just now may not have been looked at.
            () = sleep_until(end) => self.approval(&hold).await?,
        };
        match approval {
            Some(approval) => self.approved(approval).await,
            None => Err(Cause::Stopped(Stop::NotApproved { seconds: within.as_secs() })),
        }
    }

    /// Returns the approval of what waits. `None` means that nobody approved it in time.
    async fn approval(&self, hold: &Hold) -> Result<Option<Approval>, Cause> {
        let mut given = self.heard().await?.approvals.into_iter();
        Ok(given.find(|one| hold.is_approved_by(one)))
    }

    async fn approved(&self, approval: Approval) -> Result<(), Cause> {
        let Approval { gate, digest, by, note, .. } = approval;
        Ok(self.run.record(Event::Approved { gate, digest, by, note }).await?)
    }
}

/// Returns the SHA-256 of a release's digest and a weight, in hex: an approval of one share is none of another.
fn digest(release: &Release, weight: u32) -> Result<String, Cause> {
    let approved = format!("{}:{weight}", release_digest(release)?);
    Ok(hex::encode(Sha256::digest(approved)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{runtime::Track, samples};

    #[test]
    fn an_approval_is_of_one_share_in_whichever_cluster() {
        let release = samples::release();
        let at = |weight| digest(&release, weight).unwrap();
        assert_eq!(at(25).len(), 64);
        assert_ne!(at(25), at(50));
        assert_eq!(digest(&release.aside(Track::Blue, 7), 25).unwrap(), at(25));
    }
}
