//! Diagnoses of a tree that no detector recognises, and of a spec or recipe that cannot be used.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_model::error::PluginError;

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
            refusals.iter().map(|refusal| &*refusal.plugin).collect::<Vec<_>>().join(", "),
            messages(refusals),
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

/// Joins the reasons of all refusals.
fn messages(refusals: &[PluginError]) -> String {
    match refusals {
        [only] => only.message.clone(),
        several => {
            let line = |refusal: &PluginError| format!("{}: {}", refusal.plugin, refusal.message);
            several.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

/// Lists each detector's own suggestion, and the one that helps against all refusals.
fn suggestions(refusals: &[PluginError]) -> Vec<String> {
    let suggested = refusals.iter().map(|refusal| {
        let hint = refusal.hint.as_deref();
        // A plugin's own error always has a hint: this is a trap or a limit.
        let hint = hint.unwrap_or("tell the plugin's author, or ask the operator to take it out");
        if refusals.len() > 1 { format!("{}: {hint}", refusal.plugin) } else { hint.to_owned() }
    });
    suggested.chain(["or commit a Dockerfile to go on without".to_owned()]).collect()
}
