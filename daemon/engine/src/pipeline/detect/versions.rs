//! Versions that the user asks for, and that no plan takes: a misspelt runtime, or a detector that reads none.

use super::build_secrets::Note;
use windlass_model::{
    recipe::{Choice, Recipe},
    spec::Spec,
};

/// Returns a warning for each of `build.versions` that neither the recipe nor its images show.
pub(super) fn unused(recipe: &Recipe, spec: &Spec) -> Vec<Note> {
    let unused = spec.build.versions.keys().filter(|name| !is_used(recipe, name));
    unused
        .map(|name| {
            let message = format!(
                "build.versions.{name} changes nothing: `{}` asks for no such version",
                recipe.detector
            );
            let known: Vec<_> =
                recipe.toolchains.iter().filter_map(|tool| tool.split(' ').next()).collect();
            let fix = match &*known {
                [] => "remove it, or write the version into the runtime's own file".to_owned(),
                known => format!("remove it, or name one of {}", known.join(", ")),
            };
            (message, fix)
        })
        .collect()
}

fn is_used(recipe: &Recipe, name: &str) -> bool {
    let by_word = |choice: &Choice| {
        choice.source.ends_with(&format!("build.versions.{name}"))
            || (choice.subject == name && choice.source.contains("[build] versions"))
    };
    // Assets of another language have no decisions of their own here. Components of 0.1.0 decide nothing.
    let by_image = || recipe.image.stages.iter().any(|stage| is_of(&stage.base, name));
    recipe.decisions.iter().any(by_word) || (!recipe.decisions.is_empty() && by_image())
}

/// Returns whether a part of an image's path is the runtime's: `node` in `docker.io/library/node:22-slim`, `elixir` and
/// `erlang` in `hexpm/elixir:1.18.4-erlang-27.3`.
fn is_of(base: &str, name: &str) -> bool {
    base.split(|c: char| !c.is_ascii_alphabetic()).any(|part| part == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::recipe::{BuildStage, ImagePlan};

    #[test]
    fn a_version_that_no_plan_takes_is_told() {
        let choice = |subject: &str, source: &str| Choice {
            subject: subject.into(),
            value: "1".into(),
            source: source.into(),
        };
        let stage = BuildStage { base: "node:20-slim".into(), ..BuildStage::default() };
        let mut recipe = Recipe {
            detector: "php".into(),
            toolchains: vec!["php 8.3".into()],
            decisions: vec![
                choice("php", "windlass.toml build.versions.php"),
                choice("hugo", "[build] versions"),
            ],
            image: ImagePlan { stages: vec![stage], ..ImagePlan::default() },
            ..Recipe::default()
        };
        let mut spec = Spec::default();
        for name in ["php", "hugo", "node", "nodejs"] {
            spec.build.versions.insert(name.into(), "1".into());
        }
        let notes = unused(&recipe, &spec);
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].0.starts_with("build.versions.nodejs changes nothing"), "{notes:?}");
        assert_eq!(notes[0].1, "remove it, or name one of php");
        recipe.decisions.clear();
        assert_eq!(unused(&recipe, &spec).len(), 4, "a component of 0.1.0 is not given any");
    }
}
