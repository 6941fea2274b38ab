//! Build stage: from a decision to an image in the builder, and to the release that it will be.

use super::{
    detect::{Decision, Detection},
    port::{self, Exposed},
};
use crate::{
    deploy::Deploy,
    failure::{Cause, Failure},
    ports::{Build, BuildRequest, Dockerfile, ImageConfig, Tree},
};
use windlass_model::{
    app::App,
    cluster::Clusters,
    error::BuildError,
    event::Event,
    job::{Commit, Image, Release, Stage},
    recipe::{FoundProcess, ImagePlan},
    runtime::SecretEnv,
    spec::Detected,
    version,
};

impl Deploy<'_> {
    /// Builds the image, and warns of questions that its configuration leaves open.
    pub(super) async fn build(
        &self,
        commit: &Commit,
        detection: &Detection,
        tree: &dyn Tree,
    ) -> Result<Box<dyn Build>, Cause> {
        let recorder = self.run.recorder();
        let open =
            || self.ports.builder.open(self.request(commit, detection, tree), tree, recorder);
        let build = self.run.retrying(open).await.map_err(|cause| of_command(cause, detection))?;
        let warn = |(message, fix)| Event::Warning { stage: Stage::Build, message, fix };
        if build.config().user.is_none() {
            if self.ports.forbid_root {
                return Err(Cause::RootForbidden);
            }
            let message = "the image runs as root".to_owned();
            let fix =
                "add to the Dockerfile: `RUN useradd --uid 10001 app` and `USER 10001`".to_owned();
            self.run.record(warn((message, fix))).await?;
        }
        if let Exposed::Unclear(taken) = port::exposed(build.config())
            && recipe_port(&detection.decision).is_none()
            && detection.decision.spec.leaves_port_open()
        {
            self.run.record(warn(port::unclear(taken, build.config()))).await?;
        }
        Ok(build)
    }

    /// Pushes the image, and returns it with its configuration. A registry that does not answer is tried again. The
    /// failed push has ended the solve, and the next one need not make the same image: a base may have moved, and a
    /// cache may be gone. So what it makes is tested too.
    pub(super) async fn push(
        &self,
        commit: &Commit,
        detection: &Detection,
        tree: &dyn Tree,
        mut build: Box<dyn Build>,
    ) -> Result<(Image, ImageConfig), Cause> {
        let recorder = self.run.recorder();
        let pushed = build.push(recorder).await;
        let mut failed = match pushed {
            Err(error @ BuildError::Registry { .. }) => Some(Cause::from(error)),
            answer => return Ok((answer?, build.config().clone())),
        };
        // Its session has the same key as the next one.
        drop(build);
        let again = || {
            let failed = failed.take();
            async move {
                if let Some(cause) = failed {
                    return Err(cause);
                }
                let request = self.request(commit, detection, tree);
                let opened = self.ports.builder.open(request, tree, recorder).await;
                let mut build = opened.map_err(|error| of_command(error.into(), detection))?;
                if self.ports.forbid_root && build.config().user.is_none() {
                    return Err(Cause::RootForbidden);
                }
                self.test(detection, tree, &*build).await?;
                let image = build.push(recorder).await?;
                Ok((image, build.config().clone()))
            }
        };
        self.run.retrying(again).await
    }

    /// Records the release that was pushed: a restart does not build it again.
    pub(super) async fn pushed(
        &self,
        commit: &Commit,
        detection: Detection,
        config: &ImageConfig,
        image: Image,
    ) -> Result<Release, Failure> {
        let Detection { decision, env, .. } = detection;
        let release = release(&self.job.id, &self.job.app, commit, &decision, env, config, image);
        let release = release.at(&self.job.clusters.names);
        let recorded = self.run.record(Event::Pushed(Box::new(release.clone()))).await;
        recorded.map_err(|lost| Failure { at: Stage::Push, cause: lost.into() })?;
        Ok(release)
    }

    fn request(&self, commit: &Commit, detection: &Detection, tree: &dyn Tree) -> BuildRequest {
        let decision = &detection.decision;
        let mut arguments = decision.spec.build.arguments.clone();
        for (name, value) in [(version::COMMIT, &commit.id), (version::VERSION, &decision.version)]
        {
            arguments.entry(name.into()).or_insert_with(|| value.clone());
        }
        let app = &self.job.app;
        let is_fork = self.job.preview.as_ref().is_some_and(|preview| preview.fork);
        let folder = context(decision, tree.directory());
        let at = folder.unwrap_or(&commit.directory);
        BuildRequest {
            project: app.project.clone(),
            caches: caches(&app.project, is_fork),
            is_fork,
            dockerfile: decision.dockerfile.clone(),
            target: match &decision.dockerfile {
                Dockerfile::Path(_) => decision.spec.build.target.clone(),
                // A recipe's stages are the plugin's own matter.
                Dockerfile::Text(_) => None,
            },
            arguments,
            secrets: detection.build_secrets.clone(),
            reference: reference(&detection.place, app, commit),
            context: format!("{app}|{}|{at}", commit.repository),
            folder: folder.map(|folder| tree.repository().join(folder)),
        }
    }
}

/// Returns the name of the caches of a project's builds. Those of forks fill none from which others build.
fn caches(project: &str, is_fork: bool) -> String {
    // No project's name has `--`.
    if is_fork { format!("{project}--forks") } else { project.to_owned() }
}

/// Marks the failure of a build by the user's own command, as far as the spec's keys cause it.
fn of_command(cause: Cause, detection: &Detection) -> Cause {
    match cause {
        Cause::Build(
            error @ (BuildError::Step { .. }
            | BuildError::Dockerfile { .. }
            | BuildError::NoBaseImage { .. }
            | BuildError::Other { .. }),
        ) if !detection.decision.spec.build.command.is_empty() => Cause::Command(error),
        other => other,
    }
}

/// Returns the reference of a commit's image: `place/app:commit`. The place is that of the project.
#[must_use]
pub fn reference(place: &str, app: &App, commit: &Commit) -> String {
    format!("{place}/{}:{}", app.name, commit.id)
}

/// Returns the folder of the repository that a recipe is built in. `None` means the app's own.
fn context<'a>(decision: &'a Decision, app: &str) -> Option<&'a str> {
    plan(decision)?;
    let context = decision.recipe.as_ref().map(|recipe| &*recipe.context)?;
    (context != app).then_some(context)
}

/// Returns the plan of the recipe that is built. `None` means that the repository's own Dockerfile is built.
fn plan(decision: &Decision) -> Option<&ImagePlan> {
    match decision.dockerfile {
        Dockerfile::Text(_) => decision.recipe.as_ref().map(|recipe| &recipe.image),
        Dockerfile::Path(_) => None,
    }
}

/// Returns the processes that the repository declares. None are taken with a Dockerfile: what its image has, nobody
/// but its author knows.
fn found_processes(decision: &Decision) -> Vec<FoundProcess> {
    let recipe = decision.recipe.as_ref().filter(|_| plan(decision).is_some());
    recipe.map(|recipe| recipe.processes.clone()).unwrap_or_default()
}

/// Returns the port that a recipe's image is made to expose, whatever its base exposes besides.
fn recipe_port(decision: &Decision) -> Option<u16> {
    plan(decision).and_then(|plan| plan.port)
}

/// Returns the release of a decision, once its image with its configuration `config` is built.
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
        processes: found_processes(decision),
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

/// Values in a provisional release for those that only a job and its build give.
pub(super) struct Placeholders<'a> {
    /// Text for the job's id.
    pub(super) id: &'a str,
    /// Host and path that the project's images are pushed below.
    pub(super) place: &'a str,
    /// Text for the image's digest.
    pub(super) digest: &'a str,
    /// Numeric user of the image, as far as it is known. `None` means root, or that no user is known.
    pub(super) user: Option<u32>,
}

/// Returns the release as far as it is known before its image is built, in the default cluster.
pub(super) fn provisional_release(
    placeholders: &Placeholders<'_>,
    app: &App,
    commit: &Commit,
    decision: &Decision,
    env: Vec<SecretEnv>,
) -> Release {
    let image = Image {
        reference: reference(placeholders.place, app, commit),
        digest: placeholders.digest.into(),
        bytes: None,
    };
    let config = ImageConfig { user: placeholders.user, ..ImageConfig::default() };
    release(placeholders.id, app, commit, decision, env, &config, image)
}
