//! Repositories of a project, and their forges.

use super::{
    address,
    rules::{self, LONGEST_NAME},
};
use crate::{
    app::label,
    forge::ForgeKind,
    project::{ForgeApp, ForgeSpec, ProjectSpec, Reporting, faults::Faults, receivers::comparable},
};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of the longest id of an app at its forge.
const LONGEST_ID: usize = 100;

pub(super) fn check(project: &ProjectSpec, faults: &mut Faults) {
    let mut urls: BTreeMap<String, &str> = BTreeMap::new();
    for (name, repository) in &project.repositories {
        faults.name(label("repositories", name, LONGEST_NAME));
        let at = |key: &str| format!("repositories.{name}.{key}");
        address::server(&at("url"), &repository.url, "credential", faults);
        if let Some(other) = urls.insert(comparable(&repository.url), name) {
            let shown = crate::repository::shown(&repository.url);
            let problem =
                format!("is the address of `repositories.{other}`, too: keep one of both");
            faults.add(&at("url"), &shown, problem);
        }
        rules::secret(&at("credential"), repository.credential.as_deref(), faults);
        if let Some(forge) = &repository.forge {
            check_forge(&at("forge"), forge, faults);
        }
    }
}

fn check_forge(field: &str, forge: &ForgeSpec, faults: &mut Faults) {
    let at = |key: &str| format!("{field}.{key}");
    let kind = forge.kind;
    match &forge.api {
        Some(api) => address::server(&at("api"), api, "token", faults),
        None if kind.default_api().is_none() => {
            let problem = format!(
                "is missing: `{kind}` has no public service; give the base address of the API, such as https://git.example.com/api/v1"
            );
            faults.add(&at("api"), "", problem);
        }
        None => {}
    }
    rules::secret(&at("token"), forge.token.as_deref(), faults);
    if let Some(app) = &forge.app {
        if kind != ForgeKind::Github {
            let problem = format!("is for `github`, and this forge is `{kind}`: give `token`");
            faults.add(&at("app"), &app.id, problem);
        } else if forge.token.is_some() {
            faults.add(&at("app"), &app.id, "stands beside `token`: give one of them");
        }
        check_app(&at("app"), app, faults);
    }
    let reports: BTreeSet<_> = forge.report.iter().collect();
    if reports.len() < forge.report.len() {
        faults.add(&at("report"), "", "name the same twice");
    }
    if reports.contains(&Reporting::Deployment)
        && !matches!(kind, ForgeKind::Github | ForgeKind::Gitlab)
    {
        let problem = format!("is for `github` and `gitlab`, and this forge is `{kind}`");
        faults.add(&at("report"), "deployment", problem);
    }
}

fn check_app(field: &str, app: &ForgeApp, faults: &mut Faults) {
    let is_known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if app.id.is_empty() || app.id.len() > LONGEST_ID || !app.id.chars().all(is_known) {
        let problem = "must be the client id or the number that the App's page shows";
        faults.add(&format!("{field}.id"), &app.id, problem);
    }
    // TOML has no larger integer.
    if app.installation == 0 || i64::try_from(app.installation).is_err() {
        let problem = "must be the number at the end of the installation's address";
        faults.add(&format!("{field}.installation"), &app.installation.to_string(), problem);
    }
    rules::secret(&format!("{field}.key"), Some(&app.key), faults);
}
