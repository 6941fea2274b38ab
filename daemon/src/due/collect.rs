//! Releases that are kept no more: they are forgotten, and their images deleted where the operator wants that.

use super::{AGAIN_MS, DueLoop, UNKNOWN_MS, kept::Kept};
use std::collections::BTreeSet;
use windlass_engine::ports::store::{COLLECTED_REMEMBERED, Collected, StoreError};
use windlass_model::{app::App, clock::now_ms};
use windlass_registry::Deleted;

/// Releases that are read at once, and that are forgotten in one transaction.
const PAGE: u32 = 100;

/// Milliseconds between the end of a release and the deletion of its image: a rollback that was accepted just before is
/// there by then.
const GRACE_MS: u64 = 3_600_000;

/// Failures after which the registry is left alone until the next attempt.
const MOST_FAILURES: usize = 3;

/// Attempts to delete an image, an hour apart.
const MOST_TRIES: u32 = 24;

/// Result of an attempt to delete an image.
enum Fate {
    /// Nobody tries again.
    Settled,
    Failed,
}

/// Releases of an app that were forgotten.
struct Forgotten {
    number: u64,
    /// Others wait until images of those before are deleted.
    are_more: bool,
}

impl DueLoop {
    /// Forgets the releases of an app that are kept no more, and returns the time at which to look again. `None` means after
    /// the next release.
    pub(super) async fn collect(&self, app: &App) -> Result<Option<u64>, String> {
        // It may lead to one of them, or come from one.
        let is_busy = self.store.has_unfinished(app).await;
        if is_busy.map_err(|error| error.to_string())? {
            return Ok(Some(now_ms() + AGAIN_MS));
        }
        let are_more = match self.forget_old(app).await {
            Ok(Forgotten { number, are_more }) => {
                if number > 0 {
                    tracing::info!(%app, forgotten = number, "releases are forgotten that are kept no more");
                }
                are_more
            }
            Err(error) => {
                tracing::warn!(%app, %error, "old releases cannot be forgotten yet");
                return Ok(Some(now_ms() + UNKNOWN_MS));
            }
        };
        let next = self.delete_images(app).await.map_err(|error| error.to_string())?;
        Ok(next.or_else(|| are_more.then(|| now_ms() + AGAIN_MS)))
    }

    async fn forget_old(&self, app: &App) -> Result<Forgotten, String> {
        let mut kept = Kept::new(self.keep_releases);
        let (mut old, mut spared) = (Vec::new(), Vec::new());
        let mut serves_nowhere = true;
        let mut before = None;
        loop {
            let page = self.store.releases(app, before.as_deref(), PAGE).await;
            let page = page.map_err(|error| error.to_string())?;
            let Some((oldest, _)) = page.last() else { break };
            before = Some(oldest.id.clone());
            for (release, _) in &page {
                serves_nowhere = serves_nowhere && self.is_removed(release).await?;
                let list = if kept.keeps(release) { &mut spared } else { &mut old };
                list.push(Collected::of(release, now_ms()));
            }
        }
        // No release of before a removal comes back: those of a preview would stay for ever, with their images.
        if serves_nowhere {
            old.append(&mut spared);
        }
        // The store remembers the newest: the oldest are tried by the time that others take their place.
        old.sort_by(|one, other| one.id.cmp(&other.id));
        let all = old.len();
        old.truncate(self.room(app).await.map_err(|error| error.to_string())?);
        let are_more = old.len() < all;
        let mut number = 0_u64;
        let slice = usize::try_from(PAGE).unwrap_or(usize::MAX);
        for some in old.chunks(slice) {
            let _turn = self.forgetting.lock().await;
            let collected = self.store.collect(app, some).await;
            number = number.saturating_add(collected.map_err(|error| error.to_string())?);
        }
        Ok(Forgotten { number, are_more })
    }

    /// Returns how many releases of an app can be forgotten now. The image of one that is remembered no more would stay for
    /// ever.
    async fn room(&self, app: &App) -> Result<usize, StoreError> {
        if self.images.is_none() {
            return Ok(usize::MAX);
        }
        let most = usize::try_from(COLLECTED_REMEMBERED).unwrap_or(usize::MAX);
        Ok(most.saturating_sub(self.store.left_images(app).await?.len()))
    }

    /// Deletes the images of releases that were forgotten, and returns the time at which to go on. `None` means that none
    /// is left to delete, or that no image is to be deleted.
    async fn delete_images(&self, app: &App) -> Result<Option<u64>, StoreError> {
        if self.images.is_none() {
            return Ok(None);
        }
        let mut next: Option<u64> = None;
        let mut at = |at_ms: u64| next = Some(next.map_or(at_ms, |next: u64| next.min(at_ms)));
        let left = self.store.left_images(app).await?;
        let due_ms = |image: &Collected| image.at_ms.saturating_add(GRACE_MS);
        let now = now_ms();
        // Several releases may have had one image: it is asked for once, when the youngest of them is due.
        let young = left.iter().filter(|image| due_ms(image) > now);
        let mut passed: BTreeSet<&str> = young.map(|image| &*image.digest).collect();
        let mut failures = 0;
        for image in &left {
            let due_ms = due_ms(image);
            if due_ms > now {
                // The others are younger.
                at(due_ms);
                break;
            }
            if !passed.insert(&image.digest) {
                continue;
            }
            // A build may push the same image again, for another environment too.
            if self.is_building(app).await? {
                at(now_ms() + AGAIN_MS);
                break;
            }
            match self.delete_image(app, image).await? {
                Fate::Settled => self.store.tried_image(app, &image.digest, None).await?,
                Fate::Failed => {
                    let tries = image.tries.unwrap_or_default().saturating_add(1);
                    let is_last = tries >= MOST_TRIES;
                    if is_last {
                        let (reference, digest) = (&image.reference, &image.digest);
                        tracing::warn!(%app, reference, digest, tries, "an image stays: nobody tries to delete it again");
                    } else {
                        at(now_ms() + UNKNOWN_MS);
                    }
                    let tries = (!is_last).then_some(tries);
                    self.store.tried_image(app, &image.digest, tries).await?;
                    failures += 1;
                    if failures >= MOST_FAILURES {
                        at(now_ms() + UNKNOWN_MS);
                        break;
                    }
                }
            }
        }
        Ok(next)
    }

    async fn delete_image(&self, app: &App, image: &Collected) -> Result<Fate, StoreError> {
        let Some(images) = &self.images else { return Ok(Fate::Settled) };
        let Collected { reference, digest, .. } = image;
        // Whatever has it: a release that came back, or one of another environment. It is tried again with that one.
        if self.store.has_image(digest).await? {
            return Ok(Fate::Settled);
        }
        Ok(match images.delete(app, reference, digest).await {
            Ok(Some(Deleted::Deleted)) => {
                tracing::info!(%app, reference, digest, "an image of an old release is deleted");
                Fate::Settled
            }
            Ok(Some(Deleted::Absent)) => {
                tracing::info!(%app, reference, digest, "an image of an old release was not there any more");
                Fate::Settled
            }
            Ok(Some(Deleted::NotAllowed)) => {
                tracing::warn!(%app, reference, digest, "an image stays: the registry deletes nothing by its own settings (405)");
                Fate::Settled
            }
            // It is at a registry of the project's own, or it was brought.
            Ok(None) => Fate::Settled,
            Err(error) => {
                tracing::warn!(%app, reference, digest, error, "an image of an old release cannot be deleted yet");
                Fate::Failed
            }
        })
    }

    /// Returns whether a job is there whose images are in the same repository: of the app in any environment.
    async fn is_building(&self, app: &App) -> Result<bool, StoreError> {
        let unfinished = self.store.unfinished().await?;
        let is_same = |other: &App| other.project == app.project && other.name == app.name;
        Ok(unfinished.jobs.iter().any(|job| is_same(&job.app))
            || unfinished.unreadable.iter().any(|job| is_same(&job.app)))
    }
}
