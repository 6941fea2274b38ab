//! Lists the releases of an app.

use crate::{caller::Caller, check, error::ServiceError, services::Services, verb::Verb};
use std::collections::BTreeSet;
use windlass_model::{app::App, job::Release};

/// Number of releases on a page by default, and at most.
const PAGE: (u32, u32) = (10, 100);

/// Choice of an app's releases.
#[derive(Clone, Debug)]
pub struct ReleasesRequest {
    pub app: App,
    /// [`ReleasePage::next`] of the page before: id of a release; only older ones are listed. `None` means that
    /// the list begins with the newest.
    pub before: Option<String>,
    /// Number of releases on a page, at most 100. 0 means 10.
    pub page_size: u32,
}

/// Page of releases, newest first.
#[derive(Clone, Debug)]
pub struct ReleasePage {
    pub releases: Vec<ListedRelease>,
    /// Id after which the next page begins. `None` means that this page is the last.
    pub next: Option<String>,
}

/// A release of a list.
#[derive(Clone, Debug)]
pub struct ListedRelease {
    pub release: Release,
    /// Time at which the release was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// The release serves in one of its clusters.
    pub is_current: bool,
}

impl Services {
    /// Returns a page of an app's releases.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a page that is too large.
    pub async fn list_releases(
        &self,
        caller: &Caller,
        request: ReleasesRequest,
    ) -> Result<ReleasePage, ServiceError> {
        let ReleasesRequest { app, before, page_size } = request;
        caller.may(Verb::Read, &app.project)?;
        let limit = check::page(page_size, PAGE.0, PAGE.1)?;
        let found = self.releases.releases(&app, before.as_deref(), limit).await?;
        let is_full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
        let next = found.last().map(|(release, _)| release.id.clone()).filter(|_| is_full);
        let clusters: BTreeSet<_> =
            found.iter().flat_map(|(release, _)| &release.clusters).collect();
        let mut current = BTreeSet::new();
        for cluster in clusters {
            let last = self.releases.last_release(&app, cluster).await?;
            current.extend(last.map(|release| release.id));
        }
        let listed = found.into_iter().map(|(release, created_ms)| {
            let is_current = current.contains(&release.id);
            ListedRelease { release, created_ms, is_current }
        });
        Ok(ReleasePage { releases: listed.collect(), next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{World, app, caller, release};

    #[tokio::test]
    async fn a_release_is_current_where_it_serves() {
        let world = World::new();
        world.released(release("job-1", "one", &["eu", "us"])).await;
        world.released(release("job-2", "two", &["eu", "us"])).await;
        world.released(release("job-3", "three", &["eu"])).await;
        let request = |page_size| ReleasesRequest { app: app("shop"), before: None, page_size };
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        let page = world.services.list_releases(&reader, request(0)).await.unwrap();
        let shown = page.releases.iter().map(|one| (&*one.release.id, one.is_current));
        let expected = [("job-3", true), ("job-2", true), ("job-1", false)];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
        assert_eq!(page.next, None);
        let page = world.services.list_releases(&reader, request(2)).await.unwrap();
        assert_eq!(page.next.as_deref(), Some("job-2"));
        let error = world.services.list_releases(&reader, request(101)).await.unwrap_err();
        assert_eq!(error.to_string(), "page_size: `101` must be 1 to 100");
        let other = caller("other", &["blog"], &[Verb::Read]);
        let error = world.services.list_releases(&other, request(0)).await.unwrap_err();
        assert_eq!(error.reason(), "permission-denied");
    }
}
