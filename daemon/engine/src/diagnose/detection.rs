//! Diagnoses of a tree that no detector recognises, and of a spec or recipe that cannot be used.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::{
    diagnosis::Diagnosis,
    recipe::{Candidate, Refusal},
};

/// Most folders that the fixes name.
const MOST_CANDIDATES: usize = 10;

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let (code, subject, why, fixes) = match &failure.cause {
        Cause::Undetected(asked) => (
            Code::NothingDetected,
            String::new(),
            format!("asked: {}", asked.join(", ")),
            vec![
                "commit a Dockerfile".to_owned(),
                "if the app is in a folder of the repository, say so in `source.directory`".into(),
            ],
        ),
        Cause::NoSuchRecipe { wanted, .. } => (
            Code::RecipeNotFound,
            wanted.clone(),
            String::new(),
            vec!["set `build.recipe` to one of those, or leave it out".to_owned()],
        ),
        Cause::Refused(refusals) => (
            Code::PluginFailed,
            refusals.iter().map(|refusal| &*refusal.detector).collect::<Vec<_>>().join(", "),
            reasons(refusals),
            suggestions(refusals),
        ),
        Cause::Spec(error) => (
            Code::SpecInvalid,
            error.field.clone(),
            error.problem.clone(),
            vec!["correct it and commit again".to_owned()],
        ),
        Cause::Recipe { plugin, .. } => (
            Code::RecipeRefused,
            plugin.clone(),
            String::new(),
            vec![
                "this is the plugin's mistake: tell its author".to_owned(),
                "commit a Dockerfile to go on without it".into(),
            ],
        ),
        Cause::Plugin(error) => (
            Code::PluginFailed,
            error.plugin.clone(),
            error.message.clone(),
            error
                .hint
                .iter()
                .cloned()
                .chain([
                    "commit a Dockerfile to go on without it".to_owned(),
                    "or ask the operator to take the plugin out".into(),
                ])
                .collect(),
        ),
        _ => return None,
    };
    let what = failure.cause.to_string();
    Some(Diagnosis { code: code.into(), subject, what, why, fixes, ..Diagnosis::default() })
}

/// Lists the reasons of all refusals, the nearest to a plan first.
fn reasons(refusals: &[Refusal]) -> String {
    let line = |refusal: &Refusal| {
        let Refusal { detector, language, reason, .. } = refusal;
        format!("{language} ({detector}): {reason}")
    };
    refusals.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Lists the nearest refusal's own suggestion, the folders that are apps of their own, and what helps against all
/// refusals.
fn suggestions(refusals: &[Refusal]) -> Vec<String> {
    let hint = refusals.first().map(|refusal| refusal.hint.clone());
    let mut folders: Vec<&str> = Vec::new();
    let mut candidates = Vec::new();
    for Candidate { folder, language, name } in refusals.iter().flat_map(|one| &one.candidates) {
        if candidates.len() < MOST_CANDIDATES && !folders.contains(&&**folder) {
            folders.push(folder);
            candidates.push(format!("--directory {folder}   # {language}, \"{name}\""));
        }
    }
    let hint = hint.filter(|hint| !hint.is_empty());
    let last = "or commit a Dockerfile to go on without".to_owned();
    hint.into_iter().chain(candidates).chain([last]).collect()
}
