//! The clusters of one daemon, the apps that go to each, and the order of rollouts.
//!
//! The operator decides, and each project may have clusters of its own. A job may name fewer clusters. `windlass.toml`
//! cannot name any.

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

/// A level of Kubernetes' Pod Security Standards.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PodSecurity {
    /// No rule.
    Privileged,
    /// No pod reaches its node.
    #[default]
    Baseline,
    /// Pods are hardened too: no root, no capabilities.
    Restricted,
    /// Namespaces get no label. Somebody else decides.
    Off,
}

impl PodSecurity {
    /// All levels, the weakest first.
    pub const ALL: [Self; 4] = [Self::Off, Self::Privileged, Self::Baseline, Self::Restricted];

    /// Returns the word of the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
            Self::Off => "off",
        }
    }

    /// Returns the level of a word. `None` means that no level has it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }

    /// Returns the value of `pod-security.kubernetes.io/enforce`. `None` means that there is no such label.
    #[must_use]
    pub fn label(self) -> Option<String> {
        (self != Self::Off).then(|| self.as_str().to_owned())
    }
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

/// A cluster of a project's own, as jobs choose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTarget {
    pub name: String,
    /// Environments that the cluster is for. Empty means all.
    pub environments: Vec<String>,
}

/// All clusters that jobs of one project may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectTargets {
    pub operators: Targets,
    /// Clusters of the project's own, by name.
    pub own: Vec<OwnTarget>,
    /// Names of clusters that were of the project's own, and were removed.
    pub gone: Vec<String>,
}

/// The reason why a job has no cluster to go to.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoCluster {
    /// The job names a cluster that is not for its app, or one twice.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The operator has no cluster for the job's app, and the project has none of its own.
    #[error(
        "no cluster is for {0}: each of the daemon's `clusters` is for other projects or environments"
    )]
    None(App),
    /// The cluster was of the project's own, and was removed.
    #[error("cluster `{name}` was of project `{project}`'s own, and was removed")]
    Gone { name: String, project: String },
    /// The operator and the project have a cluster of this name.
    #[error("cluster `{name}` is one of the operator's, and one of project `{project}`'s own")]
    Twice { name: String, project: String },
}

impl NoCluster {
    /// Returns what to do about it.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::Name(_) => {
                "submit it again for clusters that there are, or ask the operator".into()
            }
            Self::None(app) => format!(
                "ask the operator for a cluster, deploy to an environment that has one, or bring one: windlass cluster put {} NAME --kubeconfig FILE",
                app.project
            ),
            Self::Gone { name, project } => put_back(project, name),
            Self::Twice { name, project } => format!(
                "put the project's under another name (windlass cluster put {project} NAME --kubeconfig FILE), then remove this one (windlass cluster remove {project} {name}); or the operator renames the other"
            ),
        }
    }
}

/// Returns the command that puts a cluster of a project's own back.
#[must_use]
pub fn put_back(project: &str, name: &str) -> String {
    format!("put it back: windlass cluster put {project} {name} --kubeconfig FILE")
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
    /// Returns whether the operator has a cluster of this name, for whichever projects.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all.iter().any(|target| target.name == name)
    }
}

impl From<Targets> for ProjectTargets {
    /// Returns the targets of a project without clusters of its own.
    fn from(operators: Targets) -> Self {
        Self { operators, own: Vec::new(), gone: Vec::new() }
    }
}

impl ProjectTargets {
    /// Returns the names of all clusters that may run an app: the project's own first, then the operator's.
    #[must_use]
    pub fn reachable(&self, app: &App) -> Vec<String> {
        let mut names = self.own_for(app);
        for name in self.operators_for(app) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Returns whether a cluster of this name is the project's own.
    #[must_use]
    pub fn is_own(&self, name: &str) -> bool {
        self.own.iter().any(|own| own.name == name)
    }

    /// Chooses the clusters that an app's job goes to. `wanted` are those that the job names; empty means all of the
    /// project's own that are for the app, and where there is none, all of the operator's.
    ///
    /// # Errors
    /// [`NoCluster`] for the first name that is not for this app, or if no cluster is.
    pub fn choose(
        &self,
        app: &App,
        wanted: &[String],
        order: Option<RolloutOrder>,
    ) -> Result<Clusters, NoCluster> {
        let project = || app.project.clone();
        let known = self.reachable(app);
        for (index, name) in wanted.iter().enumerate() {
            let problem = if known.contains(name) {
                if !wanted.iter().take(index).any(|before| before == name) {
                    continue;
                }
                "is named twice".into()
            } else if self.gone.contains(name) {
                return Err(NoCluster::Gone { name: name.clone(), project: project() });
            } else {
                format!("is no cluster for {app}; there are: {}", known.join(", "))
            };
            let field = format!("clusters[{index}]");
            let value = name.chars().take(80).collect();
            return Err(NameError { field, value, problem }.into());
        }
        let own = self.own_for(app);
        let names = if !wanted.is_empty() {
            wanted.to_vec()
        } else if own.is_empty() {
            self.operators_for(app)
        } else {
            own
        };
        // The name would be of whichever is looked at first.
        if let Some(name) = names.iter().find(|name| self.is_own(name) && self.operators.has(name))
        {
            return Err(NoCluster::Twice { name: name.clone(), project: project() });
        }
        if names.is_empty() {
            Err(NoCluster::None(app.clone()))
        } else {
            Ok(Clusters { names, order: order.unwrap_or(self.operators.order) })
        }
    }

    fn own_for(&self, app: &App) -> Vec<String> {
        let own = self.own.iter().filter(|own| app.is_of(&[], &own.environments));
        own.map(|own| own.name.clone()).collect()
    }

    fn operators_for(&self, app: &App) -> Vec<String> {
        let operators = self.operators.all.iter().filter(|target| target.is_for(app));
        operators.map(|target| target.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> ProjectTargets {
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
        Targets { all, order: RolloutOrder::Sequential }.into()
    }

    /// Returns targets of a project with clusters of its own.
    fn with_own(own: &[(&str, &[&str])]) -> ProjectTargets {
        let own = own.iter().map(|(name, environments)| OwnTarget {
            name: (*name).into(),
            environments: environments.iter().map(ToString::to_string).collect(),
        });
        ProjectTargets { own: own.collect(), gone: vec!["old".into()], ..targets() }
    }

    fn app(project: &str, environment: &str) -> App {
        App::new(project, "web", environment).unwrap()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
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
        let choose = |wanted: &[&str]| {
            targets().choose(&app("shop", ""), &names(wanted), Some(RolloutOrder::Parallel))
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

    #[test]
    fn a_job_that_names_none_goes_to_the_projects_own_and_one_may_name_either() {
        let targets = with_own(&[("ours", &["production"]), ("both", &[])]);
        let choose = |environment: &str, wanted: &[&str]| {
            targets.choose(&app("shop", environment), &names(wanted), None).unwrap().names
        };
        assert_eq!(choose("", &[]), ["ours", "both"]);
        assert_eq!(choose("staging", &[]), ["both"]);
        assert_eq!(choose("", &["us", "ours"]), ["us", "ours"]);
        assert_eq!(targets.reachable(&app("shop", "staging")), ["both", "lab"]);
        let production = with_own(&[("ours", &["production"])]);
        let chosen = production.choose(&app("shop", "staging"), &[], None).unwrap();
        assert_eq!(chosen.names, ["lab"], "an environment without own clusters has the operator's");
    }

    #[test]
    fn a_name_that_is_gone_or_of_both_is_refused_with_the_command_that_helps() {
        let targets = with_own(&[("eu", &[])]);
        for wanted in [&[][..], &["eu"]] {
            let error = targets.choose(&app("shop", ""), &names(wanted), None).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("the operator's, and one of project `shop`'s own"), "{text}");
            assert!(error.fix().contains("windlass cluster remove shop eu"), "{}", error.fix());
        }
        targets.choose(&app("shop", ""), &names(&["us"]), None).unwrap();
        let error = targets.choose(&app("shop", ""), &names(&["old"]), None).unwrap_err();
        assert_eq!(error.to_string(), "cluster `old` was of project `shop`'s own, and was removed");
        assert_eq!(error.fix(), "put it back: windlass cluster put shop old --kubeconfig FILE");
    }

    #[test]
    fn a_level_is_read_as_it_is_written() {
        for level in PodSecurity::ALL {
            assert_eq!(PodSecurity::parse(level.as_str()), Some(level));
            let json = serde_json::to_value(level).unwrap();
            assert_eq!(json, level.as_str());
        }
        assert_eq!(PodSecurity::parse("none"), None);
        assert_eq!(PodSecurity::Off.label(), None);
    }
}
