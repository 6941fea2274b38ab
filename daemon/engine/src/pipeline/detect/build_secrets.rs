//! Secrets that an install wants: each variable is mounted from the secret of the build that has its name.

use std::collections::BTreeSet;
use windlass_model::{
    app::App,
    recipe::{BuildSecret, BuildStep, Recipe},
    spec::{Spec, SpecError},
};

/// Message and fix of a warning.
pub(super) type Note = (String, String);

/// Replaces the variables of all commands by mounts of the spec's build secrets. One that the spec does not have is
/// dropped with a warning, unless the install fails without it.
///
/// # Errors
/// [`SpecError`] names a variable that the install requires, and what to do.
pub(super) fn mount(recipe: &mut Recipe, spec: &Spec, app: &App) -> Result<Vec<Note>, SpecError> {
    let declared = &spec.build.secrets;
    let wanted = recipe.build_secrets.clone();
    let mut missing = BTreeSet::new();
    for stage in &mut recipe.image.stages {
        for step in &mut stage.steps {
            let BuildStep::Run { secrets, .. } = step else { continue };
            let variables = std::mem::take(secrets);
            for variable in variables {
                let usual = usual(&variable);
                match declared.iter().find(|name| **name == variable || **name == usual) {
                    Some(name) if *name == usual => secrets.push(variable),
                    Some(name) => secrets.push(format!("{name}={variable}")),
                    None => {
                        missing.insert(variable);
                    }
                }
            }
        }
    }
    let mut notes = Vec::new();
    for variable in missing {
        let known = wanted.iter().find(|secret| secret.variable == variable);
        let BuildSecret { source, required, .. } = known.cloned().unwrap_or_default();
        let source = if source.is_empty() { "the recipe".into() } else { source };
        let name = usual(&variable);
        let fix = format!(
            "`windlass secret put {} {name}`, then `[build] secrets = [\"{name}\"]`",
            app.project
        );
        if required {
            let problem = format!("is wanted by {source}: {fix}");
            return Err(SpecError { field: "build.secrets".into(), value: variable, problem });
        }
        notes.push((
            format!("`{variable}` is wanted by {source}, and the build has no such secret"),
            fix,
        ));
    }
    Ok(notes)
}

/// Returns the name that a variable's secret usually has: `npm-token` for `NPM_TOKEN`.
fn usual(variable: &str) -> String {
    variable.to_ascii_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::recipe::{BuildStage, ImagePlan};

    fn recipe(required: bool) -> Recipe {
        let install = BuildStep::Run {
            argv: vec!["npm".into(), "ci".into()],
            caches: vec![],
            secrets: vec!["NPM_TOKEN".into()],
            why: None,
        };
        let stage = BuildStage { steps: vec![install], ..BuildStage::default() };
        Recipe {
            image: ImagePlan { stages: vec![stage], ..ImagePlan::default() },
            build_secrets: vec![BuildSecret {
                variable: "NPM_TOKEN".into(),
                source: ".npmrc:2".into(),
                required,
            }],
            ..Recipe::default()
        }
    }

    fn mounted(declared: &[&str], required: bool) -> Result<(Vec<String>, Vec<Note>), SpecError> {
        let mut spec = Spec::default();
        spec.build.secrets = declared.iter().map(ToString::to_string).collect();
        let app = App::new("shop", "web", "").unwrap();
        let mut recipe = recipe(required);
        let notes = mount(&mut recipe, &spec, &app)?;
        let BuildStep::Run { secrets, .. } = recipe.image.stages[0].steps[0].clone() else {
            panic!("a command")
        };
        Ok((secrets, notes))
    }

    #[test]
    fn a_secret_that_the_install_wants_is_mounted_or_told() {
        assert_eq!(mounted(&["npm-token"], true).unwrap(), (vec!["NPM_TOKEN".into()], vec![]));
        let own = mounted(&["NPM_TOKEN"], true).unwrap().0;
        assert_eq!(own, ["NPM_TOKEN=NPM_TOKEN"]);
        let (secrets, notes) = mounted(&["other"], false).unwrap();
        assert!(secrets.is_empty());
        assert!(notes[0].0.contains("`NPM_TOKEN` is wanted by .npmrc:2"), "{notes:?}");
        let error = mounted(&[], true).unwrap_err();
        assert_eq!((&*error.field, &*error.value), ("build.secrets", "NPM_TOKEN"));
        assert!(error.problem.contains("`windlass secret put shop npm-token`"), "{error}");
        assert!(error.problem.contains(".npmrc:2"), "{error}");
    }
}
