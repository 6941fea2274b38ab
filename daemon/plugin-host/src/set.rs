//! Loaded plugins, and what one job asks of them.

use crate::{
    call::{Guest, Share, call, measured},
    engine::{Host, HostError, Plugin},
    kinds::{
        detector::{self, Detect},
        test_runner::{self, MakePlan, Parse},
    },
    limits::{Ledger, Limits},
    manifest::Kind,
    markers,
};
use async_trait::async_trait;
use futures::future::join_all;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use windlass_core::{
    ports::{Detectors, PluginError, TestRunners, Tree},
    recipe::Recipe,
    run::Voice,
    testing::{TestOutput, TestPlan, TestSummary},
};

/// A plugin as the operator configures it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The component.
    pub path: PathBuf,
    /// Its limits.
    pub limits: Limits,
    /// Its settings, JSON.
    pub settings: Option<String>,
}

/// Loaded plugins, in the operator's order.
pub struct PluginSet {
    host: Arc<Host>,
    plugins: Vec<Arc<Plugin>>,
}

/// The set that one job began with, and what it has used of it.
pub struct JobPlugins {
    set: Arc<PluginSet>,
    project: String,
    /// By plugin, over all its calls: many calls must not add up to more than one may.
    ledgers: Mutex<BTreeMap<String, Arc<Ledger>>>,
}

impl PluginSet {
    /// Loads all, or none.
    ///
    /// # Errors
    /// The first that cannot be loaded, or whose name is taken.
    pub async fn load(host: Arc<Host>, sources: &[Source]) -> Result<Self, HostError> {
        let mut plugins: Vec<Arc<Plugin>> = Vec::new();
        for source in sources {
            let plugin = host.load(source).await?;
            let name = &plugin.manifest.name;
            if plugins.iter().any(|other| other.manifest.name == *name) {
                let message = format!("another plugin is called `{name}` too");
                return Err(HostError { path: source.path.display().to_string(), message });
            }
            let (version, digest) = (&plugin.manifest.version, &plugin.digest);
            tracing::info!(plugin = name, version, digest, "plugin loaded");
            plugins.push(Arc::new(plugin));
        }
        Ok(Self { host, plugins })
    }

    /// For one job of a project, to its end.
    #[must_use]
    pub fn for_job(self: &Arc<Self>, project: &str) -> Arc<JobPlugins> {
        let (set, project) = (self.clone(), project.to_owned());
        Arc::new(JobPlugins { set, project, ledgers: Mutex::default() })
    }

    /// In the operator's order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter()
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter().filter(move |plugin| plugin.manifest.world == kind)
    }
}

impl JobPlugins {
    fn share(&self, plugin: &Plugin) -> Share {
        let mut ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = ledgers.entry(plugin.manifest.name.clone()).or_default().clone();
        Share { ledger, project: self.project.clone() }
    }

    /// Those of a kind whose markers are in the tree, each with the files that say so.
    async fn matching(
        &self,
        tree: &dyn Tree,
        plugins: Vec<Arc<Plugin>>,
    ) -> Result<Vec<(Arc<Plugin>, Vec<String>)>, PluginError> {
        let root = tree.root().to_owned();
        let all = plugins.clone();
        let scanned = tokio::task::spawn_blocking(move || {
            let markers: Vec<_> = all.iter().map(|plugin| &plugin.markers).collect();
            markers::scan(&root, &markers)
        });
        let scanned = scanned.await.map_err(std::io::Error::other).and_then(|found| found);
        let found = scanned.map_err(|error| PluginError {
            plugin: "all".into(),
            call: "markers".into(),
            message: format!("the tree cannot be read: {error}"),
            hint: None,
        })?;
        Ok(plugins.into_iter().zip(found).filter(|(_, paths)| !paths.is_empty()).collect())
    }

    async fn detect_with(
        &self,
        plugin: Arc<Plugin>,
        matched: Vec<String>,
        tree: &dyn Tree,
        voice: &Voice,
    ) -> Result<Option<Recipe>, PluginError> {
        let (host, share) = (self.set.host.clone(), self.share(&plugin));
        let guest = Detect { root: tree.root().into(), matched };
        let found = call(host, plugin.clone(), share, guest, voice).await?;
        let recipe = found.map(|found| detector::recipe(&plugin.manifest.name, found));
        recipe.map(|recipe| measured(&plugin, Detect::CALL, recipe)).transpose()
    }
}

#[async_trait]
impl Detectors for JobPlugins {
    async fn detect(&self, tree: &dyn Tree, voice: &Voice) -> Result<Vec<Recipe>, PluginError> {
        let detectors = self.set.of(Kind::Detector).cloned().collect();
        let matching = self.matching(tree, detectors).await?;
        let asked = matching
            .into_iter()
            .map(|(plugin, matched)| self.detect_with(plugin, matched, tree, voice));
        join_all(asked).await.into_iter().filter_map(Result::transpose).collect()
    }

    fn names(&self) -> Vec<String> {
        self.set.of(Kind::Detector).map(|plugin| plugin.manifest.name.clone()).collect()
    }
}

#[async_trait]
impl TestRunners for JobPlugins {
    async fn plan(
        &self,
        tree: &dyn Tree,
        language: &str,
        voice: &Voice,
    ) -> Result<Option<TestPlan>, PluginError> {
        let runners = self.set.of(Kind::TestRunner).filter(|plugin| plugin.speaks(language));
        for (plugin, matched) in self.matching(tree, runners.cloned().collect()).await? {
            let (host, share) = (self.set.host.clone(), self.share(&plugin));
            let (root, language) = (tree.root().into(), language.into());
            let guest = MakePlan { root, language, matched };
            let Some(plan) = call(host, plugin.clone(), share, guest, voice).await? else {
                continue;
            };
            let plan = test_runner::plan(&plugin.manifest.name, plan);
            let plan = plan.map_err(|why| plugin.error(MakePlan::CALL, why, None))?;
            return measured(&plugin, MakePlan::CALL, plan).map(Some);
        }
        Ok(None)
    }

    async fn read(
        &self,
        language: &str,
        runner: Option<&str>,
        output: &TestOutput,
        voice: &Voice,
    ) -> Result<Option<TestSummary>, PluginError> {
        let fits = |plugin: &&Arc<Plugin>| {
            plugin.speaks(language) && runner.is_none_or(|name| plugin.manifest.name == name)
        };
        for plugin in self.set.of(Kind::TestRunner).filter(fits) {
            let (host, share) = (self.set.host.clone(), self.share(plugin));
            let read = call(host, plugin.clone(), share, Parse::of(output), voice).await?;
            if let Some(summary) = read {
                let mut summary = test_runner::summary(&plugin.manifest.name, summary);
                // Many long words: the counts stay true, the last failures lose theirs.
                while measured(plugin, Parse::CALL, &summary).is_err()
                    && summary.failures.pop().is_some()
                {}
                return measured(plugin, Parse::CALL, summary).map(Some);
            }
        }
        Ok(None)
    }
}
