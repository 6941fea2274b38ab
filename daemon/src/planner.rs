//! Says what a job would do: clones, detects, renders; builds and changes nothing.

use crate::wire::PortsFactory;
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::watch;
use windlass_api::{Planned, Planner};
use windlass_engine::{
    failure::{Cause, Failure},
    journal::{Journal, JournalLost},
    pipeline::{Decision, checkout, decide, reference, release, resolve},
    ports::{Dockerfile, ImageConfig, Ports},
    run::Run,
};
use windlass_model::{
    app::App,
    cluster::Clusters,
    event::Event,
    job::{Commit, Image, Release, Stage},
    revision::Revision,
    runtime::SecretEnv,
    spec::Spec,
};
use windlass_store::Store;

/// With what jobs run on.
pub(crate) struct DryRunPlanner {
    pub(crate) supplies: PortsFactory,
    pub(crate) store: Store,
}

/// No journal: nothing that is said is kept.
pub(crate) struct NullJournal;

#[async_trait]
impl Journal for NullJournal {
    async fn append(&self, _: Event) -> Result<(), JournalLost> {
        Ok(())
    }

    async fn last_release(&self, _: &App, _: &str) -> Result<Option<Release>, JournalLost> {
        Ok(None)
    }
}

#[async_trait]
impl Planner for DryRunPlanner {
    async fn resolve(
        &self,
        app: &App,
        commit: Commit,
        revision: &Revision,
    ) -> Result<Commit, Failure> {
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(NullJournal), stop, None);
        let ports = self.supplies.for_job(&app.project);
        let resolved = resolve(&app.project, commit, revision, &ports, &run).await;
        resolved.map_err(|cause| Failure { at: Stage::Clone, cause })
    }

    async fn plan(
        &self,
        app: &App,
        clusters: &Clusters,
        commit: &Commit,
        spec: &Spec,
    ) -> Result<Planned, Failure> {
        let at = |at: Stage| move |cause: Cause| Failure { at, cause };
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(NullJournal), stop, None);
        let ports = self.supplies.for_job(&app.project);
        let tree = checkout(&app.project, commit, &ports, &run).await.map_err(at(Stage::Clone))?;
        let decision = decide(spec, commit, &*tree, &ports, run.recorder()).await;
        let decision = decision.map_err(at(Stage::Detect))?;
        let dockerfile = match &decision.dockerfile {
            Dockerfile::Text(text) => text.clone(),
            Dockerfile::Path(path) => {
                let read = tree.read(path, 1 << 20).map_err(Cause::from);
                read.map_err(at(Stage::Detect))?.unwrap_or_default()
            }
        };
        let mut before = None;
        for cluster in &clusters.names {
            if before.is_none() {
                before = self.store.last_release(app, cluster).await.ok().flatten();
            }
        }
        let user = numeric_user(&dockerfile).or(before.and_then(|before| before.runtime.user));
        let release = shown(app, commit, &decision, user, &ports).await;
        let release = release.map_err(at(Stage::Detect))?.at(&clusters.names);
        let manifests = ports.preview.manifests(&release);
        let manifests = manifests
            .map_err(|error| Cause::applying(error, &release))
            .map_err(at(Stage::Release))?;
        let mut changes = Vec::new();
        for release in release.each() {
            let applying = |error| Cause::applying(error, &release);
            ports.preview.check(&release).await.map_err(applying).map_err(at(Stage::Release))?;
            let changed = ports.preview.changes(&release).await.map_err(applying);
            let cluster = |change| (release.cluster().to_owned(), change);
            changes.extend(changed.map_err(at(Stage::Release))?.into_iter().map(cluster));
        }
        Ok(Planned { decision, dockerfile, manifests, changes })
    }
}

/// The release as far as it is known before the build.
async fn shown(
    app: &App,
    commit: &Commit,
    decision: &Decision,
    user: Option<u32>,
    ports: &Ports,
) -> Result<Release, Cause> {
    let mut env = Vec::new();
    for (variable, name) in &decision.spec.secrets {
        let (_, version) = ports.secrets.open(&app.project, name, None).await?;
        env.push(SecretEnv { env: variable.clone(), name: name.clone(), version });
    }
    // A recipe says now what the image will say after the build; else what is known of it.
    let user = match (&decision.dockerfile, &decision.recipe) {
        (Dockerfile::Text(_), Some(recipe)) => Some(recipe.image.user),
        _ => user,
    };
    let image = Image {
        reference: reference(&ports.registry, app, commit),
        digest: "(known after the build)".into(),
        bytes: None,
    };
    let config = ImageConfig { user, ..ImageConfig::default() };
    Ok(release("(the job's id)", app, commit, decision, env, &config, image))
}

/// The last stage's user, where a Dockerfile says one by number; names are the image's to explain.
fn numeric_user(dockerfile: &str) -> Option<u32> {
    let mut user = None;
    for line in dockerfile.lines() {
        let mut words = line.split_whitespace();
        match words.next().map(str::to_ascii_uppercase).as_deref() {
            Some("FROM") => user = None,
            Some("USER") => user = words.next().map(|name| name.split(':').next().unwrap_or(name)),
            _ => {}
        }
    }
    user?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::numeric_user;

    #[test]
    fn the_last_stages_user_counts() {
        assert_eq!(numeric_user("FROM a\nUSER 7\nFROM b\nuser 10001:10001\nCMD x"), Some(10001));
        assert_eq!(numeric_user("FROM a\nUSER 7\nFROM b"), None);
        assert_eq!(numeric_user("FROM a\nUSER app"), None);
        assert_eq!(numeric_user("FROM a\nUSER"), None);
    }
}
