//! Files of another language: the stages of a detector that loses build them for the one that wins.

use windlass_model::recipe::{Assets, BuildSecret, BuildStage, BuildStep, Recipe, Refusal};

/// Beginning of the names of stages that build assets.
const PREFIX: &str = "assets-";

/// Returns whether a recipe has a place for files of another language.
pub(super) fn wanted(recipe: &Recipe) -> bool {
    recipe.image.stages.iter().any(|stage| stage.steps.contains(&BuildStep::Assets))
}

/// Puts the stages of the best other answer with assets before the stage that wants them, and a `COPY` where
/// it wants them. Without any, the place is removed. `app` is the app's folder.
pub(super) fn join(recipe: &mut Recipe, others: &[Recipe], refusals: &[Refusal], app: &str) {
    let wants = |stage: &BuildStage| stage.steps.contains(&BuildStep::Assets);
    let Some(at) = recipe.image.stages.iter().position(wants) else { return };
    let copy = match offered(others, refusals, app) {
        Some(offer) if offer.context == recipe.context && !offer.assets.stages.is_empty() => {
            let Assets { source, output, .. } = offer.assets;
            let stages = renamed(&offer.assets.stages);
            let from = stages.last().map(|stage| stage.name.clone());
            recipe.evidence.push(format!("{source}: assets, built by `{}`", offer.detector));
            recipe.build_secrets.extend_from_slice(offer.secrets);
            drop(recipe.image.stages.splice(at..at, stages));
            from.map(|from| BuildStep::Copy {
                from: Some(from),
                sources: vec![output.clone()],
                dest: "./".into(),
                owned: false,
                why: Some(source.clone()),
            })
        }
        Some(offer) => {
            let Assets { source, .. } = offer.assets;
            recipe.evidence.push(format!(
                "{source}: assets of `{}` are not built: they are built in `{}`, and the app in `{}`",
                offer.detector,
                shown(offer.context),
                shown(&recipe.context)
            ));
            None
        }
        None => None,
    };
    for stage in &mut recipe.image.stages {
        let mut steps = Vec::with_capacity(stage.steps.len());
        for step in stage.steps.drain(..) {
            match step {
                BuildStep::Assets => steps.extend(copy.clone()),
                other => steps.push(other),
            }
        }
        stage.steps = steps;
    }
}

/// Assets of one answer.
struct Offer<'a> {
    detector: &'a str,
    /// Folder that the stages' sources are relative to.
    context: &'a str,
    assets: &'a Assets,
    secrets: &'a [BuildSecret],
}

/// Finds the best answer with assets: recipes before refusals, each by its score.
fn offered<'a>(others: &'a [Recipe], refusals: &'a [Refusal], app: &'a str) -> Option<Offer<'a>> {
    let of_recipe = |recipe: &'a Recipe| {
        Some(Offer {
            detector: &recipe.detector,
            context: &recipe.context,
            assets: recipe.assets.as_ref()?,
            secrets: &recipe.build_secrets,
        })
    };
    // A refusal names no context: its paths are the app's.
    let of_refusal = |refusal: &'a Refusal| {
        let assets = refusal.assets.as_ref()?;
        Some(Offer { detector: &refusal.detector, context: app, assets, secrets: &[] })
    };
    let recipes = others.iter().filter_map(of_recipe);
    recipes.chain(refusals.iter().filter_map(of_refusal)).next()
}

/// Returns stages under names that no stage of the winner has.
fn renamed(stages: &[BuildStage]) -> Vec<BuildStage> {
    let is_ours = |name: &str| stages.iter().any(|stage| stage.name == name);
    let rename = |name: &mut String| {
        if is_ours(name) {
            name.insert_str(0, PREFIX);
        }
    };
    let mut all = stages.to_vec();
    for stage in &mut all {
        rename(&mut stage.name);
        rename(&mut stage.base);
        stage.steps.retain(|step| *step != BuildStep::Assets);
        for step in &mut stage.steps {
            if let BuildStep::Copy { from: Some(from), .. } = step {
                rename(from);
            }
        }
    }
    all
}

fn shown(folder: &str) -> &str {
    if folder.is_empty() { "." } else { folder }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::render;
    use windlass_model::recipe::ImagePlan;

    fn stage(name: &str, base: &str, steps: Vec<BuildStep>) -> BuildStage {
        BuildStage { name: name.into(), base: base.into(), steps, ..BuildStage::default() }
    }

    fn winner() -> Recipe {
        let steps = vec![BuildStep::copy(None, &["."], "./"), BuildStep::Assets];
        Recipe {
            detector: "ruby".into(),
            language: "ruby".into(),
            image: ImagePlan {
                stages: vec![
                    stage("build", "ruby:3.4-slim", steps),
                    stage(
                        "run",
                        "ruby:3.4-slim",
                        vec![BuildStep::copy(Some("build"), &["/app"], "/app")],
                    ),
                ],
                start: vec!["puma".into()],
                user: 10001,
                ..ImagePlan::default()
            },
            ..Recipe::default()
        }
    }

    fn assets() -> Assets {
        let install = vec![
            BuildStep::copy(None, &["package.json", "yarn.lock"], "./"),
            BuildStep::run(&["yarn", "install"]),
        ];
        let build = vec![
            BuildStep::copy(Some("build"), &["/app"], "/app"),
            BuildStep::run(&["yarn", "build"]),
        ];
        Assets {
            stages: vec![stage("build", "node:22-slim", install), stage("pack", "build", build)],
            output: "/app".into(),
            source: "package.json:5 scripts.build".into(),
        }
    }

    fn loser() -> Refusal {
        Refusal { detector: "node".into(), assets: Some(assets()), ..Refusal::default() }
    }

    #[test]
    fn assets_of_the_loser_become_a_stage_of_the_winner() {
        let mut recipe = winner();
        join(&mut recipe, &[], &[loser()], "");
        let expected = r#"# ruby app, found by `ruby`

FROM node:22-slim AS assets-build
WORKDIR /app
COPY package.json yarn.lock ./
RUN ["yarn", "install"]

FROM assets-build AS assets-pack
WORKDIR /app
COPY --from=assets-build /app /app
RUN ["yarn", "build"]

FROM ruby:3.4-slim AS build
WORKDIR /app
COPY . ./
# package.json:5 scripts.build
COPY --from=assets-pack /app ./

FROM ruby:3.4-slim AS run
WORKDIR /app
COPY --from=build /app /app
USER 10001
CMD ["puma"]
"#;
        assert_eq!(render(&recipe).unwrap(), expected);
        assert_eq!(recipe.evidence, ["package.json:5 scripts.build: assets, built by `node`"]);
    }

    #[test]
    fn without_assets_or_with_another_context_nothing_is_left_of_the_place() {
        let mut recipe = winner();
        join(&mut recipe, &[], &[Refusal::default()], "");
        assert_eq!(recipe.image.stages.len(), 2);
        assert_eq!(recipe.image.stages[0].steps.len(), 1);
        let mut recipe = winner();
        join(&mut recipe, &[], &[loser()], "apps/web");
        assert_eq!(recipe.image.stages[0].steps.len(), 1);
        assert!(recipe.evidence[0].contains("are not built: they are built in `apps/web`"));
    }
}
