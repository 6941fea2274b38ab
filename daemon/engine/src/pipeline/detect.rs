//! Detect stage: what the tree is, by which evidence, and how it is built.

mod assets;
mod build_secrets;
mod choose;
mod processes;
mod versions;

pub use choose::DetectorAnswer;

use super::secrets;
use crate::{
    custom,
    deploy::Deploy,
    dockerfile::{render, settle},
    failure::Cause,
    ports::{DetectRequest, Detections, Dockerfile, Pointers, Ports, Tree},
    recorder::Recorder,
};
use choose::{Chosen, best};
use std::collections::BTreeMap;
use windlass_model::{
    app::App,
    error::{GitError, PluginError},
    event::Event,
    job::{Commit, Stage},
    manifest,
    recipe::{Advice, Choice, Recipe},
    runtime::{Manifest, SecretEnv},
    secret::Secret,
    spec::{FILE, Spec, SpecError},
    version,
};

/// Number of bytes of the largest `windlass.toml` or Dockerfile that is read.
const LONGEST: u64 = 256 << 10;

/// Names under which a repository's own Dockerfile is found, the first before the second, as
/// BuildKit looks for them.
const DOCKERFILES: [&str; 2] = ["Dockerfile", "dockerfile"];

/// Decision what will be built, and its origin.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Spec of the job, merged over that of `windlass.toml`.
    pub spec: Spec,
    /// Recipe of the best detector. With a Dockerfile of the repository it only helps the tests. `None` means
    /// that no detector plans a build.
    pub recipe: Option<Recipe>,
    /// Languages whose test runners may read the tests, the best first: with a Dockerfile also those of detectors
    /// that plan no build.
    pub languages: Vec<String>,
    /// Answers of all detectors that were asked, the best first.
    pub answers: Vec<DetectorAnswer>,
    pub dockerfile: Dockerfile,
    /// Manifests of the repository's own.
    pub manifests: Vec<Manifest>,
    /// Origin of each field that is set, by the field's path: `job`, `windlass.toml` or `detection`.
    pub deciders: BTreeMap<String, &'static str>,
    /// Version of the commit, for builds that ask for it.
    pub version: String,
}

/// A decision with the secrets that it names.
pub(super) struct Detection {
    pub(super) decision: Decision,
    pub(super) env: Vec<SecretEnv>,
    pub(super) build_secrets: BTreeMap<String, Secret>,
    /// Host and path that the image is pushed below.
    pub(super) place: String,
}

impl Deploy<'_> {
    /// Decides what to build, and opens the secrets that the decision names.
    pub(super) async fn detect(
        &self,
        commit: &Commit,
        tree: &dyn Tree,
    ) -> Result<Detection, Cause> {
        let recorder = self.run.recorder();
        let app = &self.job.app;
        let mut decision = decide(app, &self.job.spec, commit, tree, self.ports, recorder).await?;
        if let Some(preview) = &self.job.preview {
            decision.spec = preview.limit(decision.spec)?;
            if let (Some(host), []) = (&preview.host, &*decision.spec.expose.hosts) {
                self.run.record(unreached(host)).await?;
            }
        }
        let (env, build_secrets) =
            secrets::resolve(app, &decision.spec, self.ports, self.run).await?;
        let place = self.run.retrying(|| self.ports.images.place(&app.project)).await?;
        Ok(Detection { decision, env, build_secrets, place })
    }
}

fn unreached(host: &str) -> Event {
    let message =
        format!("{host} does not lead to the preview: the app is reached within the cluster alone");
    let fix = "set `expose.gateway` or `expose.ingress-class` in windlass.toml".into();
    Event::Warning { stage: Stage::Detect, message, fix }
}

/// Reads `windlass.toml`, finds the Dockerfile, and asks all detectors. The best score wins, ties go by the
/// operator's order, and a recipe that the user names beats all. A detector's refusal does not matter where
/// another detector plans a build.
///
/// # Errors
/// [`Cause::Spec`] for an invalid file, [`Cause::Refused`] if no detector plans a build and one knows the source,
/// [`Cause::Undetected`] if none does.
pub async fn decide(
    app: &App,
    spec: &Spec,
    commit: &Commit,
    tree: &dyn Tree,
    ports: &Ports,
    recorder: &Recorder,
) -> Result<Decision, Cause> {
    let file = match tree.read(FILE, LONGEST)? {
        Some(text) => Spec::from_toml(&text)?,
        None => Spec::default(),
    };
    let mut deciders: BTreeMap<_, _> =
        file.flatten().into_keys().map(|path| (path, FILE)).collect();
    deciders.extend(spec.flatten().into_keys().map(|path| (path, "job")));
    let mut spec = spec.clone().merged_over(file);
    // Each is consistent alone; merged, they may contradict each other.
    spec.check()?;
    pointers(&spec, tree, recorder).await?;
    let manifests = manifests(&spec, tree)?;
    if let Some(text) = custom::of(&spec)? {
        let who = deciders.get("build.command").copied().unwrap_or(FILE);
        let evidence = vec![format!("{who}: build.command runs, and no detector is asked")];
        decided("build", &spec.build.command.join(" "), evidence, recorder).await;
        let asked = spec.build.arguments.get(version::VERSION);
        let version = version::of(commit, tree.tags(), asked).text;
        return Ok(Decision {
            spec,
            recipe: None,
            languages: Vec::new(),
            answers: Vec::new(),
            dockerfile: Dockerfile::Text(text),
            manifests,
            deciders,
            version,
        });
    }
    let path = match (&spec.build.dockerfile, &spec.build.recipe) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(_)) => None,
        (None, None) => own_dockerfile(tree)?,
    };
    let mut chosen = match &spec.build.recipe {
        Some(wanted) => named(wanted, &spec, tree, ports, recorder).await?,
        None => asked(&spec, path.as_deref(), tree, ports, recorder).await?,
    };
    let mut notes = failed(&chosen, path.as_deref());
    if let (None, Some(recipe)) = (&path, &mut chosen.recipe) {
        assets::join(recipe, &chosen.others, &chosen.refusals, tree.directory());
        settle(recipe);
        notes.extend(build_secrets::mount(recipe, &spec, app)?);
        let hooks = &*ports.hooks;
        notes.extend(processes::join(recipe, &mut spec, &mut deciders, app, hooks));
        notes.extend(versions::unused(recipe, &spec));
    }
    let answers = chosen.answers(path.is_none());
    let languages = match (&path, &chosen.recipe) {
        (None, Some(recipe)) => vec![recipe.language.clone()],
        _ => chosen.languages(),
    };
    let Chosen { mut recipe, refusals, failures, .. } = chosen;
    let version = version::of(commit, tree.tags(), spec.build.arguments.get(version::VERSION));
    if let Some(recipe) = &mut recipe {
        recognised(recipe, path.is_none(), recorder).await;
        recipe.fill(version::COMMIT, &commit.id);
        if recipe.fill(version::VERSION, &version.text) && path.is_none() {
            decided("version", &version.text, vec![version.evidence], recorder).await;
        }
    }
    for (message, fix) in notes {
        if let Some(recipe) = &mut recipe {
            // A plan has no journal: what it warns of stands with the recipe.
            recipe.warnings.push(Advice { message: message.clone(), fix: fix.clone() });
        }
        recorder.record(Event::Warning { stage: Stage::Detect, message, fix }).await;
    }
    let dockerfile = match (path, &recipe) {
        (Some(path), _) => {
            let evidence = vec![format!("{path}: a Dockerfile in the repository is used as it is")];
            decided("dockerfile", &path, evidence, recorder).await;
            Dockerfile::Path(path)
        }
        (None, Some(recipe)) => {
            let refused = |error| Cause::Recipe { plugin: recipe.detector.clone(), error };
            Dockerfile::Text(render(recipe).map_err(refused)?)
        }
        (None, None) if !refusals.is_empty() => return Err(Cause::Refused(refusals)),
        (None, None) => {
            let known = || Cause::Undetected(ports.detectors.names());
            return Err(failures.into_iter().next().map_or_else(known, Cause::Plugin));
        }
    };
    let version = version.text;
    Ok(Decision { spec, recipe, languages, answers, dockerfile, manifests, deciders, version })
}

/// Asks all detectors. With a Dockerfile, at `path`, detectors that cannot be asked end nothing.
async fn asked(
    spec: &Spec,
    path: Option<&str>,
    tree: &dyn Tree,
    ports: &Ports,
    recorder: &Recorder,
) -> Result<Chosen, Cause> {
    let request = DetectRequest { versions: spec.build.versions.clone(), named: None };
    match (ports.detectors.detect(tree, &request, recorder).await, path) {
        (Ok(detected), _) => Ok(best(detected)),
        (Err(error), None) => Err(error.into()),
        (Err(error), Some(_)) => {
            Ok(best(Detections { failures: vec![error], ..Detections::default() }))
        }
    }
}

/// Asks the detector that the user names. A refusal of this detector is the error.
async fn named(
    wanted: &str,
    spec: &Spec,
    tree: &dyn Tree,
    ports: &Ports,
    recorder: &Recorder,
) -> Result<Chosen, Cause> {
    let known = ports.detectors.names();
    let mut request = DetectRequest { versions: spec.build.versions.clone(), named: None };
    let is_known = known.iter().any(|name| name == wanted);
    if is_known {
        request.named = Some(wanted.to_owned());
        let mut chosen = best(ports.detectors.detect(tree, &request, recorder).await?);
        if let Some(recipe) = &chosen.recipe {
            if assets::wanted(recipe) {
                // The user chose who plans the app, not that nobody builds the files which it serves.
                request.named = None;
                let all = best(ports.detectors.detect(tree, &request, recorder).await?);
                let is_other = |recipe: &Recipe| recipe.detector != wanted;
                chosen.others = all.recipe.into_iter().chain(all.others).filter(is_other).collect();
                chosen.refusals = all.refusals;
            }
            return Ok(chosen);
        }
        if !chosen.refusals.is_empty() {
            return Err(Cause::Refused(chosen.refusals));
        }
        if let Some(failure) = chosen.failures.into_iter().next() {
            return Err(failure.into());
        }
    }
    // Not this one: the error names those that do know the source.
    request.named = None;
    let detected = ports.detectors.detect(tree, &request, recorder).await?;
    let found: Vec<_> = detected.recipes.into_iter().map(|recipe| recipe.detector).collect();
    if is_known || !found.is_empty() {
        return Err(Cause::NoSuchRecipe { wanted: wanted.to_owned(), found });
    }
    Err(Cause::Undetected(known))
}

/// Returns warnings of detectors that gave no answer, where the build goes on without them, or ends by the refusal of
/// another.
fn failed(chosen: &Chosen, path: Option<&str>) -> Vec<build_secrets::Note> {
    let goes_on = match (path, &chosen.recipe) {
        (Some(path), _) => format!("the build goes on with {path}"),
        (None, Some(recipe)) => format!("the build goes on as `{}` plans it", recipe.detector),
        (None, None) if chosen.refusals.is_empty() => return Vec::new(),
        (None, None) => "no other detector plans a build either".into(),
    };
    let note = |PluginError { plugin, message, hint, .. }: &PluginError| {
        let hint = hint.as_deref().unwrap_or("tell the plugin's author");
        let message = format!("detector `{plugin}` gave no answer: {message}");
        (message, format!("{goes_on}; {hint}"))
    };
    chosen.failures.iter().map(note).collect()
}

/// Finds the Dockerfile of a repository whose spec names none.
fn own_dockerfile(tree: &dyn Tree) -> Result<Option<String>, GitError> {
    for name in DOCKERFILES {
        // A folder of Dockerfiles may have the name, too, and none in it is the app's by name.
        if !tree.is_folder(name) && tree.read(name, LONGEST)?.is_some() {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// Refuses Git LFS pointers, unless the spec says that the app does not need their files.
async fn pointers(spec: &Spec, tree: &dyn Tree, recorder: &Recorder) -> Result<(), Cause> {
    let Pointers { files, count } = tree.pointers().clone();
    if count == 0 {
        return Ok(());
    }
    let error = GitError::Pointers { files, count };
    if spec.build.lfs_pointers != Some(true) {
        return Err(error.into());
    }
    let message = error.to_string();
    let fix =
        "none is needed where the app works without them: `build.lfs-pointers` is true".into();
    recorder.record(Event::Warning { stage: Stage::Detect, message, fix }).await;
    Ok(())
}

/// Reads the manifests of the repository that the spec names.
fn manifests(spec: &Spec, tree: &dyn Tree) -> Result<Vec<Manifest>, Cause> {
    let mut all = Vec::new();
    for file in &spec.manifests {
        let text = tree.read(file, LONGEST)?.ok_or_else(|| SpecError {
            field: "manifests".into(),
            value: file.clone(),
            problem: "is not in the app's folder".into(),
        })?;
        all.extend(manifest::read(file, &text)?);
    }
    Ok(all)
}

/// Records what a recipe says of the source, and, where it is built, of how.
async fn recognised(recipe: &Recipe, is_built: bool, recorder: &Recorder) {
    let value = format!("{} (score {}, by `{}`)", recipe.language, recipe.score, recipe.detector);
    decided("language", &value, recipe.evidence.clone(), recorder).await;
    if !recipe.toolchains.is_empty() {
        decided("toolchain", &recipe.toolchains.join(", "), Vec::new(), recorder).await;
    }
    if !is_built {
        return;
    }
    for Choice { subject, value, source } in &recipe.decisions {
        decided(subject, value, vec![source.clone()], recorder).await;
    }
    for Advice { message, fix } in recipe.warnings.clone() {
        recorder.record(Event::Warning { stage: Stage::Detect, message, fix }).await;
    }
}

async fn decided(subject: &str, value: &str, evidence: Vec<String>, recorder: &Recorder) {
    let subject = subject.to_owned();
    let value = value.to_owned();
    recorder.record(Event::Decided { stage: Stage::Detect, subject, value, evidence }).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// A tree of these files, all empty. A name that ends with a slash is a folder's.
    struct Files(&'static [&'static str]);

    impl Tree for Files {
        fn root(&self) -> &Path {
            Path::new("/")
        }

        fn read(&self, path: &str, _: u64) -> Result<Option<String>, GitError> {
            if self.is_folder(path) {
                return Err(GitError::Tree { path: path.into(), message: "is no file".into() });
            }
            Ok(self.0.contains(&path).then(String::new))
        }

        fn is_folder(&self, path: &str) -> bool {
            self.0.contains(&&*format!("{path}/"))
        }
    }

    #[test]
    fn a_dockerfile_is_found_in_both_cases() {
        let found = |files| own_dockerfile(&Files(files)).unwrap();
        assert_eq!(found(&["dockerfile", "index.html"]).as_deref(), Some("dockerfile"));
        assert_eq!(found(&["dockerfile", "Dockerfile"]).as_deref(), Some("Dockerfile"));
        assert_eq!(found(&["DOCKERFILE"]), None);
        assert_eq!(found(&["dockerfile/", "Dockerfile/"]), None);
        assert_eq!(found(&["Dockerfile/", "dockerfile"]).as_deref(), Some("dockerfile"));
    }
}
