//! The plugins as operators see and swap them.

use crate::{config::Config, due::Renewals, registries::Registries, wire};
use async_trait::async_trait;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Mutex;
use windlass_engine::ports::PluginStatus;
use windlass_plugin_host::Plugins;
use windlass_service::PluginRecords;

/// Administration of the plugins. A reload reads the configuration again, and with it the logins at registries.
pub(crate) struct PluginAdmin {
    plugins: Arc<Plugins>,
    registries: Arc<Registries>,
    renewals: Renewals,
    file: Option<PathBuf>,
    /// Held during a reload: of two at once, each would list the other's changes.
    reloading: Mutex<()>,
}

impl PluginAdmin {
    pub(crate) fn new(
        plugins: Arc<Plugins>,
        registries: Arc<Registries>,
        renewals: Renewals,
        file: Option<PathBuf>,
    ) -> Self {
        Self { plugins, registries, renewals, file, reloading: Mutex::default() }
    }
}

#[async_trait]
impl PluginRecords for PluginAdmin {
    fn list(&self) -> Vec<PluginStatus> {
        self.plugins.list()
    }

    async fn reload(&self) -> Result<Vec<String>, String> {
        let _reloading = self.reloading.lock().await;
        let config = Config::load(self.file.as_deref()).map_err(|error| error.to_string())?;
        let reloaded = self.plugins.reload(&wire::setup(&config)).await;
        let changes = reloaded.map_err(|error| {
            tracing::error!(%error, "the previous plugins stay in use");
            error.to_string()
        })?;
        self.registries.configure(&config);
        self.renewals.hasten().await;
        Ok(changes)
    }
}
