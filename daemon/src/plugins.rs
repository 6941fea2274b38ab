//! Administration of a daemon that runs: plugins are listed and swapped, principals are replaced.

use crate::{config::Config, due::Renewals, registries::Registries, wire};
use async_trait::async_trait;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Mutex;
use windlass_engine::ports::PluginStatus;
use windlass_listen::{Callers, Principal};
use windlass_plugin_host::Plugins;
use windlass_service::PluginRecords;

/// Administration of plugins, principals and logins at registries. A reload reads the configuration again.
pub(crate) struct PluginAdmin {
    plugins: Arc<Plugins>,
    callers: Arc<Callers>,
    registries: Arc<Registries>,
    renewals: Renewals,
    file: Option<PathBuf>,
    /// Configuration of the start. All keys but those that a reload reads stay in effect.
    started: Config,
    /// Principals of the last reload. Held during a reload: of two at once, each would list the other's changes.
    principals: Mutex<Vec<Principal>>,
}

impl PluginAdmin {
    pub(crate) fn new(
        plugins: Arc<Plugins>,
        callers: Arc<Callers>,
        registries: Arc<Registries>,
        renewals: Renewals,
        file: Option<PathBuf>,
        started: Config,
    ) -> Self {
        let principals = Mutex::new(started.principals.clone());
        Self { plugins, callers, registries, renewals, file, started, principals }
    }
}

#[async_trait]
impl PluginRecords for PluginAdmin {
    fn list(&self) -> Vec<PluginStatus> {
        self.plugins.list()
    }

    async fn reload(&self) -> Result<Vec<String>, String> {
        let mut principals = self.principals.lock().await;
        let config = Config::load(self.file.as_deref()).map_err(|error| {
            tracing::error!(%error, "the configuration of before stays in use");
            error.to_string()
        })?;
        // Before the plugins: a revoked login ends even where one of them cannot be loaded.
        let mut changes = differences(&principals, &config.principals);
        self.callers.replace_principals(config.principals.clone());
        principals.clone_from(&config.principals);
        let later = self.started.for_next_start(&config);
        changes.extend(
            later
                .into_iter()
                .map(|key| format!("`{key}` differs: it takes effect at the next start")),
        );
        for change in &changes {
            tracing::info!("reload: {change}");
        }
        let reloaded = self.plugins.reload(&wire::setup(&config)).await;
        let reloaded = reloaded.map_err(|error| {
            tracing::error!(%error, "the previous plugins stay in use");
            let done: String = changes.iter().map(|change| format!("; {change}")).collect();
            format!("{error}{done}")
        })?;
        changes.extend(reloaded);
        self.registries.configure(&config);
        self.renewals.hasten(None).await;
        Ok(changes)
    }
}

/// Returns a line for each login that is no longer allowed, and for each new one.
fn differences(before: &[Principal], now: &[Principal]) -> Vec<String> {
    let missing = |from: &[Principal], others: &[Principal], what: &str| {
        let missing = from.iter().filter(|one| !others.contains(one));
        missing.map(|one| format!("principal `{}`: a login {what}", one.name)).collect::<Vec<_>>()
    };
    let mut all = missing(before, now, "is revoked");
    all.extend(missing(now, before, "is allowed"));
    all
}
