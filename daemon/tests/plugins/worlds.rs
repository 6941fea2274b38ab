//! The project's own plugins that reach outside: against moto, which plays AWS and verifies signatures, and
//! against a receiver of webhooks that believes only what is signed.

use crate::{harness::Bench, outside::digest, serving::serve};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use windlass_bed::{Layout, build, part::python};
use windlass_engine::ports::{Credential, Hooks, Login};
use windlass_model::{
    app::App,
    diagnosis::Diagnosis,
    error::PluginError,
    event::Event,
    hook::{About, Action, ActionResult, Done, Hook, HookPhase, HookStep, Policy, SecretSource},
    secret::Secret,
};
use windlass_plugin_host::{Grant, HookSource, Isolation, Plugins, RegistrySource, Setup, Source};

const REGISTRY: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

fn source(name: &str, grant: &str) -> Source {
    let path = build::plugins().unwrap().join(format!("{name}.wasm"));
    let digest = Some(digest(&fs::read(&path).unwrap()));
    let grant: Grant = toml::from_str(grant).unwrap();
    // As an operator would run code that holds keys.
    let isolation = Isolation::Process;
    Source { path, digest, grant, isolation, ..Source::default() }
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

async fn login(
    bench: &Bench,
    plugin: &str,
    grant: &str,
    settings: Value,
    secrets: &[(&str, PathBuf)],
) -> (Result<Login, PluginError>, Vec<Event>) {
    let sources =
        secrets.iter().map(|(name, path)| ((*name).to_owned(), SecretSource::File(path.clone())));
    let registry = RegistrySource {
        host: REGISTRY.into(),
        plugin: plugin.into(),
        settings,
        secrets: sources.collect(),
    };
    let setup = Setup {
        plugins: vec![source(plugin, grant)],
        registries: vec![registry.clone()],
        ..Setup::default()
    };
    let plugins = Plugins::load(bench.host.clone(), &setup).await.unwrap();
    bench
        .listening(async |recorder| plugins.for_job("").authenticate(&registry, recorder).await)
        .await
}

fn basic(login: Login) -> (String, String) {
    match login.credential {
        Credential::Basic(user, secret) => (user, secret.reveal_text().unwrap().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_the_operator_has() {
    let bench = Bench::new();
    let secret = file(bench.folder.path(), "secret", "pass-word-1\n");
    let grant = "secrets = [{ name = \"secret\", uses = [\"login\"] }]";
    let ask = async |settings| {
        let (login, events) =
            login(&bench, "registry-static", grant, settings, &[("secret", secret.clone())]).await;
        assert!(!format!("{events:?}").contains("pass-word"), "{events:?}");
        login
    };
    let login = ask(json!({ "user": "ci" })).await.unwrap();
    assert_eq!(login.renew_ms, None);
    assert_eq!(basic(login), ("ci".into(), "pass-word-1".into()));
    let identity = ask(json!({ "kind": "identity-token" })).await.unwrap().credential;
    assert!(matches!(identity, Credential::IdentityToken(_)));
    let bearer = ask(json!({ "kind": "bearer" })).await.unwrap().credential;
    assert!(matches!(bearer, Credential::Bearer(_)));
    let error = ask(json!({})).await.unwrap_err();
    assert!(error.hint.unwrap().contains("add `user`"));
}

/// A secret of the project's own is in no file of the daemon's host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_a_project_brings() {
    let bench = Bench::new();
    let grant = "secrets = [{ name = \"secret\", uses = [\"login\"] }]";
    let plugins = vec![source("registry-static", grant)];
    let setup = Setup { plugins, ..Setup::default() };
    let plugins = Plugins::load(bench.host.clone(), &setup).await.unwrap();
    let registry = RegistrySource {
        host: REGISTRY.into(),
        plugin: "registry-static".into(),
        settings: json!({ "user": "ci" }),
        secrets: BTreeMap::new(),
    };
    let secret = Secret::new(b"pass-word-2".to_vec());
    let own: BTreeMap<String, Secret> = [("secret".to_owned(), secret)].into();
    let job = plugins.for_job("shop");
    let (login, events) = bench
        .listening(async |recorder| job.authenticate_with(&registry, &own, recorder).await)
        .await;
    assert_eq!(basic(login.unwrap()), ("ci".into(), "pass-word-2".into()));
    assert!(!format!("{events:?}").contains("pass-word"), "{events:?}");

    let set = plugins.current();
    let check = |plugin: &str, settings: Value, secrets: &'static str| {
        set.check_registry(plugin, &settings, &secrets.split_whitespace().collect())
    };
    check("registry-static", json!({ "user": "ci" }), "secret").unwrap();
    for (plugin, settings, secrets, expected) in [
        ("registry-ecr", json!({}), "secret", "no registry-auth `registry-ecr` is loaded"),
        ("registry-static", json!({ "usr": "ci" }), "secret", "usr"),
        ("registry-static", json!({}), "", "needs `secret`: is the password or token itself"),
        ("registry-static", json!({}), "secret other", "does not ask for `other`"),
    ] {
        let error = check(plugin, settings, secrets).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

/// The key signs and never enters the guest. A refusal of AWS has a hint what to change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ecr_with_keys_with_a_role_and_with_a_web_identity() {
    let layout = Layout::main();
    let bench = Bench::new();
    let verified = 21_500;
    let open = 21_501;
    let _aws = python::aws(&layout, verified, true).unwrap();
    let _open = python::aws(&layout, open, false).unwrap();
    let users = python::aws_users(&layout, verified).unwrap();
    let skewed = serve().await.port();
    let hosts: Vec<_> = [verified, open, skewed]
        .map(|port| {
            format!("{{ host = \"127.0.0.1:{port}\", methods = [\"POST\"], scheme = \"http\", private = true }}")
        })
        .into();
    let grant = format!(
        "http = [{}]\nsecrets = [
            {{ name = \"aws\", uses = [\"hmac\", \"send\"], hosts = [\"127.0.0.1:{verified}\"], public = [\"/access_key_id\"] }},
            {{ name = \"web-identity\", uses = [\"send\"], hosts = [\"127.0.0.1:{open}\"] }}]",
        hosts.join(", ")
    );
    let at = |port: u16| {
        let url = format!("http://127.0.0.1:{port}/");
        json!({ "ecr-endpoint": url, "sts-endpoint": url })
    };
    let with = |mut settings: Value, key: &str, value: &str| {
        settings[key] = value.into();
        settings
    };
    let aws = |name: &str, keys: &Value| file(bench.folder.path(), name, &keys.to_string());
    let ci = aws("ci", &users["ci"]);
    let ask = async |settings: Value, secrets: &[(&str, PathBuf)]| {
        let (login, events) = login(&bench, "registry-ecr", &grant, settings, secrets).await;
        let all = format!("{events:?}");
        let secret = users["ci"]["secret_access_key"].as_str().unwrap();
        assert!(!all.contains(secret) && !all.contains("auth-token"), "{all}");
        login
    };
    let expected = ("AWS".to_owned(), python::ECR_PASSWORD.to_owned());
    let login = ask(at(verified), &[("aws", ci.clone())]).await.unwrap();
    // moto's login expired in 2015: it is used, and due for renewal at once.
    assert!(login.renew_ms.is_some_and(|at| at < 1_500_000_000_000), "{login:?}");
    assert_eq!(basic(login), expected);
    let role = "arn:aws:iam::123456789012:role/push";
    let settings = with(at(verified), "role-arn", role);
    // The role's own keys are AWS's answer: taken as secrets, signed with, never seen.
    assert_eq!(basic(ask(settings, &[("aws", ci.clone())]).await.unwrap()), expected);
    let token = file(bench.folder.path(), "token", "eyJhbGciOiJub25lIn0.e30.&sig=");
    let settings = with(at(open), "role-arn", role);
    assert_eq!(basic(ask(settings, &[("web-identity", token)]).await.unwrap()), expected);

    let mut wrong_id = users["ci"].clone();
    wrong_id["access_key_id"] = "AKIA0000000000000000".into();
    let mut wrong_key = users["ci"].clone();
    wrong_key["secret_access_key"] = "wrong-wrong-wrong-wrong".into();
    for (settings, keys, what, hint) in [
        (at(verified), &wrong_id, "ecr:GetAuthorizationToken", "`access_key_id`"),
        (at(verified), &wrong_key, "SignatureDoesNotMatch", "`secret_access_key`"),
        (at(verified), &users["nobody"], "AccessDenied", "allow `ecr:GetAuthorizationToken`"),
        (
            with(at(verified), "role-arn", role),
            &users["nobody"],
            "AccessDenied",
            "allow `sts:AssumeRole`",
        ),
        (
            with(at(skewed), "ecr-endpoint", &format!("http://127.0.0.1:{skewed}/skew")),
            &users["ci"],
            "SignatureDoesNotMatch",
            "clock is off by",
        ),
    ] {
        let error = ask(settings, &[("aws", aws("other", keys))]).await.unwrap_err();
        assert!(error.message.contains(what), "{error}");
        assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{error:?}");
    }
}

/// The library of Standard Webhooks verifies the signature. A busy receiver is tried again with the same id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_believed_by_who_has_the_key() {
    let layout = Layout::main();
    let bench = Bench::new();
    let port = 21_502;
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let log = bench.folder.path().join("received");
    let _receiver = python::receiver(&layout, port, secret, &log).unwrap();
    let grant = format!(
        "http = [{{ host = \"127.0.0.1:{port}\", methods = [\"POST\"], scheme = \"http\", private = true }}]
         secrets = [{{ name = \"signing\", uses = [\"hmac\"] }}]"
    );
    let good = file(bench.folder.path(), "good", secret);
    let other = file(bench.folder.path(), "other", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let notify = async |path: &str, key: &Path, earlier: Option<(&[u8], &[ActionResult])>| {
        let hook = Hook {
            name: "notify".into(),
            plugin: "hook-http".into(),
            phase: HookPhase::AfterFailure,
            policy: Policy::Warn,
            settings: json!({ "url": format!("http://127.0.0.1:{port}/{path}") }).to_string(),
            app_settings: "{}".into(),
            secrets: [("signing".to_owned(), SecretSource::File(key.into()))].into(),
        };
        let setup = Setup {
            plugins: vec![source("hook-http", &grant)],
            hooks: vec![HookSource { hook, projects: Vec::new(), environments: Vec::new() }],
            ..Setup::default()
        };
        let plugins = Plugins::load(bench.host.clone(), &setup).await.unwrap();
        let app = App::new("shop", "web", "").unwrap();
        let job = plugins.for_job("shop");
        let hook = job.of(&app, &BTreeMap::new()).remove(0);
        let failure = Diagnosis { code: "app-crashes".into(), ..Diagnosis::default() };
        let about = About {
            key: "0197/notify".into(),
            job: "0197".into(),
            app,
            commit: "c0ffee".into(),
            image: None,
            failure: Some(failure),
        };
        bench
            .listening(async |recorder| job.next(&hook, &about, earlier, recorder).await)
            .await
            .0
            .unwrap()
    };
    let HookStep::Done(Done { ok: true, .. }) = notify("", &good, None).await else { panic!() };
    let received = fs::read_to_string(&log).unwrap();
    let (id, body) = received.trim().split_once(' ').unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((id, &body["type"]), ("windlass/0197/notify", &json!("release.failed")));
    assert_eq!(body["data"]["failure"]["code"], "app-crashes");
    let HookStep::Done(refused) = notify("", &other, None).await else { panic!() };
    assert!(!refused.ok && refused.message.contains("answered 401"), "{refused:?}");
    let HookStep::Done(removed) = notify("gone", &good, None).await else { panic!() };
    assert!(removed.message.contains("remove this hook"), "{removed:?}");
    let HookStep::Run(batch) = notify("busy", &good, None).await else { panic!() };
    assert_eq!(batch.actions, [Action::Wait { ms: 2_000 }]);
    let again = notify("busy", &good, Some((&batch.state, &[ActionResult::Waited]))).await;
    assert!(matches!(again, HookStep::Done(Done { ok: true, .. })), "{again:?}");
}
