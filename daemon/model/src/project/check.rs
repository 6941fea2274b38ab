//! Rules of a project's file that its types do not express.

mod address;
mod app;
mod previews;
mod repository;
mod rules;
mod trigger;

use super::{
    EndpointSpec, ProjectSpec, TriggerSpec,
    faults::{Faults, nearest},
};
use crate::{app::label, spec::SpecError};
use rules::{LONGEST_ENVIRONMENT, LONGEST_NAME};
use std::collections::BTreeSet;

/// Repositories of one project.
const MOST_REPOSITORIES: usize = 50;
/// Apps of one project.
const MOST_APPS: usize = 200;
/// Environments of one project that need more than their name.
const MOST_ENVIRONMENTS: usize = 100;
/// Triggers of one project.
const MOST_TRIGGERS: usize = 500;
/// Endpoints of one project.
const MOST_ENDPOINTS: usize = 20;

impl ProjectSpec {
    /// Checks the project.
    ///
    /// # Errors
    /// [`SpecError`] for each value that breaks a rule, the first hundred.
    pub fn check(&self) -> Result<(), Vec<SpecError>> {
        let mut faults = Faults::default();
        let mut count = |field: &str, count: usize, most: usize| {
            if count > most {
                let problem = format!("are more than {most}: make several projects");
                faults.add(field, &count.to_string(), problem);
            }
        };
        count("repositories", self.repositories.len(), MOST_REPOSITORIES);
        count("apps", self.apps.len(), MOST_APPS);
        count("environments", self.environments.len(), MOST_ENVIRONMENTS);
        count("triggers", self.triggers.len(), MOST_TRIGGERS);
        count("endpoints", self.endpoints.len(), MOST_ENDPOINTS);
        // No more is said of a project that is too large to be looked at.
        faults.into_result()?;

        let mut faults = Faults::default();
        faults.name(label("project", &self.project, LONGEST_NAME));
        repository::check(self, &mut faults);
        app::check(self, &mut faults);
        environments(self, &mut faults);
        trigger::check(self, &mut faults);
        previews::check(self, &mut faults);
        for (name, endpoint) in &self.endpoints {
            faults.name(label("endpoints", name, LONGEST_NAME));
            check_endpoint(name, endpoint, &mut faults);
        }
        faults.into_result()
    }
}

/// Checks the environments. One that no trigger deploys to has no effect: beside one of almost the same name it is taken
/// for a typing error.
fn environments(project: &ProjectSpec, faults: &mut Faults) {
    let pushed = project.triggers.values().filter(|trigger| trigger.pull.is_none());
    let used: BTreeSet<&str> = pushed.map(TriggerSpec::environment).collect();
    for name in project.environments.keys() {
        faults.name(label("environments", name, LONGEST_ENVIRONMENT));
        if !used.contains(&**name)
            && let Some(near) = nearest(name, used.iter().copied())
        {
            let problem = format!(
                "has no effect, since no trigger deploys to it: did you mean `{near}`? Else remove it"
            );
            faults.add("environments", name, problem);
        }
    }
}

fn check_endpoint(name: &str, endpoint: &EndpointSpec, faults: &mut Faults) {
    let at = |key: &str| format!("endpoints.{name}.{key}");
    address::endpoint(&at("url"), &endpoint.url, faults);
    rules::secret(&at("secret"), Some(&endpoint.secret), faults);
    let distinct: BTreeSet<_> = endpoint.events.iter().collect();
    if distinct.len() < endpoint.events.len() {
        faults.add(&at("events"), "", "name an event twice");
    }
}

#[cfg(test)]
mod tests;
