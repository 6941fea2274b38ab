//! The set that new jobs begin with. It is swapped whole.

use crate::{
    job::JobPlugins,
    load::{Host, HostError},
    manifest::Kind,
    plugin::Plugin,
    set::PluginSet,
    setup::{Isolation, Setup},
};
use arc_swap::ArcSwap;
use std::sync::Arc;
use windlass_engine::ports::PluginStatus;

/// All plugins of a daemon.
pub struct Plugins {
    host: Arc<Host>,
    current: ArcSwap<PluginSet>,
}

impl Plugins {
    /// Loads the first set.
    ///
    /// # Errors
    /// Returns [`HostError`] for the first plugin that cannot be loaded.
    pub async fn load(host: Arc<Host>, setup: &Setup) -> Result<Self, HostError> {
        let set = PluginSet::load(host.clone(), setup).await?;
        Ok(Self { host, current: ArcSwap::from_pointee(set) })
    }

    /// Returns the set that new jobs begin with.
    #[must_use]
    pub fn current(&self) -> Arc<PluginSet> {
        self.current.load_full()
    }

    /// Returns the plugins for one job of a project, to its end.
    #[must_use]
    pub fn for_job(&self, project: &str) -> Arc<JobPlugins> {
        self.current.load_full().for_job(project)
    }

    /// Loads another set, and returns the changes in sentences. New jobs begin with the new set, and running
    /// jobs keep theirs.
    ///
    /// # Errors
    /// Returns [`HostError`] for the first plugin that cannot be loaded. Then nothing has changed.
    pub async fn reload(&self, setup: &Setup) -> Result<Vec<String>, HostError> {
        let next = PluginSet::load(self.host.clone(), setup).await?;
        let before = self.current.load_full();
        let changes = changes(&before, &next);
        self.current.store(Arc::new(next));
        for change in &changes {
            tracing::info!(change, "plugins");
        }
        Ok(changes)
    }

    /// Lists the plugins of the set that new jobs begin with.
    #[must_use]
    pub fn list(&self) -> Vec<PluginStatus> {
        self.current.load().all().map(|plugin| status(plugin)).collect()
    }
}

fn status(plugin: &Plugin) -> PluginStatus {
    let manifest = &plugin.manifest;
    let stats = plugin.breaker.stats();
    PluginStatus {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        world: manifest.world.name().into(),
        digest: plugin.digest.clone(),
        path: plugin.path.display().to_string(),
        markers: manifest.markers.clone(),
        languages: manifest.languages.clone(),
        may: may(plugin),
        not_granted: plugin.granted.not_granted(),
        used: stats.done(),
        calls: stats.calls,
        failures: stats.failures,
        disabled: stats.disabled(),
    }
}

/// Returns the rights in sentences, the most dangerous first.
fn may(plugin: &Plugin) -> Vec<String> {
    let limits = &plugin.limits;
    let (decides, reads) = match plugin.manifest.world {
        Kind::Detector => (
            "says how images are built: base images, files, commands; they run in the builder, without anything of the daemon's",
            "can read the files of the repository that a job deploys",
        ),
        Kind::TestRunner => (
            "says which command tests a build, and whether it passed; the command runs in the builder, without anything of the daemon's",
            "can read the files of the repository that a job deploys, what its tests print, and their reports; secrets in these are masked",
        ),
        Kind::RegistryAuth => (
            "says which login a registry is shown; the login stays in the daemon",
            "sees the names of registries",
        ),
        Kind::DeployHook => (
            "says whether a step of a release succeeded, and may have the release rolled back, as the hook's policy says",
            "sees project, app, commit and image of releases, why they failed, and what its commands print; secrets in these are masked",
        ),
    };
    let granted = plugin.granted.sentences();
    let network = !granted.iter().any(|sentence| sentence.starts_with("can send"));
    let secret = !granted.iter().any(|sentence| sentence.starts_with("can use the secret"));
    let mut cannot = vec!["other files", "the environment"];
    if network {
        cannot.insert(0, "the network");
    }
    if secret {
        cannot.push("any secret");
    }
    let mut all = granted;
    all.extend([
        decides.into(),
        reads.into(),
        format!("can write {} lines into a job's log", limits.log_lines),
        format!(
            "can use {} MiB of memory, {} ms of computing and {} ms in all, each call",
            limits.memory >> 20,
            limits.cpu_ms(),
            limits.wall_ms()
        ),
        format!("cannot reach {}", cannot.join(", ")),
        match plugin.isolation {
            Isolation::Sandbox => "runs in the daemon's process, within the sandbox".into(),
            Isolation::Process => {
                "runs in a process of its own, without credentials, network or most system calls"
                    .into()
            }
        },
    ]);
    all
}

fn changes(before: &PluginSet, next: &PluginSet) -> Vec<String> {
    let find = |set: &PluginSet, name: &str| {
        set.all().find(|plugin| plugin.manifest.name == name).cloned()
    };
    let mut changes = Vec::new();
    for plugin in next.all() {
        let name = &plugin.manifest.name;
        let version = &plugin.manifest.version;
        match find(before, name) {
            None => changes.push(format!("`{name}` {version} is new")),
            Some(old) if old.digest != plugin.digest => {
                changes.push(format!("`{name}` is {version} now, and was {}", old.manifest.version))
            }
            Some(old) if old.granted != plugin.granted => {
                changes.push(format!("`{name}` is granted something else than before"));
            }
            Some(old) if old.limits != plugin.limits || old.settings != plugin.settings => {
                changes.push(format!("`{name}` has other limits or settings"));
            }
            Some(old) if old.breaker.stats().disabled().is_some() => {
                changes.push(format!("`{name}` is asked again"));
            }
            Some(_) => {}
        }
    }
    for plugin in before.all() {
        let name = &plugin.manifest.name;
        if find(next, name).is_none() {
            changes.push(format!("`{name}` is removed"));
        }
    }
    if !before.has_same_uses(next) {
        changes.push("registries or hooks are others than before".into());
    }
    changes
}
