//! What a plugin promises of itself: fixtures in its manifest, asked before a set goes live. A
//! component that does not load here, or does not do here what it did at its author's, is found out
//! before any job asks it.

use crate::{
    call::{Guest, call},
    engine::{Host, Plugin},
    grant::{Grant, Granted, SecretGrant, SitePolicy},
    hosts::HostPattern,
    kinds::{
        deploy_hook::{self, Next},
        detector::Detect,
        registry_auth::Authenticate,
        test_runner::{MakePlan, Parse},
    },
    limits::Ledger,
    manifest::Kind,
    secrets::Vault,
    settings::over,
    state::CallContext,
    workspace::TreeHandle,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use windlass_engine::{ports::Credential, recorder::Recorder};
use windlass_model::{
    app::App,
    error::PluginError,
    hook::{About, Hook, HookPhase, HookStep, Policy},
    secret::Secret,
    testing::TestOutput,
};

/// One question, and what must come of it. Nothing outside is reached: requests are denied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SelfTest {
    /// The tree, by path: a repository, or reports.
    pub files: BTreeMap<String, String>,
    /// Of a test runner: the language that it is asked for.
    pub language: String,
    /// Of a test runner: what a command printed; then it is asked to read that, not for a plan.
    pub output: Option<String>,
    /// How that command exited.
    pub exit: u32,
    /// Over none.
    pub settings: Option<Value>,
    /// Of a hook: what the app says.
    pub said: Option<Value>,
    /// Of a hook: when. Default `after-release`.
    pub phase: Option<HookPhase>,
    /// By the names that it asks for.
    pub secrets: BTreeMap<String, String>,
    /// What must come of it.
    pub expect: Expect,
}

/// What is said here must be so; the rest may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// Of a detector.
    pub language: Option<String>,
    /// Of a test runner's plan, words joined by blanks.
    pub command: Option<String>,
    /// What a test runner read.
    pub passed: Option<u32>,
    /// Likewise.
    pub failed: Option<u32>,
    /// Of a registry's login with a password.
    pub user: Option<String>,
    /// The first action of a hook, in words, or its last word.
    pub says: Option<String>,
    /// It answers an error that holds these words.
    pub error: Option<String>,
}

/// Asks all.
///
/// # Errors
/// The first that comes to something else, and to what.
pub(crate) async fn run(host: &Arc<Host>, plugin: &Arc<Plugin>) -> Result<(), String> {
    let recorder = Recorder::null();
    for (number, test) in (1..).zip(&plugin.manifest.self_test) {
        let came = came_to(host, plugin, test, &recorder).await;
        let differs = match (came, &test.expect.error) {
            (Err(error), Some(words)) if error.message.contains(&**words) => Ok(()),
            (Err(error), _) => Err(error.to_string()),
            (Ok(_), Some(words)) => Err(format!("it answers, and an error `{words}` was expected")),
            (Ok(came), None) => compared(&test.expect, &came),
        };
        differs.map_err(|why| format!("its self-test {number} fails: {why}"))?;
    }
    plugin.record.forget();
    Ok(())
}

/// Field by field.
fn compared(expect: &Expect, came: &Value) -> Result<(), String> {
    let expected = serde_json::to_value(expect).unwrap_or_default();
    for (field, wanted) in expected.as_object().into_iter().flatten() {
        if !wanted.is_null() && came.get(field) != Some(wanted) {
            let found = came.get(field).cloned().unwrap_or_default();
            return Err(format!("`{field}` is {found}, and {wanted} was expected"));
        }
    }
    Ok(())
}

async fn came_to(
    host: &Arc<Host>,
    plugin: &Arc<Plugin>,
    test: &SelfTest,
    recorder: &Recorder,
) -> Result<Value, PluginError> {
    let settings = over(&plugin.settings, test.settings.as_ref().unwrap_or(&json!({})));
    let share = share(plugin, test, settings.to_string())
        .map_err(|why| plugin.error("self-test", why, None))?;
    let files = || TreeHandle::memory(test.files.clone());
    let matched = || {
        let paths = test.files.keys().filter(|path| plugin.markers.is_match(path));
        paths.cloned().collect()
    };
    let host = host.clone();
    let asked = plugin.clone();
    Ok(match (plugin.manifest.world, &test.output) {
        (Kind::Detector, _) => {
            let guest = Detect { tree: files(), matched: matched() };
            let found = call(host, asked, share, guest, recorder).await?;
            json!({ "language": found.map(|found| found.language) })
        }
        (Kind::TestRunner, None) => {
            let language = test.language.clone();
            let guest = MakePlan { tree: files(), language, matched: matched() };
            let plan = call(host, asked, share, guest, recorder).await?;
            json!({ "command": plan.map(|plan| plan.command.join(" ")) })
        }
        (Kind::TestRunner, Some(output)) => {
            let output = output.clone();
            let reports = test.files.clone();
            let ran = TestOutput { exit: test.exit, output, reports, ..TestOutput::default() };
            match call(host, asked, share, Parse::of(&ran), recorder).await? {
                Some(read) => json!({ "passed": read.passed, "failed": read.failed }),
                None => json!({}),
            }
        }
        (Kind::RegistryAuth, _) => {
            let guest = Authenticate { registry: "registry.example.com".into() };
            match call(host, asked, share, guest, recorder).await?.credential {
                Credential::Basic(user, _) => json!({ "user": user }),
                Credential::IdentityToken(_) | Credential::Bearer(_) => json!({}),
            }
        }
        (Kind::DeployHook, _) => {
            let (hook, about) = hook(plugin, test);
            let guest = Next::of(&hook, &about, settings.to_string(), None);
            let step = call(host, asked, share, guest, recorder).await?;
            let step = deploy_hook::step(&all_asked(plugin, test), step);
            match step.map_err(|why| plugin.error(Next::CALL, why, None))? {
                HookStep::Done(done) => json!({ "says": done.message }),
                HookStep::Run(batch) => {
                    json!({ "says": batch.actions.first().map(ToString::to_string) })
                }
            }
        }
    })
}

/// Everything that it asks for, but for hosts: a fixture is no reason to reach any.
fn all_asked(plugin: &Plugin, test: &SelfTest) -> Granted {
    let asks = plugin.granted.asks();
    let grant = Grant {
        http: Vec::new(),
        secrets: asks
            .secrets
            .iter()
            .filter(|ask| test.secrets.contains_key(&ask.name))
            .map(|ask| SecretGrant {
                name: ask.name.clone(),
                uses: ask.uses.clone(),
                hosts: Vec::<HostPattern>::new(),
                public: ask.public.clone(),
            })
            .collect(),
        actions: asks.actions.iter().map(|ask| ask.action).collect(),
    };
    Granted::unchecked(asks, &grant, &SitePolicy::default())
}

fn share(plugin: &Plugin, test: &SelfTest, settings: String) -> Result<CallContext, String> {
    let known = &plugin.granted.asks().secrets;
    if let Some(other) = test.secrets.keys().find(|own| !known.iter().any(|ask| ask.name == **own))
    {
        return Err(format!("a self-test gives the secret `{other}`, which it does not ask for"));
    }
    let given = test.secrets.iter();
    let given = given.map(|(name, text)| (name.clone(), Secret::new(text.clone().into_bytes())));
    Ok(CallContext {
        limits: plugin.limits.clone(),
        ledger: Arc::new(Ledger::default()),
        granted: Arc::new(all_asked(plugin, test)),
        vault: Vault { given: given.collect(), ..Vault::default() },
        settings,
        project: String::new(),
    })
}

fn hook(plugin: &Plugin, test: &SelfTest) -> (Hook, About) {
    let hook = Hook {
        name: "self-test".into(),
        plugin: plugin.manifest.name.clone(),
        phase: test.phase.unwrap_or(HookPhase::AfterRelease),
        policy: Policy::Warn,
        settings: "{}".into(),
        app_settings: test.said.as_ref().unwrap_or(&json!({})).to_string(),
        secrets: BTreeMap::new(),
    };
    let app = App { project: "self".into(), name: "test".into(), environment: "test".into() };
    let about = About {
        key: "self-test".into(),
        job: "self-test".into(),
        app,
        commit: "0".repeat(40),
        image: None,
        failure: None,
    };
    (hook, about)
}
