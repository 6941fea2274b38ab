//! Detect stage: what the tree is, by which evidence, and how it is built.

use super::secrets;
use crate::{
    deploy::Deploy,
    dockerfile::render,
    failure::Cause,
    ports::{Detections, Dockerfile, Pointers, Ports, Tree},
    recorder::Recorder,
};
use std::collections::BTreeMap;
use windlass_model::{
    error::{GitError, PluginError},
    event::Event,
    job::{Commit, Stage},
    manifest,
    recipe::Recipe,
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
    /// Detectors that know the source and plan no build of it. With a Dockerfile their languages' test
    /// runners may read the tests all the same.
    pub refused: Vec<String>,
    pub dockerfile: Dockerfile,
    /// Manifests of the repository's own.
    pub manifests: Vec<Manifest>,
    /// Origin of each field that is set, by the field's path: `job` or `windlass.toml`.
    pub deciders: BTreeMap<String, &'static str>,
    /// Version of the commit, for builds that ask for it.
    pub version: String,
}

/// A decision with the secrets that it names.
pub(super) struct Detection {
    pub(super) decision: Decision,
    pub(super) env: Vec<SecretEnv>,
    pub(super) build_secrets: BTreeMap<String, Secret>,
}

impl Deploy<'_> {
    /// Decides what to build, and opens the secrets that the decision names.
    pub(super) async fn detect(
        &self,
        commit: &Commit,
        tree: &dyn Tree,
    ) -> Result<Detection, Cause> {
        let recorder = self.run.recorder();
        let decision = decide(&self.job.spec, commit, tree, self.ports, recorder).await?;
        let app = &self.job.app;
        let (env, build_secrets) =
            secrets::resolve(app, &decision.spec, self.ports, self.run).await?;
        Ok(Detection { decision, env, build_secrets })
    }
}

/// Reads `windlass.toml`, finds the Dockerfile, and asks all detectors. The best score wins, ties go by the
/// operator's order, and a recipe that the user names beats all. A detector's refusal does not matter where
/// another detector plans a build.
///
/// # Errors
/// [`Cause::Spec`] for an invalid file, [`Cause::Refused`] if all detectors refuse, [`Cause::Undetected`] if
/// none recognised the source.
pub async fn decide(
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
    let spec = spec.clone().merged_over(file);
    // Each is consistent alone; merged, they may contradict each other.
    spec.check()?;
    pointers(&spec, tree, recorder).await?;
    let manifests = manifests(&spec, tree)?;
    let path = match (&spec.build.dockerfile, &spec.build.recipe) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(_)) => None,
        (None, None) => own_dockerfile(tree)?,
    };
    let detected = match (ports.detectors.detect(tree, recorder).await, &path) {
        (Ok(detected), _) => detected,
        (Err(error), None) => return Err(error.into()),
        (Err(error), Some(_)) => Detections { refusals: vec![error], ..Detections::default() },
    };
    let refused = detected.refusals.iter().map(|refusal| refusal.plugin.clone()).collect();
    let mut recipe = match &spec.build.recipe {
        Some(wanted) => Some(named(wanted, detected, ports)?),
        None => best(detected, path.as_deref(), recorder).await?,
    };
    let version = version::of(commit, tree.tags(), spec.build.arguments.get(version::VERSION));
    if let Some(recipe) = &mut recipe {
        recognised(recipe, recorder).await;
        recipe.fill(version::COMMIT, &commit.id);
        if recipe.fill(version::VERSION, &version.text) && path.is_none() {
            decided("version", &version.text, vec![version.evidence], recorder).await;
        }
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
        (None, None) => return Err(Cause::Undetected(ports.detectors.names())),
    };
    let version = version.text;
    Ok(Decision { spec, recipe, refused, dockerfile, manifests, deciders, version })
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

/// Returns the recipe of the detector that the user names. The other answers do not matter then.
fn named(wanted: &str, detected: Detections, ports: &Ports) -> Result<Recipe, Cause> {
    let Detections { recipes, refusals } = detected;
    let found: Vec<_> = recipes.iter().map(|recipe| recipe.detector.clone()).collect();
    if let Some(recipe) = recipes.into_iter().find(|recipe| recipe.detector == wanted) {
        return Ok(recipe);
    }
    if let Some(refusal) = refusals.into_iter().find(|refusal| refusal.plugin == wanted) {
        return Err(Cause::Refused(vec![refusal]));
    }
    let wanted = wanted.to_owned();
    let known = ports.detectors.names();
    if known.contains(&wanted) || !found.is_empty() {
        return Err(Cause::NoSuchRecipe { wanted, found });
    }
    Err(Cause::Undetected(known))
}

/// Returns the recipe of the best score, with the ones passed over as evidence. Refusals fail the job
/// only where there is neither a recipe nor a Dockerfile, at `path`, to go on with.
async fn best(
    detected: Detections,
    path: Option<&str>,
    recorder: &Recorder,
) -> Result<Option<Recipe>, Cause> {
    let Detections { mut recipes, refusals } = detected;
    let most = recipes.iter().map(|recipe| recipe.score).max();
    // The first of the best, since `max_by_key` would give the last.
    let first = recipes.iter().position(|recipe| Some(recipe.score) == most);
    let mut recipe = first.map(|first| recipes.remove(first));
    let goes_on = match (path, &recipe) {
        (Some(path), _) => format!("with {path}"),
        (None, Some(recipe)) => format!("as `{}` plans it", recipe.detector),
        (None, None) if refusals.is_empty() => return Ok(None),
        (None, None) => return Err(Cause::Refused(refusals)),
    };
    if let Some(recipe) = &mut recipe {
        let other = |other: &Recipe| {
            let name = &other.detector;
            let score = other.score;
            format!("`{name}` plans a build too (score {score}): `build.recipe` names one")
        };
        let refused = |refusal: &PluginError| {
            format!("`{}` could plan no build: {}", refusal.plugin, refusal.message)
        };
        recipe.evidence.extend(recipes.iter().map(other));
        recipe.evidence.extend(refusals.iter().map(refused));
    }
    for PluginError { plugin, message, hint, .. } in refusals {
        let fix = match hint {
            // A trap or a limit: a plugin's own error has a hint.
            None => format!("the build goes on {goes_on}; tell the plugin's author"),
            Some(_) if path.is_some() => format!("nothing: the build goes on {goes_on}"),
            Some(hint) => {
                format!("the build goes on {goes_on}; should it go by `{plugin}` instead: {hint}")
            }
        };
        let message = format!("detector `{plugin}` could plan no build: {message}");
        recorder.record(Event::Warning { stage: Stage::Detect, message, fix }).await;
    }
    Ok(recipe)
}

async fn recognised(recipe: &Recipe, recorder: &Recorder) {
    let value = format!("{} (score {}, by `{}`)", recipe.language, recipe.score, recipe.detector);
    decided("language", &value, recipe.evidence.clone(), recorder).await;
    if !recipe.toolchains.is_empty() {
        decided("toolchain", &recipe.toolchains.join(", "), Vec::new(), recorder).await;
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
