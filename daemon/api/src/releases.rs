//! The service `Releases`.

use crate::{
    auth::{Verb, caller},
    convert,
    errors::{self, field},
    outgoing,
    serve::Services,
};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use tonic::{Request, Response, Status};
use windlass_engine::records::Submission;
use windlass_model::{
    app::App,
    cluster::place,
    job::{Job, Release, Source},
    spec::Spec,
};
use windlass_proto::v1::{self, releases_server};

/// Fewer characters of an id or a commit say too little.
const SHORTEST: usize = 7;

#[tonic::async_trait]
impl releases_server::Releases for Services {
    async fn list(
        &self,
        request: Request<v1::ListReleasesRequest>,
    ) -> Result<Response<v1::ListReleasesResponse>, Status> {
        let principal = caller(&request)?;
        let message = request.into_inner();
        let app = convert::app(message.app)?;
        principal.may(Verb::Read, &app.project)?;
        let limit = convert::page(message.page_size, 10, 100)?;
        let before = Some(message.page_token).filter(|token| !token.is_empty());
        let found = self.releases.releases(&app, before.as_deref(), limit).await;
        let found = found.map_err(errors::store)?;
        let full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
        let last = found.last().map(|(release, _)| release.id.clone()).filter(|_| full);
        let clusters: BTreeSet<_> =
            found.iter().flat_map(|(release, _)| &release.clusters).collect();
        let mut current = BTreeSet::new();
        for cluster in clusters {
            let last = self.releases.last_release(&app, cluster).await;
            current.extend(last.map_err(errors::store)?.map(|release| release.id));
        }
        let shown = found.iter().map(|(release, created)| {
            outgoing::release(release, Some(*created), current.contains(&release.id))
        });
        Ok(Response::new(v1::ListReleasesResponse {
            releases: shown.collect(),
            next_page_token: last.unwrap_or_default(),
        }))
    }

    async fn rollback(
        &self,
        request: Request<v1::RollbackRequest>,
    ) -> Result<Response<v1::Job>, Status> {
        let principal = caller(&request)?;
        let message = request.into_inner();
        let body = message.encode_to_vec();
        convert::request_id(&message.request_id)?;
        let app = convert::app(message.app)?;
        principal.may(Verb::Deploy, &app.project)?;
        let wanted = &message.clusters;
        let order = message.cluster_order;
        let (release, clusters) = match &*message.to {
            "" => {
                let wanted = if wanted.is_empty() {
                    self.newest(&app).await?.clusters
                } else {
                    wanted.clone()
                };
                let clusters = convert::clusters(&self.targets, &app, &wanted, order)?;
                (self.before_in_all(&app, &clusters.names).await?, clusters)
            }
            to => {
                // What is named may be brought to a cluster where it never was.
                let release = self.named(&app, to).await?;
                let wanted = if wanted.is_empty() { &release.clusters } else { wanted };
                let clusters = convert::clusters(&self.targets, &app, wanted, order)?;
                (release, clusters)
            }
        };
        let job = Job {
            id: uuid::Uuid::now_v7().to_string(),
            app,
            clusters,
            source: Source::Release(Box::new(release)),
            spec: Spec::default(),
            labels: BTreeMap::new(),
            timeout: convert::timeout(None)?,
            principal: principal.name.clone(),
            created_ms: 0,
        };
        let submission = Submission { request_id: message.request_id, body, job };
        Ok(Response::new(self.accept(submission).await?))
    }
}

impl Services {
    async fn newest(&self, app: &App) -> Result<Release, Status> {
        let newest = self.releases.releases(app, None, 1).await.map_err(errors::store)?;
        newest.into_iter().next().map(|(release, _)| release).ok_or_else(|| no_earlier(app, ""))
    }

    /// What a rollback leads to: the same in all these clusters, or somebody has to say which.
    async fn before_in_all(&self, app: &App, clusters: &[String]) -> Result<Release, Status> {
        let mut found: Option<(Release, &String)> = None;
        for cluster in clusters {
            let before = self.before(app, cluster).await?;
            let before = before.ok_or_else(|| no_earlier(app, &place(cluster)))?;
            match &found {
                Some((other, first)) if other.id != before.id => {
                    let message = format!(
                        "the release before is {} in {first} and {} in {cluster}",
                        other.id, before.id
                    );
                    let fix = "say one cluster (--cluster), or one release (--to)";
                    return Err(errors::precondition("clusters-differ", message, fix));
                }
                Some(_) => {}
                None => found = Some((before, cluster)),
            }
        }
        found.map(|(release, _)| release).ok_or_else(|| no_earlier(app, ""))
    }

    /// The newest in a cluster that is not what serves there, so that two rollbacks do not go in
    /// circles.
    async fn before(&self, app: &App, cluster: &str) -> Result<Option<Release>, Status> {
        let serving = self.releases.last_release(app, cluster).await.map_err(errors::store)?;
        let Some(serving) = serving else { return Ok(None) };
        let is_it = |release: &Release| {
            release.clusters.iter().any(|name| name == cluster)
                && release.image.digest != serving.image.digest
        };
        self.find_release(app, Some(serving.id.clone()), is_it).await
    }

    async fn named(&self, app: &App, to: &str) -> Result<Release, Status> {
        if to.len() < SHORTEST {
            return Err(field(
                "to",
                to,
                "must have at least 7 characters of a release's id or commit",
            ));
        }
        let is_it =
            |release: &Release| release.id.starts_with(to) || release.commit.starts_with(to);
        let found = self.find_release(app, None, is_it).await?;
        let fix = format!("list them: windlass releases {app}");
        found.ok_or_else(|| errors::missing("release", to, &fix))
    }

    /// The newest of those older than `before`.
    async fn find_release(
        &self,
        app: &App,
        mut before: Option<String>,
        is_it: impl Fn(&Release) -> bool,
    ) -> Result<Option<Release>, Status> {
        loop {
            let page = self.releases.releases(app, before.as_deref(), 100).await;
            let page = page.map_err(errors::store)?;
            let Some((oldest, _)) = page.last() else { return Ok(None) };
            before = Some(oldest.id.clone());
            if let Some((found, _)) = page.into_iter().find(|(release, _)| is_it(release)) {
                return Ok(Some(found));
            }
        }
    }
}

fn no_earlier(app: &App, place: &str) -> Status {
    let message = format!("{app} has no earlier release{place}");
    let fix = format!("list them: windlass releases {app}");
    errors::precondition("no-earlier-release", message, &fix)
}
