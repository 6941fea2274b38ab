//! Plugins of one job: the set that the job began with, as ports of the engine.

use crate::{
    host::CallContext,
    kinds::{
        Guest,
        deploy_hook::{self, Next},
        detector::{self, Detect, Found},
        invoke::{self, PlanRequest},
        registry_auth::Authenticate,
        test_runner::{self, MakePlan, Parse},
    },
    limits::Ledger,
    listing::Listing,
    manifest::Kind,
    plugin::Plugin,
    resources::Vault,
    run::call::call,
    set::PluginSet,
    settings::merged,
    setup::RegistrySource,
    tree::TreeHandle,
};
use async_trait::async_trait;
use futures::future::join_all;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use windlass_engine::{
    ports::{DetectRequest, Detections, Detectors, Hooks, Login, TestRunners, Tree},
    recorder::Recorder,
};
use windlass_model::{
    app::App,
    error::PluginError,
    event::Event,
    hook::{About, ActionResult, Hook, HookStep, SecretSource},
    job::Stage,
    recipe::Recipe,
    secret::Secret,
    testing::{TestOutput, TestPlan, TestSummary},
};

/// Set that one job began with, with the budgets that its plugins have used.
pub struct JobPlugins {
    set: Arc<PluginSet>,
    project: String,
    /// Ledgers by plugin, for all calls of the job: a plugin's budgets are per job.
    ledgers: Mutex<BTreeMap<String, Arc<Ledger>>>,
}

impl PluginSet {
    /// Returns the plugins for one job of a project, to its end.
    #[must_use]
    pub fn for_job(self: &Arc<Self>, project: &str) -> Arc<JobPlugins> {
        let set = self.clone();
        let project = project.to_owned();
        Arc::new(JobPlugins { set, project, ledgers: Mutex::default() })
    }
}

impl JobPlugins {
    fn context(&self, plugin: &Plugin) -> CallContext {
        self.context_with(plugin, plugin.settings.to_string(), BTreeMap::new())
    }

    fn context_with(
        &self,
        plugin: &Plugin,
        settings: String,
        sources: BTreeMap<String, SecretSource>,
    ) -> CallContext {
        let mut ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = ledgers.entry(plugin.manifest.name.clone()).or_default().clone();
        let project = Some(self.project.clone()).filter(|project| !project.is_empty());
        let store = self.set.secrets().cloned();
        CallContext {
            limits: plugin.limits.clone(),
            ledger,
            granted: plugin.granted.clone(),
            vault: Vault { sources, project, store, ..Vault::default() },
            settings,
            project: self.project.clone(),
        }
    }

    /// Logs in at a registry that a plugin is configured for.
    ///
    /// # Errors
    /// Returns the plugin's own error, or the reason why there is no answer.
    pub async fn authenticate(
        &self,
        registry: &RegistrySource,
        recorder: &Recorder,
    ) -> Result<Login, PluginError> {
        self.authenticate_with(registry, &BTreeMap::new(), recorder).await
    }

    /// Logs in at a registry with secrets that are opened already, by the names that the plugin gives them.
    ///
    /// # Errors
    /// Returns the plugin's own error, or the reason why there is no answer.
    pub async fn authenticate_with(
        &self,
        registry: &RegistrySource,
        secrets: &BTreeMap<String, Secret>,
        recorder: &Recorder,
    ) -> Result<Login, PluginError> {
        let Some(plugin) = self.set.named(Kind::RegistryAuth, &registry.plugin).cloned() else {
            return Err(not_loaded(&registry.plugin, Authenticate::CALL));
        };
        let settings = merged(&plugin.settings, &registry.settings).to_string();
        let mut context = self.context_with(&plugin, settings, registry.secrets.clone());
        context.vault.given.extend(secrets.clone());
        let guest = Authenticate { registry: registry.host.clone() };
        call(&plugin, context, guest, recorder).await
    }

    /// Lists the repository, for all plugins of a call.
    async fn listed(
        &self,
        tree: &dyn Tree,
        stage: Stage,
        recorder: &Recorder,
    ) -> Result<Arc<Listing>, PluginError> {
        let listed = Listing::walk(tree.repository(), tree.directory()).await;
        let listing = listed.map_err(|error| PluginError {
            plugin: "all".into(),
            call: "markers".into(),
            message: format!("the tree cannot be read: {error}"),
            hint: None,
        })?;
        if let Some(most) = listing.cut_at {
            let message = format!(
                "the repository has more than {most} files and folders: plugins were shown those of the first {most}, from the app's folder on"
            );
            let fix =
                "set `source.directory` to the app's own folder, or commit a Dockerfile".into();
            recorder.record(Event::Warning { stage, message, fix }).await;
        }
        Ok(Arc::new(listing))
    }

    async fn detect_with(
        &self,
        plugin: Arc<Plugin>,
        request: invoke::DetectRequest,
        (tree, listing): (&dyn Tree, &Arc<Listing>),
        recorder: &Recorder,
    ) -> Result<Found, PluginError> {
        let context = self.context(&plugin);
        let (repo, app_tree) = opened(&plugin, Detect::CALL, tree, listing)?;
        let guest = Detect { repo, app_tree, request };
        let answer = call(&plugin, context, guest, recorder).await?;
        let found = detector::answer(&plugin.manifest.name, tree.directory(), answer);
        match found.map_err(|why| plugin.error(Detect::CALL, why, None))? {
            Found::NotMine => Ok(Found::NotMine),
            Found::Recipe(recipe) => plugin.measured(Detect::CALL, recipe).map(Found::Recipe),
            Found::Refusal(refusal) => plugin.measured(Detect::CALL, refusal).map(Found::Refusal),
        }
    }
}

#[async_trait]
impl Detectors for JobPlugins {
    async fn detect(
        &self,
        tree: &dyn Tree,
        request: &DetectRequest,
        recorder: &Recorder,
    ) -> Result<Detections, PluginError> {
        let listing = self.listed(tree, Stage::Detect, recorder).await?;
        let below = listing.below(tree.directory());
        let matched = self.set.detector_markers().matched(below).await;
        let named = request.named.as_deref();
        let mut asked = Vec::new();
        for (plugin, matched) in self.set.of(Kind::Detector).zip(matched) {
            let is_asked = match named {
                // Its markers do not matter: the user knows better.
                Some(named) => plugin.manifest.name == named,
                None => !matched.is_empty(),
            };
            if is_asked {
                let request = invoke::DetectRequest {
                    app: tree.directory().to_owned(),
                    matched,
                    versions: request.versions.clone().into_iter().collect(),
                    named: named.is_some(),
                };
                asked.push(self.detect_with(plugin.clone(), request, (tree, &listing), recorder));
            }
        }
        let mut all = Detections::default();
        for answer in join_all(asked).await {
            match answer {
                Ok(Found::NotMine) => {}
                Ok(Found::Recipe(recipe)) => all.recipes.push(*recipe),
                Ok(Found::Refusal(refusal)) => all.refusals.push(*refusal),
                Err(failure) => all.failures.push(failure),
            }
        }
        Ok(all)
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
        recipe: &Recipe,
        workdir: &str,
        recorder: &Recorder,
    ) -> Result<Option<TestPlan>, PluginError> {
        let speaks = |plugin: &Plugin| plugin.speaks(&recipe.language);
        if !self.set.of(Kind::TestRunner).any(|plugin| speaks(plugin)) {
            return Ok(None);
        }
        let listing = self.listed(tree, Stage::Test, recorder).await?;
        let below = listing.below(tree.directory());
        let matched = self.set.runner_markers().matched(below).await;
        for (plugin, matched) in self.set.of(Kind::TestRunner).zip(matched) {
            if matched.is_empty() || !speaks(plugin) {
                continue;
            }
            let context = self.context(plugin);
            let (repo, app_tree) = opened(plugin, MakePlan::CALL, tree, &listing)?;
            let request = PlanRequest {
                language: recipe.language.clone(),
                app: tree.directory().to_owned(),
                matched,
                tools: recipe.toolchains.clone(),
                stage_workdir: workdir.to_owned(),
            };
            let guest = MakePlan { repo, app_tree, request };
            let Some(plan) = call(plugin, context, guest, recorder).await? else { continue };
            let plan = test_runner::plan(&plugin.manifest.name, plan);
            let plan = plan.map_err(|why| plugin.error(MakePlan::CALL, why, None))?;
            return plugin.measured(MakePlan::CALL, plan).map(Some);
        }
        Ok(None)
    }

    async fn read(
        &self,
        language: &str,
        runner: Option<&str>,
        output: &TestOutput,
        recorder: &Recorder,
    ) -> Result<Option<TestSummary>, PluginError> {
        let fits = |plugin: &&Arc<Plugin>| {
            plugin.speaks(language) && runner.is_none_or(|name| plugin.manifest.name == name)
        };
        for plugin in self.set.of(Kind::TestRunner).filter(fits) {
            let context = self.context(plugin);
            let read = call(plugin, context, Parse::of(output), recorder).await?;
            if let Some(summary) = read {
                let mut summary = test_runner::summary(&plugin.manifest.name, summary);
                // Too long: the counts stay true, and the last failures are dropped.
                while plugin.measured(Parse::CALL, &summary).is_err()
                    && summary.failures.pop().is_some()
                {}
                return plugin.measured(Parse::CALL, summary).map(Some);
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl Hooks for JobPlugins {
    fn of(&self, app: &App, app_settings: &BTreeMap<String, String>) -> Vec<Hook> {
        let hooks = self.set.hooks().iter();
        let own = hooks.filter(|source| app.is_of(&source.projects, &source.environments));
        own.map(|source| {
            let requested = app_settings.get(&source.hook.name).cloned();
            Hook { app_settings: requested.unwrap_or_else(|| "{}".into()), ..source.hook.clone() }
        })
        .collect()
    }

    fn takes_command(&self, hook: &Hook) -> bool {
        let Some(plugin) = self.set.named(Kind::DeployHook, &hook.plugin) else { return false };
        let own = serde_json::from_str(&hook.settings).unwrap_or_default();
        let settings = merged(&plugin.settings, &own);
        let with = merged(&settings, &serde_json::json!({ "command": ["true"] }));
        settings.get("command").is_none() && plugin.schema.check(&with).is_ok()
    }

    async fn next(
        &self,
        hook: &Hook,
        about: &About,
        earlier: Option<(&[u8], &[ActionResult])>,
        recorder: &Recorder,
    ) -> Result<HookStep, PluginError> {
        let Some(plugin) = self.set.named(Kind::DeployHook, &hook.plugin).cloned() else {
            return Err(not_loaded(&hook.plugin, Next::CALL));
        };
        let own = serde_json::from_str(&hook.settings).unwrap_or_default();
        let settings = merged(&plugin.settings, &own).to_string();
        let context = self.context_with(&plugin, settings.clone(), hook.secrets.clone());
        let guest = Next::of(hook, about, settings, earlier);
        let step = call(&plugin, context, guest, recorder).await?;
        deploy_hook::step(&plugin.granted, step).map_err(|why| plugin.error(Next::CALL, why, None))
    }
}

/// Returns the repository and the app's folder as a guest reads them.
fn opened(
    plugin: &Plugin,
    call: &str,
    tree: &dyn Tree,
    listing: &Arc<Listing>,
) -> Result<(TreeHandle, TreeHandle), PluginError> {
    let open = |folder: &str| {
        let opened = TreeHandle::disk(tree.repository(), folder, listing.clone());
        opened
            .map_err(|error| plugin.error(call, format!("the tree cannot be read: {error}"), None))
    };
    let app = tree.directory();
    let repo = open("")?;
    let app_tree = if app.is_empty() { repo.clone() } else { open(app)? };
    Ok((repo, app_tree))
}

/// Returns the error of a plan that names a plugin which is not configured any more.
fn not_loaded(plugin: &str, call: &str) -> PluginError {
    PluginError {
        plugin: plugin.into(),
        call: call.into(),
        message: "it is not loaded any more".into(),
        hint: Some("put it back into the daemon's configuration".into()),
    }
}
