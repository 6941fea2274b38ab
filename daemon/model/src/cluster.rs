//! The clusters of one daemon: which apps go to which, and in what order.
//!
//! The operator decides; a job may say fewer of them. The file in the repository says nothing of it.

use crate::app::{App, NameError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a daemon's only cluster is called, and what releases of before there were several name.
pub const DEFAULT: &str = "default";

/// ` in NAME`, for sentences; nothing where the daemon's only cluster has no name of its own.
#[must_use]
pub fn place(name: &str) -> String {
    match name {
        DEFAULT => String::new(),
        name => format!(" in {name}"),
    }
}

/// Order in which a release comes to several clusters.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RolloutOrder {
    /// One after the other. Each is healthy before the next is touched.
    #[default]
    Sequential,
    /// All at once.
    Parallel,
}

/// Where a job's release goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clusters {
    /// Their names, the first first; never none.
    pub names: Vec<String>,
    /// One after the other, or at once.
    pub order: RolloutOrder,
}

/// One of the operator's clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As jobs name it.
    pub name: String,
    /// Only for these projects; none: all.
    pub projects: Vec<String>,
    /// Only for these environments; none: all.
    pub environments: Vec<String>,
}

/// All of the operator's clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// In the operator's order.
    pub all: Vec<Target>,
    /// Where a job does not say it.
    pub order: RolloutOrder,
}

/// A job cannot go there.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoCluster {
    /// It names one that is not for its app, or one twice.
    #[error(transparent)]
    Said(#[from] NameError),
    /// The operator has none for its app.
    #[error(
        "no cluster is for {0}: each of the daemon's `clusters` is for other projects or environments"
    )]
    None(App),
}

impl Default for Clusters {
    /// The daemon's only one.
    fn default() -> Self {
        Self { names: vec![DEFAULT.into()], order: RolloutOrder::default() }
    }
}

impl Target {
    fn is_for(&self, app: &App) -> bool {
        app.is_of(&self.projects, &self.environments)
    }
}

impl Targets {
    /// Where an app's job goes. `wanted`: what the job says; nothing: all that there are for its app.
    ///
    /// # Errors
    /// [`NoCluster`] for the first name that is not for this app, or where there is none at all.
    pub fn choose(
        &self,
        app: &App,
        wanted: &[String],
        order: Option<RolloutOrder>,
    ) -> Result<Clusters, NoCluster> {
        let known = self.all.iter().filter(|target| target.is_for(app));
        let known: Vec<_> = known.map(|target| target.name.clone()).collect();
        for (index, said) in wanted.iter().enumerate() {
            let problem = if !known.contains(said) {
                format!("is no cluster for {app}; there are: {}", known.join(", "))
            } else if wanted.iter().take(index).any(|before| before == said) {
                "is said twice".into()
            } else {
                continue;
            };
            let field = format!("clusters[{index}]");
            let value = said.chars().take(80).collect();
            return Err(NameError { field, value, problem }.into());
        }
        let names = if wanted.is_empty() { known } else { wanted.to_vec() };
        if names.is_empty() {
            Err(NoCluster::None(app.clone()))
        } else {
            Ok(Clusters { names, order: order.unwrap_or(self.order) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Targets {
        let target = |name: &str, projects: &[&str], environments: &[&str]| Target {
            name: name.into(),
            projects: projects.iter().map(ToString::to_string).collect(),
            environments: environments.iter().map(ToString::to_string).collect(),
        };
        let all = vec![
            target("eu", &[], &["production"]),
            target("us", &["shop"], &["production"]),
            target("lab", &[], &["staging"]),
        ];
        Targets { all, order: RolloutOrder::Sequential }
    }

    fn app(project: &str, environment: &str) -> App {
        App::new(project, "web", environment).unwrap()
    }

    #[test]
    fn an_app_goes_to_the_clusters_that_are_for_it() {
        let chosen = |app: &App| targets().choose(app, &[], None).unwrap().names;
        assert_eq!(chosen(&app("shop", "")), ["eu", "us"]);
        assert_eq!(chosen(&app("blog", "")), ["eu"]);
        assert_eq!(chosen(&app("blog", "staging")), ["lab"]);
        let error = targets().choose(&app("shop", "other"), &[], None).unwrap_err();
        assert!(error.to_string().starts_with("no cluster is for shop/web/other"), "{error}");
    }

    #[test]
    fn a_job_may_say_fewer_and_in_its_own_order() {
        let say = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            targets().choose(&app("shop", ""), &names, Some(RolloutOrder::Parallel))
        };
        let chosen = say(&["us", "eu"]).unwrap();
        assert_eq!(
            (chosen.names, chosen.order),
            (vec!["us".into(), "eu".into()], RolloutOrder::Parallel)
        );
        assert_eq!(
            say(&["eu", "lab"]).unwrap_err().to_string(),
            "clusters[1]: `lab` is no cluster for shop/web/production; there are: eu, us"
        );
        assert_eq!(say(&["us", "us"]).unwrap_err().to_string(), "clusters[1]: `us` is said twice");
    }
}
