//! Gates: a job passes them only with an approval of exactly what comes next.

use crate::{
    deploy::Deploy,
    failure::{Cause, Failure},
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use windlass_model::{
    approval::{Approval, HELD_FOR, Hold, Passage},
    clock::end_of,
    event::Event,
    job::{Gate, Release},
    runtime::Runtime,
};

impl Deploy<'_> {
    /// Passes a gate with what has this digest. A wait means that the job has the gate, and that nobody approved.
    pub(super) async fn pass(&self, gate: Gate, digest: &str) -> Result<Option<Hold>, Failure> {
        if !self.job.gates.contains(&gate) {
            return Ok(None);
        }
        self.asked(gate, digest).await.map_err(|cause| Failure { at: gate.stage(), cause })
    }

    async fn asked(&self, gate: Gate, digest: &str) -> Result<Option<Hold>, Cause> {
        // A job that is to stop waits for nobody.
        self.run.unless_stopped(async { Ok::<_, Cause>(()) }).await?;
        match self.run.approvals().passage(gate, digest) {
            Passage::Recorded => Ok(None),
            Passage::Approved(approval) => {
                let Approval { gate, digest, by, note, .. } = approval.clone();
                self.run.record(Event::Approved { gate, digest, by, note }).await?;
                Ok(None)
            }
            Passage::Closed { until_ms } => {
                let until_ms = until_ms.unwrap_or_else(|| end_of(HELD_FOR));
                let digest = digest.to_owned();
                self.run.record(Event::Held { gate, digest: digest.clone(), until_ms }).await?;
                Ok(Some(Hold { gate, digest, until_ms }))
            }
        }
    }
}

/// Returns the digest of all that a release applies: its image, its runtime, and the app's settings for hooks. The ids
/// of its job and of its commit are no part of it, nor are the tracks, which depend on what serves when it is planned.
///
/// # Errors
/// [`Cause::Panicked`] where a defect of Windlass keeps the release from being written as JSON.
pub fn digest(release: &Release) -> Result<String, Cause> {
    let runtime = Runtime { tracks: BTreeMap::new(), aside: None, ..release.runtime.clone() };
    let applied = (&release.image.digest, &runtime, &release.hooks);
    let json = serde_json::to_vec(&applied).map_err(|error| {
        Cause::Panicked(format!("the release cannot be written as JSON: {error}"))
    })?;
    Ok(hex::encode(Sha256::digest(&json)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{app::App, job::Image, runtime::Track};

    fn release() -> Release {
        Release {
            id: "1".into(),
            app: App::new("shop", "web", "").unwrap(),
            clusters: vec!["eu".into()],
            commit: "abc".into(),
            image: Image { reference: "r/x:1".into(), digest: "sha256:1".into(), bytes: None },
            runtime: Runtime::default(),
            hooks: BTreeMap::new(),
        }
    }

    #[test]
    fn an_approval_is_of_all_that_is_applied_and_of_nothing_else() {
        let one = digest(&release()).unwrap();
        assert_eq!(one.len(), 64);
        let again = Release { id: "2".into(), commit: "def".into(), ..release() };
        assert_eq!(digest(&again).unwrap(), one, "the same release of another job");
        let mut planned = release();
        planned.runtime.tracks.insert("eu".into(), Track::Blue);
        assert_eq!(digest(&planned).unwrap(), one, "the same release, planned");
        assert_eq!(digest(&planned.aside(Track::Plain, 5)).unwrap(), one, "beside what serves");
        let image = Image { digest: "sha256:2".into(), ..release().image };
        let runtime = Runtime { user: Some(7), ..Runtime::default() };
        let hooks = BTreeMap::from([("migrate".to_owned(), "{}".to_owned())]);
        for (what, other) in [
            ("image", Release { image, ..release() }),
            ("runtime", Release { runtime, ..release() }),
            ("hooks", Release { hooks, ..release() }),
        ] {
            assert_ne!(digest(&other).unwrap(), one, "{what}");
        }
    }
}
