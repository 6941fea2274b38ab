//! Self-tests of a plugin: fixtures in its manifest, which run before a set goes live. They find a component
//! that does not load here, or behaves otherwise than at its author's, before any job calls the component.

use crate::{
    grant::{Grant, Granted, SecretGrant, SitePolicy},
    host::CallContext,
    host_pattern::HostPattern,
    kinds::{
        Guest,
        deploy_hook::{self, Next},
        detector::{self, Detect, Found},
        invoke::{DetectRequest, PlanRequest},
        registry_auth::Authenticate,
        test_runner::{MakePlan, Parse},
    },
    limits::Ledger,
    listing::{depth, relative},
    manifest::{Expect, Kind, SelfTest},
    plugin::Plugin,
    resources::Vault,
    run::call::call,
    settings::merged,
    tree::TreeHandle,
};
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

/// Runs all self-tests of a plugin. The error names the first one that fails, with its answer.
pub(crate) async fn run(plugin: &Plugin) -> Result<(), String> {
    let recorder = Recorder::null();
    for (number, test) in (1..).zip(&plugin.manifest.self_test) {
        let answer = answer_to(plugin, test, &recorder).await;
        let differs = match (answer, &test.expect.error) {
            (Err(error), Some(text)) if error.message.contains(&**text) => Ok(()),
            (Err(error), _) => Err(error.to_string()),
            (Ok(answer), Some(text))
                if refusal(&answer).is_some_and(|why| why.contains(&**text)) =>
            {
                Ok(())
            }
            (Ok(_), Some(text)) => Err(format!("it answers, and an error `{text}` was expected")),
            (Ok(answer), None) => compared(&test.expect, &answer),
        };
        differs.map_err(|why| format!("its self-test {number} fails: {why}"))?;
    }
    plugin.breaker.forget();
    Ok(())
}

/// Returns the reason of a detector's refusal. `None` means that the answer is none.
fn refusal(answer: &Value) -> Option<&str> {
    answer.get("refused").and_then(Value::as_str)
}

/// Compares the expected fields.
fn compared(expect: &Expect, answer: &Value) -> Result<(), String> {
    match (&expect.refused, refusal(answer)) {
        (Some(text), Some(why)) if why.contains(&**text) => {}
        (None, None) => {}
        (Some(text), why) => {
            let why = why.unwrap_or("none");
            return Err(format!("its refusal is `{why}`, and `{text}` was expected"));
        }
        (None, Some(why)) => return Err(format!("it refuses: {why}")),
    }
    let expected = serde_json::to_value(expect).unwrap_or_default();
    for (field, wanted) in expected.as_object().into_iter().flatten() {
        if field != "refused" && !wanted.is_null() && answer.get(field) != Some(wanted) {
            let found = answer.get(field).cloned().unwrap_or_default();
            return Err(format!("`{field}` is {found}, and {wanted} was expected"));
        }
    }
    Ok(())
}

async fn answer_to(
    plugin: &Plugin,
    test: &SelfTest,
    recorder: &Recorder,
) -> Result<Value, PluginError> {
    let settings = merged(&plugin.settings, test.settings.as_ref().unwrap_or(&json!({})));
    let context = context(plugin, test, settings.to_string())
        .map_err(|why| plugin.error("self-test", why, None))?;
    let repo = || TreeHandle::memory(test.files.clone());
    let app = test.app.clone();
    let app_tree = || {
        let below = test
            .files
            .iter()
            .filter_map(|(path, text)| Some((relative(path, &app)?.to_owned(), text.clone())));
        TreeHandle::memory(below.collect())
    };
    let matched = || {
        let paths = test.files.keys().filter_map(|path| relative(path, &app));
        let mut paths: Vec<_> =
            paths.filter(|path| plugin.markers.is_match(path)).map(str::to_owned).collect();
        paths.sort_by_cached_key(|path| (depth(path), path.clone()));
        paths
    };
    Ok(match (plugin.manifest.world, &test.output) {
        (Kind::Detector, _) => {
            let versions = test.versions.clone().into_iter().collect();
            let (app, matched) = (app.clone(), matched());
            let request = DetectRequest { app, matched, versions, named: false };
            let guest = Detect { repo: repo(), app_tree: app_tree(), request };
            let answer = call(plugin, context, guest, recorder).await?;
            let answer = detector::answer(&plugin.manifest.name, &test.app, answer);
            match answer.map_err(|why| plugin.error(Detect::CALL, why, None))? {
                Found::NotMine => json!({ "language": null }),
                Found::Recipe(found) => {
                    json!({ "language": found.language, "score": found.score })
                }
                Found::Refusal(found) => json!({
                    "language": found.language,
                    "score": found.score,
                    "refused": found.reason,
                }),
            }
        }
        (Kind::TestRunner, None) => {
            let request = PlanRequest {
                language: test.language.clone(),
                app: app.clone(),
                matched: matched(),
                tools: Vec::new(),
                stage_workdir: "/app".into(),
            };
            let guest = MakePlan { repo: repo(), app_tree: app_tree(), request };
            let plan = call(plugin, context, guest, recorder).await?;
            json!({ "command": plan.map(|plan| plan.command.join(" ")) })
        }
        (Kind::TestRunner, Some(output)) => {
            let output = output.clone();
            let reports = test.files.clone();
            let ran = TestOutput { exit: test.exit, output, reports, ..TestOutput::default() };
            match call(plugin, context, Parse::of(&ran), recorder).await? {
                Some(read) => json!({ "passed": read.passed, "failed": read.failed }),
                None => json!({}),
            }
        }
        (Kind::RegistryAuth, _) => {
            let guest = Authenticate { registry: "registry.example.com".into() };
            match call(plugin, context, guest, recorder).await?.credential {
                Credential::Basic(user, _) => json!({ "user": user }),
                Credential::IdentityToken(_) | Credential::Bearer(_) => json!({}),
            }
        }
        (Kind::DeployHook, _) => {
            let (hook, about) = hook(plugin, test);
            let guest = Next::of(&hook, &about, settings.to_string(), None);
            let step = call(plugin, context, guest, recorder).await?;
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

/// Grants everything that the plugin asks for, except hosts: a fixture must reach none.
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

fn context(plugin: &Plugin, test: &SelfTest, settings: String) -> Result<CallContext, String> {
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
        app_settings: test.app_settings.as_ref().unwrap_or(&json!({})).to_string(),
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
