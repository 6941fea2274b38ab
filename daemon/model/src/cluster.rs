//! The clusters of one daemon, the apps that go to each, and the order of rollouts.
//!
//! The operator decides. A job may name fewer clusters. `windlass.toml` cannot name any.

use crate::app::{App, NameError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Name of a daemon's only cluster. Releases from before there were several clusters name it too.
pub const DEFAULT: &str = "default";

/// Returns ` in NAME`, for sentences. Empty means the daemon's only cluster without a name of its own.
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

/// The clusters that a job's release goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clusters {
    /// Names of the clusters, at least one, in the order of the rollout.
    pub names: Vec<String>,
    pub order: RolloutOrder,
}

/// One of the operator's clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    /// Projects that the cluster is for. Empty means all.
    pub projects: Vec<String>,
    /// Environments that the cluster is for. Empty means all.
    pub environments: Vec<String>,
}

/// All of the operator's clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// In the operator's order.
    pub all: Vec<Target>,
    /// Order for jobs that request none.
    pub order: RolloutOrder,
}

/// The reason why a job has no cluster to go to.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoCluster {
    /// The job names a cluster that is not for its app, or one twice.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The operator has no cluster for the job's app.
    #[error(
        "no cluster is for {0}: each of the daemon's `clusters` is for other projects or environments"
    )]
    None(App),
}

impl Default for Clusters {
    /// Returns the daemon's only cluster.
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
    /// Chooses the clusters that an app's job goes to. `wanted` are those that the job names; empty
    /// means all that are for its app.
    ///
    /// # Errors
    /// [`NoCluster`] for the first name that is not for this app, or if no cluster is.
    pub fn choose(
        &self,
        app: &App,
        wanted: &[String],
        order: Option<RolloutOrder>,
    ) -> Result<Clusters, NoCluster> {
        let known = self.all.iter().filter(|target| target.is_for(app));
        let known: Vec<_> = known.map(|target| target.name.clone()).collect();
        for (index, name) in wanted.iter().enumerate() {
            let problem = if !known.contains(name) {
                format!("is no cluster for {app}; there are: {}", known.join(", "))
            } else if wanted.iter().take(index).any(|before| before == name) {
                "is named twice".into()
            } else {
                continue;
            };
            let field = format!("clusters[{index}]");
            let value = name.chars().take(80).collect();
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
        let choose = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            targets().choose(&app("shop", ""), &names, Some(RolloutOrder::Parallel))
        };
        let chosen = choose(&["us", "eu"]).unwrap();
        assert_eq!(
            (chosen.names, chosen.order),
            (vec!["us".into(), "eu".into()], RolloutOrder::Parallel)
        );
        assert_eq!(
            choose(&["eu", "lab"]).unwrap_err().to_string(),
            "clusters[1]: `lab` is no cluster for shop/web/production; there are: eu, us"
        );
        let twice = choose(&["us", "us"]).unwrap_err().to_string();
        assert_eq!(twice, "clusters[1]: `us` is named twice");
    }
}
