//! Dry run: the pipeline's own stages up to the plan, for a job that nobody submitted.
//!
//! Nothing is recorded, built or changed: the answer shows what a job would do.

use super::{
    build::{Placeholders, provisional_release},
    clone::{checkout, resolve},
    detect::{Decision, decide},
    metrics, secrets, wall,
};
use crate::{
    diagnose::diagnose,
    failure::{Cause, Failure},
    journal::{JournalLost, NullJournal},
    ports::{Dockerfile, ObjectChange, Ports, Tree},
    run::Run,
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;
use windlass_model::{
    app::App,
    cluster::Clusters,
    diagnosis::Diagnosis,
    job::{Commit, Release, Stage},
    plan::{Plan, Previous, Step, plan},
    revision::Revision,
    spec::Spec,
};

/// Number of bytes of the largest Dockerfile that is shown.
const LONGEST: u64 = 1 << 20;

/// A job as it would be submitted.
#[derive(Clone, Copy, Debug)]
pub struct DryRunRequest<'a> {
    pub app: &'a App,
    pub clusters: &'a Clusters,
    pub commit: &'a Commit,
    /// Spec of the request.
    pub spec: &'a Spec,
    /// Release that serves the app now. Its user is taken where nothing else names one. `None` means that
    /// there is no such release, or that none is known.
    pub serving: Option<&'a Release>,
}

/// Decisions of a job, and what they would change.
#[derive(Clone, Debug)]
pub struct DryRun {
    pub decision: Decision,
    /// Text of the Dockerfile that would be built.
    pub dockerfile: String,
    /// Objects of the release, as JSON.
    pub manifests: Vec<String>,
    /// Changes that applying the objects would make, each with its cluster.
    pub changes: Vec<(String, ObjectChange)>,
    /// Strategy that each process follows and why, a text for each. Empty means that no pods are replaced, or that no
    /// cluster was asked.
    pub strategies: Vec<String>,
    /// Steps to the new release, as texts. Empty means that no cluster was asked.
    pub steps: Vec<String>,
    /// Steps of a rollback from its end, as texts. Empty means that there is no way to what serves now.
    pub rollback: Vec<String>,
}

/// Checks a commit out, decides how it is built, renders its objects, and compares them with the clusters.
///
/// # Errors
/// The diagnosis that a job would end with, masked, as far as it shows before the build.
pub async fn dry_run(request: &DryRunRequest<'_>, ports: &Ports) -> Result<DryRun, Box<Diagnosis>> {
    let run = unrecorded();
    decided(request, ports, &run).await.map_err(|failure| masked(&failure, &run))
}

/// Returns the diagnosis of a failure without the secrets that the run has opened.
pub(super) fn masked(failure: &Failure, run: &Run) -> Box<Diagnosis> {
    let redactor = run.recorder().redactor();
    let diagnosis = match &failure.cause {
        // It has no journal to lose: a store beside it was away.
        Cause::JournalLost(JournalLost::Unavailable(why)) => Diagnosis {
            stage: failure.at,
            subject: "windlassd".into(),
            what: "the daemon's store cannot be read now".into(),
            why: why.clone(),
            fixes: vec!["try again; if it stays so, the daemon's log says more".into()],
            ..Diagnosis::default()
        },
        _ => diagnose(failure),
    };
    Box::new(diagnosis.map_text(&mut |text: String| redactor.shown(&text)))
}

async fn decided(request: &DryRunRequest<'_>, ports: &Ports, run: &Run) -> Result<DryRun, Failure> {
    let DryRunRequest { app, clusters, commit, spec, serving } = *request;
    let tree = checkout(&app.project, commit, ports, run).await.map_err(at(Stage::Clone))?;
    let decision = decide(app, spec, commit, &*tree, ports, run.recorder()).await;
    let decision = decision.map_err(at(Stage::Detect))?;
    let dockerfile = text_of(&decision.dockerfile, &*tree).map_err(at(Stage::Detect))?;
    let opened = secrets::resolve(app, &decision.spec, ports, run).await;
    let (env, _) = opened.map_err(Cause::from).map_err(at(Stage::Detect))?;
    let user = match (&decision.dockerfile, &decision.recipe) {
        // A recipe has the user that the image will have; else a user that is known is taken.
        (Dockerfile::Text(_), Some(recipe)) => Some(recipe.image.user),
        _ => numeric_user(&dockerfile).or(serving.and_then(|serving| serving.runtime.user)),
    };
    let place = ports.images.place(&app.project).await;
    let place = place.map_err(Cause::from).map_err(at(Stage::Detect))?;
    let (id, digest) = ("(the job's id)", "(known after the build)");
    let placeholders = Placeholders { id, place: &place, digest, user };
    let release = provisional_release(&placeholders, app, commit, &decision, env);
    let release = release.at(&clusters.names);
    wall::check(&release, ports).await.map_err(at(Stage::Detect))?;
    metrics::check(&release, ports).map_err(at(Stage::Release))?;
    let plan = steps_of(&release, clusters, serving, ports);
    metrics::check_plan(&plan, ports).map_err(at(Stage::Release))?;
    let strategies = plan.strategies();
    let Plan { forward, rollback, release } = plan;
    let manifests = ports.reader.manifests(&release).await;
    let manifests =
        manifests.map_err(|error| Cause::applying(error, &release)).map_err(at(Stage::Release))?;
    let mut changes = Vec::new();
    for release in release.each() {
        let applying = |error| Cause::applying(error, &release);
        ports.reader.check(&release).await.map_err(applying).map_err(at(Stage::Release))?;
        let changed = ports.reader.changes(&release).await.map_err(applying);
        let cluster = |change| (release.cluster().to_owned(), change);
        changes.extend(changed.map_err(at(Stage::Release))?.into_iter().map(cluster));
    }
    let text = |steps: Vec<Step>| steps.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (steps, rollback) = (text(forward), text(rollback));
    Ok(DryRun { decision, dockerfile, manifests, changes, strategies, steps, rollback })
}

/// Plans the release as if `serving` were what serves in each of its clusters.
fn steps_of(
    release: &Release,
    clusters: &Clusters,
    serving: Option<&Release>,
    ports: &Ports,
) -> Plan {
    let previous: BTreeMap<_, _> = serving
        .into_iter()
        .flat_map(|serving| clusters.names.iter().map(move |cluster| (serving, cluster)))
        .map(|(serving, cluster)| {
            let placed = serving.at(std::slice::from_ref(cluster));
            (cluster.clone(), Previous::Release(Box::new(placed)))
        })
        .collect();
    let hooks = ports.hooks.of(&release.app, &release.hooks);
    plan(release, clusters.order, &previous, &hooks)
}

/// Finds the commit that a revision leads to now, for a request that names no commit.
///
/// # Errors
/// The diagnosis of the clone stage, masked, if the revision leads to no commit.
pub async fn resolve_revision(
    app: &App,
    commit: Commit,
    revision: &Revision,
    ports: &Ports,
) -> Result<Commit, Box<Diagnosis>> {
    let run = unrecorded();
    let resolved = resolve(&app.project, commit, revision, ports, &run).await;
    resolved.map_err(at(Stage::Clone)).map_err(|failure| masked(&failure, &run))
}

/// Returns a run of no job: nothing stops it, and its events are not kept.
pub(super) fn unrecorded() -> Run {
    let (_, stop) = watch::channel(None);
    Run::new(Arc::new(NullJournal), stop, None)
}

pub(super) fn at(stage: Stage) -> impl Fn(Cause) -> Failure {
    move |cause| Failure { at: stage, cause }
}

pub(super) fn text_of(dockerfile: &Dockerfile, tree: &dyn Tree) -> Result<String, Cause> {
    match dockerfile {
        Dockerfile::Text(text) => Ok(text.clone()),
        Dockerfile::Path(path) => Ok(tree.read(path, LONGEST)?.unwrap_or_default()),
    }
}

/// Returns the last stage's user, where a Dockerfile gives it by number: only the image knows its names.
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
