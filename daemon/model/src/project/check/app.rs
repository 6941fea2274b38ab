//! Apps of a project.

use super::rules::LONGEST_NAME;
use crate::{
    app::label,
    project::{
        AppSpec, ProjectSpec,
        faults::{Faults, did_you_mean},
        paths,
    },
};

/// Globs of one path filter.
const MOST_PATHS: usize = 100;

/// Bytes of a folder's longest path.
const LONGEST_FOLDER: usize = 1024;

pub(super) fn check(project: &ProjectSpec, faults: &mut Faults) {
    for (name, app) in &project.apps {
        faults.name(label("apps", name, LONGEST_NAME));
        let at = |key: &str| format!("apps.{name}.{key}");
        check_repository(project, &at("repository"), app, faults);
        let folder = app.folder.as_deref().unwrap_or_default();
        if folder.starts_with('/')
            || folder.split('/').any(|part| part == "..")
            || folder.len() > LONGEST_FOLDER
        {
            faults.add(&at("folder"), folder, "must be a folder within the repository");
        }
        if app.paths.len() > MOST_PATHS {
            let problem =
                format!("are more than {MOST_PATHS} globs: name folders instead of files");
            faults.add(&at("paths"), &app.paths.len().to_string(), problem);
            continue;
        }
        for path in &app.paths {
            if let Err(problem) = paths::check(path) {
                faults.add(&at("paths"), path, problem);
            }
        }
    }
}

fn check_repository(project: &ProjectSpec, field: &str, app: &AppSpec, faults: &mut Faults) {
    if project.repository_of(app).is_some() {
        return;
    }
    let known = project.repositories.keys().map(String::as_str);
    match &app.repository {
        Some(name) => {
            let problem = format!("is no repository of this project{}", did_you_mean(name, known));
            faults.add(field, name, problem);
        }
        None if project.repositories.is_empty() => {
            let problem = "is missing, and the project has none: add `[repositories.NAME]`";
            faults.add(field, "", problem);
        }
        None => {
            let names = known.take(5).collect::<Vec<_>>().join("`, `");
            let problem =
                format!("is missing, and the project has several: name one, such as `{names}`");
            faults.add(field, "", problem);
        }
    }
}
