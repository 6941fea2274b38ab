//! What comes later is stored, not slept: one loop over what is due.

use crate::wire::PortsFactory;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use windlass_engine::recorder::Recorder;
use windlass_model::app::App;
use windlass_store::{Store, StoreError};

/// How long the loop waits at most, and at least.
const PAUSE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1));

/// A pull secret that could not be renewed is tried again after this: it is renewed long before the
/// login in it is over.
const AGAIN_MS: u64 = 60_000;

/// An app whose clusters the configuration does not name, or not any more, is looked at again after this.
const UNKNOWN_MS: u64 = 3_600_000;

/// Does what is due, for ever.
pub(crate) async fn run(store: Store, supplies: PortsFactory) {
    loop {
        let next = match round(&store, &supplies).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "due work");
                None
            }
        };
        let left =
            next.map_or(PAUSE.0, |at_ms| Duration::from_millis(at_ms.saturating_sub(now_ms())));
        tokio::time::sleep(left.clamp(PAUSE.1, PAUSE.0)).await;
    }
}

async fn round(store: &Store, supplies: &PortsFactory) -> Result<Option<u64>, StoreError> {
    let done = store.do_due_work().await?;
    if done > 0 {
        tracing::info!(done, "due work");
    }
    for app in store.pulls_due().await? {
        let next = renew(store, supplies, &app).await;
        let next = next.unwrap_or_else(|error| {
            tracing::warn!(%app, error, "the pull secret cannot be renewed yet");
            Some(now_ms() + AGAIN_MS)
        });
        // A login that is over as it comes, or cannot be had anew, is no reason to hurry.
        let next = next.map(|next| next.max(now_ms() + AGAIN_MS));
        store.renewed(&app, next).await?;
    }
    store.next_due().await
}

/// Says when it is due again.
async fn renew(store: &Store, supplies: &PortsFactory, app: &App) -> Result<Option<u64>, String> {
    let mut released = Vec::new();
    let clusters = supplies.targets.choose(app, &[], None).map(|clusters| clusters.names);
    for cluster in &clusters.unwrap_or_default() {
        let last = store.last_release(app, cluster).await.map_err(|error| error.to_string())?;
        released.extend(last.map(|release| release.at(std::slice::from_ref(cluster))));
    }
    if released.is_empty() {
        if !store.releases(app, None, 1).await.map_err(|error| error.to_string())?.is_empty() {
            tracing::warn!(%app, "the pull secret is not renewed: none of its clusters is configured");
            return Ok(Some(now_ms() + UNKNOWN_MS));
        }
        // A first release is on its way, or it never came to be.
        let unfinished = store.unfinished().await.map_err(|error| error.to_string())?;
        let is_on_its_way = unfinished.iter().any(|record| record.job.app == *app);
        return Ok(is_on_its_way.then(now_ms));
    }
    let recorder = Recorder::null();
    let mut renewed = Vec::new();
    for release in released {
        let next = supplies.cluster.renew(&release, &recorder).await;
        // One that is away does not keep the others from theirs.
        renewed.push(next.map_err(|error| format!("{error}{}", release.place())));
    }
    let renewed = renewed.into_iter().collect::<Result<Vec<_>, _>>()?;
    let next = renewed.into_iter().flatten().min();
    tracing::info!(%app, next_ms = next, "the pull secret was renewed");
    Ok(next)
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(now).unwrap_or(u64::MAX)
}
