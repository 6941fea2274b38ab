//! The plugins that are asked, in the operator's order.

use crate::{
    detect,
    engine::{Host, HostError, Loaded},
    limits::Limits,
};
use async_trait::async_trait;
use futures::future::join_all;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::mpsc;
use windlass_core::{
    job::Stage,
    ports::{Detectors, PluginError, Tree},
    recipe::Recipe,
    run::Voice,
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

/// Loaded plugins. A job keeps the set that it began with.
pub struct PluginSet {
    host: Arc<Host>,
    plugins: Vec<Arc<(Loaded, Source)>>,
}

impl PluginSet {
    /// Loads all, or none.
    ///
    /// # Errors
    /// The first that cannot be loaded, or whose name is taken.
    pub async fn load(host: Arc<Host>, sources: &[Source]) -> Result<Self, HostError> {
        let mut plugins: Vec<Arc<(Loaded, Source)>> = Vec::new();
        for source in sources {
            let loaded = host.load(&source.path).await?;
            let taken = plugins.iter().any(|other| other.0.manifest.name == loaded.manifest.name);
            if taken {
                let message = format!("another plugin is called `{}` too", loaded.manifest.name);
                return Err(HostError { path: source.path.display().to_string(), message });
            }
            tracing::info!(
                plugin = loaded.manifest.name,
                version = loaded.manifest.version,
                digest = loaded.digest,
                "plugin loaded"
            );
            plugins.push(Arc::new((loaded, source.clone())));
        }
        Ok(Self { host, plugins })
    }

    async fn ask(
        &self,
        plugin: Arc<(Loaded, Source)>,
        root: PathBuf,
        voice: &Voice,
    ) -> Result<Option<Recipe>, PluginError> {
        let (send, mut lines) = mpsc::unbounded_channel();
        let host = self.host.clone();
        let name = plugin.0.manifest.name.clone();
        // A task of its own: a panic in the host's code for one plugin ends one call.
        let call = tokio::spawn(async move {
            let (loaded, source) = &*plugin;
            let settings = source.settings.as_deref().unwrap_or("{}");
            detect::detect(&host, loaded, &source.limits, settings, root, send).await
        });
        let talk = async {
            while let Some(line) = lines.recv().await {
                if voice.log(Stage::Detect, &name, &line).await.is_err() {
                    return;
                }
            }
        };
        let (answer, ()) = tokio::join!(call, talk);
        answer.unwrap_or_else(|error| {
            Err(PluginError {
                plugin: name.clone(),
                call: "detect".into(),
                message: format!("the host failed: {error}"),
                hint: None,
            })
        })
    }
}

#[async_trait]
impl Detectors for PluginSet {
    async fn detect(&self, tree: &dyn Tree, voice: &Voice) -> Result<Vec<Recipe>, PluginError> {
        let asked =
            self.plugins.iter().map(|plugin| self.ask(plugin.clone(), tree.root().into(), voice));
        let answers = join_all(asked).await;
        answers.into_iter().filter_map(Result::transpose).collect()
    }

    fn names(&self) -> Vec<String> {
        self.plugins.iter().map(|plugin| plugin.0.manifest.name.clone()).collect()
    }
}
