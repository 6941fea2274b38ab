//! The service `Releases`.

use crate::{
    auth::{Verb, caller},
    convert,
    errors::{self, field},
    outgoing,
    serve::Desk,
};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use tonic::{Request, Response, Status};
use windlass_core::{
    app::App,
    job::{Job, Release, Source},
    records::Submission,
    spec::Spec,
};
use windlass_proto::v1::{self, releases_server};

/// Fewer characters of an id or a commit say too little.
const SHORTEST: usize = 7;

#[tonic::async_trait]
impl releases_server::Releases for Desk {
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
        let release = self.earlier(&app, &message.to, &message.clusters).await?;
        let wanted = match message.clusters.is_empty() {
            true => &release.clusters,
            false => &message.clusters,
        };
        let clusters = convert::clusters(&self.targets, &app, wanted, message.cluster_order)?;
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

impl Desk {
    /// `clusters`: only a release that came to all of these.
    async fn earlier(&self, app: &App, to: &str, clusters: &[String]) -> Result<Release, Status> {
        let mut all = self.releases.releases(app, None, 100).await.map_err(errors::store)?;
        all.retain(|(release, _)| clusters.iter().all(|name| release.clusters.contains(name)));
        let fix = format!("list them: windlass releases {app}");
        if to.is_empty() {
            // The newest that is not what serves now, so that two rollbacks do not go in circles.
            let serving = all.first().map(|(release, _)| release.image.digest.clone());
            let mut earlier = all.into_iter().map(|(release, _)| release);
            return earlier
                .find(|release| Some(&release.image.digest) != serving.as_ref())
                .ok_or_else(|| {
                    errors::precondition(
                        "no-earlier-release",
                        format!("{app} has no earlier release"),
                        &fix,
                    )
                });
        }
        if to.len() < SHORTEST {
            return Err(field(
                "to",
                to,
                "must have at least 7 characters of a release's id or commit",
            ));
        }
        let mut found = all.into_iter().map(|(release, _)| release);
        found
            .find(|release| release.id.starts_with(to) || release.commit.starts_with(to))
            .ok_or_else(|| errors::missing("release", to, &fix))
    }
}
