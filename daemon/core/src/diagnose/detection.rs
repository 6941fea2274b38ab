//! Nobody knows what the tree is, or what is said of it cannot be.

use super::Diagnosis;
use crate::run::{Cause, Failure};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let (code, subject, why, fixes) = match &failure.cause {
        Cause::Undetected(asked) => (
            "nothing-detected",
            String::new(),
            format!("asked: {}", asked.join(", ")),
            vec![
                "commit a Dockerfile".to_owned(),
                "if the app is in a folder of the repository, say so in `source.directory`".into(),
            ],
        ),
        Cause::NoSuchRecipe { wanted, .. } => (
            "recipe-not-found",
            wanted.clone(),
            String::new(),
            vec!["set `build.recipe` to one of those, or leave it out".to_owned()],
        ),
        Cause::Spec(error) => (
            "spec-invalid",
            error.field.clone(),
            error.problem.clone(),
            vec!["correct it and commit again".to_owned()],
        ),
        Cause::Recipe { plugin, .. } => (
            "recipe-refused",
            plugin.clone(),
            String::new(),
            vec![
                "this is the plugin's mistake: tell its author".to_owned(),
                "commit a Dockerfile to go on without it".into(),
            ],
        ),
        Cause::Plugin(error) => (
            "plugin-failed",
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
