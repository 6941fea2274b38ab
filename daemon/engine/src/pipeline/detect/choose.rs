//! Choice among the detectors' answers.

use crate::ports::Detections;
use std::cmp::Reverse;
use windlass_model::{
    error::PluginError,
    recipe::{Recipe, Refusal},
};

/// Answers of the detectors in the order of their worth.
#[derive(Default)]
pub(super) struct Chosen {
    /// Recipe of the best score. Ties go by the operator's order. `None` means that no detector plans a build.
    pub(super) recipe: Option<Recipe>,
    /// The other recipes, the best first.
    pub(super) others: Vec<Recipe>,
    /// Refusals, the nearest to a plan first.
    pub(super) refusals: Vec<Refusal>,
    /// Detectors that gave no answer.
    pub(super) failures: Vec<PluginError>,
}

/// One detector's answer, as a plan shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DetectorAnswer {
    pub detector: String,
    pub language: String,
    pub score: u8,
    /// This answer is the one that is built.
    pub chosen: bool,
    /// File and rule for each conclusion.
    pub evidence: Vec<String>,
    /// Reason and hint of a refusal. `None` means that the detector plans a build.
    pub refusal: Option<(String, String)>,
}

/// Orders the answers. The recipe's evidence names those that it beats.
pub(super) fn best(detections: Detections) -> Chosen {
    let Detections { mut recipes, mut refusals, failures } = detections;
    // Stable: ties keep the operator's order.
    recipes.sort_by_key(|recipe| Reverse(recipe.score));
    refusals.sort_by_key(|refusal| Reverse(refusal.score));
    let mut recipes = recipes.into_iter();
    let mut recipe = recipes.next();
    let others: Vec<_> = recipes.collect();
    if let Some(recipe) = &mut recipe {
        let other = |other: &Recipe| {
            let Recipe { detector, score, .. } = other;
            format!("`{detector}` plans a build too (score {score}): `build.recipe` names one")
        };
        let refused = |refusal: &Refusal| {
            format!("`{}` could plan no build: {}", refusal.detector, refusal.reason)
        };
        recipe.evidence.extend(others.iter().map(other));
        recipe.evidence.extend(refusals.iter().map(refused));
    }
    Chosen { recipe, others, refusals, failures }
}

impl Chosen {
    /// Returns all answers, the best first. `is_built` says whether the best recipe is what is built.
    pub(super) fn answers(&self, is_built: bool) -> Vec<DetectorAnswer> {
        let plan = |recipe: &Recipe, chosen| DetectorAnswer {
            detector: recipe.detector.clone(),
            language: recipe.language.clone(),
            score: recipe.score,
            chosen,
            evidence: recipe.evidence.clone(),
            refusal: None,
        };
        let refusal = |refusal: &Refusal| DetectorAnswer {
            detector: refusal.detector.clone(),
            language: refusal.language.clone(),
            score: refusal.score,
            chosen: false,
            evidence: refusal.evidence.clone(),
            refusal: Some((refusal.reason.clone(), refusal.hint.clone())),
        };
        let best = self.recipe.iter().map(|recipe| plan(recipe, is_built));
        let others = self.others.iter().map(|recipe| plan(recipe, false));
        best.chain(others).chain(self.refusals.iter().map(refusal)).collect()
    }

    /// Returns the languages of all answers, the best first, each once.
    pub(super) fn languages(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let recipes = self.recipe.iter().chain(&self.others).map(|recipe| &recipe.language);
        for language in recipes.chain(self.refusals.iter().map(|refusal| &refusal.language)) {
            if !all.contains(language) {
                all.push(language.clone());
            }
        }
        all
    }
}
