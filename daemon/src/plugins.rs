//! The plugins as operators see and swap them.

use crate::{config::Config, wire};
use async_trait::async_trait;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Mutex;
use windlass_engine::records::{PluginRecord, PluginRecords};
use windlass_plugin_host::Plugins;

/// Reads the configuration again when it is told to.
pub(crate) struct PluginAdmin {
    plugins: Arc<Plugins>,
    file: Option<PathBuf>,
    /// Two swaps at once would tell each other's changes.
    one: Mutex<()>,
}

impl PluginAdmin {
    pub(crate) fn new(plugins: Arc<Plugins>, file: Option<PathBuf>) -> Self {
        Self { plugins, file, one: Mutex::default() }
    }
}

#[async_trait]
impl PluginRecords for PluginAdmin {
    fn list(&self) -> Vec<PluginRecord> {
        self.plugins.list()
    }

    async fn reload(&self) -> Result<Vec<String>, String> {
        let _one = self.one.lock().await;
        let config = Config::load(self.file.as_deref()).map_err(|error| error.to_string())?;
        let reloaded = self.plugins.reload(&wire::setup(&config)).await;
        reloaded.map_err(|error| {
            tracing::error!(%error, "the plugins of before stay");
            error.to_string()
        })
    }
}
