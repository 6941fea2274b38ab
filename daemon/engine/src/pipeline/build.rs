//! From a decision to an image in the builder, and to the release that it will be.

use super::{
    detect::{Decided, Decision},
    port::{self, Exposed},
};
use crate::{
    failure::Cause,
    ports::{Build, BuildRequest, Dockerfile, ImageConfig, Ports, Tree},
    run::Run,
};
use windlass_model::{
    app::App,
    cluster::Clusters,
    event::Event,
    job::{Commit, Image, Job, Release, Stage},
    recipe::ImagePlan,
    runtime::SecretEnv,
    spec::Detected,
    version,
};

pub(super) async fn build(
    job: &Job,
    commit: &Commit,
    decided: &Decided,
    tree: &dyn Tree,
    ports: &Ports,
    run: &Run,
) -> Result<Box<dyn Build>, Cause> {
    let open = || ports.builder.open(order(job, commit, decided, ports), tree, run.recorder());
    let build = run.retrying(open).await?;
    if build.config().user.is_none() {
        if ports.forbid_root {
            return Err(Cause::RootForbidden);
        }
        let message = "the image runs as root".to_owned();
        let fix =
            "add to the Dockerfile: `RUN useradd --uid 10001 app` and `USER 10001`".to_owned();
        run.record(Event::Warning { stage: Stage::Build, message, fix }).await?;
    }
    if let Exposed::Unclear(taken) = port::exposed(build.config())
        && recipe_port(&decided.decision).is_none()
        && decided.decision.spec.leaves_port_open()
    {
        let (message, fix) = port::unclear(taken, build.config());
        run.record(Event::Warning { stage: Stage::Build, message, fix }).await?;
    }
    Ok(build)
}

fn order(job: &Job, commit: &Commit, decided: &Decided, ports: &Ports) -> BuildRequest {
    let spec = &decided.decision.spec;
    let mut arguments = spec.build.arguments.clone();
    for (name, value) in
        [(version::COMMIT, &commit.id), (version::VERSION, &decided.decision.version)]
    {
        arguments.entry(name.into()).or_insert_with(|| value.clone());
    }
    BuildRequest {
        dockerfile: decided.decision.dockerfile.clone(),
        target: match &decided.decision.dockerfile {
            Dockerfile::Path(_) => spec.build.target.clone(),
            // A recipe's stages are the plugin's own matter.
            Dockerfile::Text(_) => None,
        },
        arguments,
        secrets: decided.build_secrets.clone(),
        reference: reference(&ports.registry, &job.app, commit),
        context: format!("{}|{}|{}", job.app, commit.repository, commit.directory),
    }
}

/// What the image of a commit is called: `registry/project/app:commit`.
#[must_use]
pub fn reference(registry: &str, app: &App, commit: &Commit) -> String {
    format!("{registry}/{}/{}:{}", app.project, app.name, commit.id)
}

/// The plan of the recipe that is built; none where the repository's own Dockerfile is.
fn plan(decision: &Decision) -> Option<&ImagePlan> {
    match decision.dockerfile {
        Dockerfile::Text(_) => decision.recipe.as_ref().map(|recipe| &recipe.image),
        Dockerfile::Path(_) => None,
    }
}

/// The port that a recipe's image is made to expose, whatever its base exposes besides.
fn recipe_port(decision: &Decision) -> Option<u16> {
    plan(decision).and_then(|plan| plan.port)
}

/// The release that a decision leads to, once its image is as `config` says.
#[must_use]
pub fn release(
    id: &str,
    app: &App,
    commit: &Commit,
    decision: &Decision,
    env: Vec<SecretEnv>,
    config: &ImageConfig,
    image: Image,
) -> Release {
    let found = Detected {
        port: recipe_port(decision).or_else(|| port::exposed(config).port()),
        health: plan(decision).and_then(|plan| plan.health.clone()),
        user: config.user,
        manifests: decision.manifests.clone(),
    };
    Release {
        id: id.into(),
        app: app.clone(),
        clusters: Clusters::default().names,
        commit: commit.id.clone(),
        image,
        runtime: decision.spec.resolve(&found, env),
        hooks: decision.spec.hooks.clone(),
    }
}
