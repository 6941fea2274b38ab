//! Things that a hook reaches for and must not get: other hosts, addresses behind names, a secret's text, more
//! than its share, other people's pods. One component does what its settings say.

use crate::{harness::Bench, serving::serve};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};
use windlass_bed::build;
use windlass_engine::ports::Hooks;
use windlass_model::{
    app::App,
    error::PluginError,
    event::Event,
    hook::{About, ActionResult, Hook, HookPhase, HookStep, Policy, SecretSource},
};
use windlass_plugin_host::{
    Grant, HookSource, Isolation, Limits, Plugins, Setup, SitePolicy, Source,
};

/// Makes two tests of each function: in the daemon's process, and in a process of the plugin's own.
macro_rules! on_both {
    ($($name:ident),*) => {$(
        mod $name {
            use windlass_plugin_host::Isolation;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_the_sandbox() {
                super::$name(Isolation::Sandbox).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_a_process() {
                super::$name(Isolation::Process).await;
            }
        }
    )*};
}

on_both!(
    places_that_were_not_granted,
    answers_that_do_not_end,
    a_secrets_text_is_never_seen,
    handles_are_counted,
    actions_that_were_not_granted_or_make_no_sense,
    a_set_is_loaded_as_it_was_granted_or_not_at_all
);

const SECRET: &str = "hunter2-hunter2-hunter2";

struct Reaching {
    bench: Bench,
    grant: Grant,
    limits: Limits,
    policy: SitePolicy,
    isolation: Isolation,
}

impl Reaching {
    fn new(isolation: Isolation, grant: &str) -> Self {
        let grant = toml::from_str(grant).unwrap();
        let limits = Limits::default();
        let policy = SitePolicy::default();
        Self { bench: Bench::new(), grant, limits, policy, isolation }
    }

    fn setup(&self, settings: &Value) -> Setup {
        let path = build::plugins().unwrap().join("hostile-hook.wasm");
        let digest = Some(digest(&fs::read(&path).unwrap()));
        let key = self.bench.folder.path().join("key");
        fs::write(&key, SECRET).unwrap();
        let hook = Hook {
            name: "reach".into(),
            plugin: "hostile-hook".into(),
            phase: HookPhase::AfterRelease,
            policy: Policy::Stop,
            settings: settings.to_string(),
            app_settings: "{}".into(),
            secrets: [("key".to_owned(), SecretSource::File(key))].into(),
        };
        let grant = self.grant.clone();
        let limits = self.limits.clone();
        let isolation = self.isolation;
        Setup {
            plugins: vec![Source { path, digest, grant, limits, isolation, ..Source::default() }],
            hooks: vec![HookSource { hook, projects: Vec::new(), environments: Vec::new() }],
            policy: self.policy.clone(),
            ..Setup::default()
        }
    }

    /// Asks the hook, and returns its answer with all events that were recorded meanwhile.
    async fn ask(
        &self,
        settings: &Value,
        earlier: Option<(&[u8], &[ActionResult])>,
    ) -> (Result<HookStep, PluginError>, Vec<Event>) {
        let plugins = Plugins::load(self.bench.host.clone(), &self.setup(settings)).await.unwrap();
        let job = plugins.for_job("shop");
        let app = App::new("shop", "web", "").unwrap();
        let hook = job.of(&app, &BTreeMap::new()).remove(0);
        let about = About {
            key: "job/reach".into(),
            job: "job".into(),
            app,
            commit: "c0ffee".into(),
            image: None,
            failure: None,
        };
        self.bench
            .listening(async |recorder| job.next(&hook, &about, earlier, recorder).await)
            .await
    }

    /// Asks the hook, and returns its answer as text, with the recorded events.
    async fn answer_text(&self, settings: &Value) -> (String, Vec<Event>) {
        let (answer, events) = self.ask(settings, None).await;
        let text = match answer {
            Ok(HookStep::Done(done)) => done.message,
            Ok(HookStep::Run(batch)) => format!("{:?}", batch.actions),
            Err(error) => error.to_string(),
        };
        (text, events)
    }
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn denied(events: &[Event]) -> Vec<String> {
    let denied = events.iter().filter_map(|event| match event {
        Event::PluginEffect(effect) => effect.denied.clone(),
        _ => None,
    });
    denied.collect()
}

/// Number 20: each is refused before anything is connected to, and the event says what would allow it.
async fn places_that_were_not_granted(isolation: Isolation) {
    let open = serve().await;
    let port = open.port();
    let grant = format!(
        "http = [{{ host = \"localhost:{port}\", methods = [\"POST\"], scheme = \"http\" }},
                 {{ host = \"*.0.0.1:{port}\", methods = [\"POST\"], scheme = \"http\", private = true }},
                 {{ host = \"localhost\", methods = [\"POST\"] }}]"
    );
    let reaching = Reaching::new(isolation, &grant);
    for (url, expected) in [
        (
            "https://api.example.com/".to_owned(),
            "http = [{ host = \"api.example.com\", methods = [\"POST\"] }]",
        ),
        ("http://169.254.169.254/latest/meta-data".into(), "not granted"),
        ("http://[::ffff:10.0.0.1]/".into(), "not granted"),
        ("http://[fd00::1]/".into(), "not granted"),
        ("http://0x7f000001/".into(), "not granted"),
        ("http://2130706433/".into(), "not granted"),
        ("https://kubernetes.default.svc/".into(), "not granted"),
        // A name that was granted, whose address is none of the public internet: as by rebinding.
        (format!("http://localhost:{port}/echo"), "not of the public internet"),
        ("https://localhost/".into(), "not of the public internet"),
        // An address behind a wildcard.
        (format!("http://127.0.0.1:{port}/echo"), "only its own name grants"),
        ("https://localhost@evil.example/".into(), "user or password"),
        (format!("http://localhost:{port}@evil.example/"), "user or password"),
        ("file:///etc/passwd".into(), "neither https nor http"),
        ("gopher://localhost/".into(), "neither https nor http"),
        ("no url".into(), "URL"),
        (format!("https://localhost:{port}/"), "not granted"),
    ] {
        let (text, events) = reaching.answer_text(&json!({ "mode": "send", "url": url })).await;
        assert!(text.contains(expected), "{url}: {text}");
        assert!(url == "no url" || !denied(&events).is_empty(), "{url}: {events:?}");
    }
    for (header, value) in [
        ("x-a", "1\r\nhost: evil.example"),
        ("x-a\r\nhost", "evil.example"),
        ("host", "evil.example"),
        ("Transfer-Encoding", "chunked"),
        ("content-length", "0"),
        ("accept-encoding", "gzip"),
        ("range", "bytes=0-1"),
        ("proxy-authorization", "x"),
    ] {
        let url = "https://localhost/";
        let settings = json!({ "mode": "send", "url": url, "header": header, "value": value });
        let (text, _) = reaching.answer_text(&settings).await;
        assert!(text.contains("header"), "{header}: {text}");
    }
    // The site's policy overrides every grant.
    let policy = toml::from_str(&format!("deny-hosts = [\"localhost:{port}\"]")).unwrap();
    let reaching = Reaching { policy, ..Reaching::new(isolation, &grant) };
    let url = format!("http://localhost:{port}/echo");
    let (text, _) = reaching.answer_text(&json!({ "mode": "send", "url": url })).await;
    assert!(text.contains("policy"), "{text}");
}

fn own(port: u16) -> String {
    format!(
        "http = [{{ host = \"127.0.0.1:{port}\", methods = [\"GET\", \"POST\"], scheme = \"http\", private = true }}]\n"
    )
}

/// Numbers 20 and 21: no redirect is followed. No answer is awaited or read without end.
async fn answers_that_do_not_end(isolation: Isolation) {
    let port = serve().await.port();
    let reaching = Reaching::new(isolation, &own(port));
    for (path, expected) in [
        ("redirect", "302"),
        ("drip", "no answer within 1000 ms"),
        ("endless", "more than 100000 bytes"),
        ("headers", "header"),
        ("nothing", "404"),
    ] {
        let url = format!("http://127.0.0.1:{port}/{path}");
        let began = Instant::now();
        let settings = json!({ "mode": "send", "url": url, "timeout": 1_000 });
        let (text, events) = reaching.answer_text(&settings).await;
        assert!(text.contains(expected), "{path}: {text}");
        assert!(began.elapsed() < Duration::from_secs(5), "{path}");
        let is_recorded = events.iter().any(|event| {
            matches!(event, Event::PluginEffect(effect) if effect.what.contains(path) && effect.denied.is_none())
        });
        assert!(is_recorded, "{path}: {events:?}");
    }
    let url = format!("http://127.0.0.1:{port}/nothing");
    let (text, _) = reaching.answer_text(&json!({ "mode": "many", "url": url })).await;
    assert!(text.contains("more than 50 requests (limit `http`)"), "{text}");
}

/// Number 22: a secret that was granted is used, and never read: not in an answer that echoes it, a
/// header, a log, an error, a hook's state; it goes to its own hosts only.
async fn a_secrets_text_is_never_seen(isolation: Isolation) {
    let port = serve().await.port();
    let url = format!("http://127.0.0.1:{port}/echo");
    let key = |hosts: &str| {
        format!(
            "{}secrets = [{{ name = \"key\", uses = [\"send\"], hosts = [{hosts}] }}]",
            own(port)
        )
    };
    let reaching = Reaching::new(isolation, &key(&format!("\"127.0.0.1:{port}\"")));
    for mode in ["send", "fail-with-answer"] {
        let settings = json!({ "mode": mode, "url": url, "secret": true });
        let (text, events) = reaching.answer_text(&settings).await;
        assert!(text.contains("***"), "it came back, blanked: {text}");
        let all = format!("{text} {events:?}");
        assert!(!all.contains("hunter2"), "{all}");
    }
    let (answer, _) = reaching
        .ask(&json!({ "mode": "send", "url": url, "secret": true, "keep": true }), None)
        .await;
    let Ok(HookStep::Run(batch)) = answer else { panic!("{answer:?}") };
    assert!(!String::from_utf8_lossy(&batch.state).contains("hunter2"));
    // Into the URL there is no way: it is text. Other hosts than its own:
    let (text, _) = Reaching::new(isolation, &key("\"api.example.com\""))
        .answer_text(&json!({ "mode": "send", "url": url, "secret": true }))
        .await;
    assert!(text.contains("may not be sent to 127.0.0.1"), "{text}");
    let hmac = format!("{}secrets = [{{ name = \"key\", uses = [\"hmac\"] }}]", own(port));
    let (text, _) = Reaching::new(isolation, &hmac)
        .answer_text(&json!({ "mode": "send", "url": url, "secret": true }))
        .await;
    assert!(text.contains("may not be used for send"), "{text}");
    // Whether a prefix fits would reveal the secret, character by character.
    let (text, _) = reaching.answer_text(&json!({ "mode": "guess" })).await;
    assert_eq!(text.matches("does not name").count(), 2, "{text}");
    let (text, _) = reaching.answer_text(&json!({ "mode": "public", "pointer": "/id" })).await;
    assert!(text.contains("is not public"), "{text}");
    let (text, events) = Reaching::new(isolation, &own(port))
        .answer_text(&json!({ "mode": "send", "url": url, "secret": true }))
        .await;
    assert!(text.contains("this would allow it: secrets"), "{text}");
    assert_eq!(denied(&events).len(), 1);
}

/// Number 13, with handles that the host makes.
async fn handles_are_counted(isolation: Isolation) {
    let grant = "secrets = [{ name = \"key\", uses = [\"hmac\"] }]";
    let (text, _) =
        Reaching::new(isolation, grant).answer_text(&json!({ "mode": "handles" })).await;
    assert!(text.contains("holds more than 256 handles"), "{text}");
}

/// Numbers 23 and 25: what a hook may have done is what was granted, in shapes that hold.
async fn actions_that_were_not_granted_or_make_no_sense(isolation: Isolation) {
    let none = Reaching::new(isolation, "");
    let all = Reaching::new(isolation, "actions = [\"pod-exec\", \"run-job\"]");
    let command = |argv: Value| json!({ "mode": "exec", "command": argv });
    for (reaching, settings, expected) in [
        (&none, command(json!(["true"])), "this would allow it: actions = [\"pod-exec\"]"),
        (&none, json!({ "mode": "job", "command": ["true"] }), "actions = [\"run-job\"]"),
        (&all, command(json!([])), "command is empty"),
        (&all, command(json!([""])), "command is empty"),
        (&all, command(json!(["sh", "a\0b"])), "holds a NUL"),
        (&all, command(json!(["sh", "x".repeat(20_000)])), "16384 are allowed"),
        (&all, json!({ "mode": "state" }), "65536 are allowed"),
        (&all, json!({ "mode": "actions" }), "1 to 20 are allowed"),
        (&all, json!({ "mode": "other" }), "does not know: kind rm"),
    ] {
        let (text, _) = reaching.answer_text(&settings).await;
        assert!(text.contains(expected), "{settings}: {text}");
    }
    // Words that look like options, shell or YAML are expected: argv is handed on as it is, for at most
    // an hour.
    let odd = json!(["--privileged", "; rm -rf /", "image: x\nkind: Pod"]);
    let (answer, _) = all.ask(&command(odd), None).await;
    let Ok(HookStep::Run(batch)) = answer else { panic!("{answer:?}") };
    let shown = format!("{:?}", batch.actions);
    assert!(
        shown.contains("\"--privileged\", \"; rm -rf /\"") && shown.contains("3600000"),
        "{shown}"
    );
    // A state that the plugin never gave is its own to look at; a fresh instance has nothing else.
    let settings = json!({ "mode": "nothing" });
    let (answer, _) = none.ask(&settings, Some((b"forged", &[ActionResult::Waited]))).await;
    let Ok(HookStep::Done(done)) = answer else { panic!("{answer:?}") };
    assert_eq!(done.message, "1 results, forged");
}

/// Grants are checked when a set is loaded.
async fn a_set_is_loaded_as_it_was_granted_or_not_at_all(isolation: Isolation) {
    let reaching = Reaching::new(isolation, "actions = [\"run-job\"]");
    let good = reaching.setup(&json!({}));
    let load = async |setup: &Setup| {
        let loaded = Plugins::load(reaching.bench.host.clone(), setup).await;
        loaded.map(|plugins| plugins.list().remove(0)).map_err(|error| error.to_string())
    };
    let record = load(&good).await.unwrap();
    assert!(record.may[0].contains("can have Jobs run"), "{:?}", record.may);
    assert!(record.not_granted.iter().any(|ask| ask.contains("wants to know it")));
    let with = |change: &dyn Fn(&mut Setup)| {
        let mut setup = good.clone();
        change(&mut setup);
        setup
    };
    for (setup, expected) in [
        (with(&|s| s.plugins[0].digest = None), "add digest = \"sha256:"),
        (with(&|s| s.plugins[0].digest = Some("sha256:00".into())), "another component"),
        (
            with(&|s| {
                s.plugins[0].grant =
                    toml::from_str("http = [{ host = \"*\", methods = [\"GET\"] }]").unwrap()
            }),
            "names every host",
        ),
        (
            with(&|s| s.hooks[0].hook.plugin = "other".into()),
            "no deploy-hook `other` is loaded; there are: hostile-hook",
        ),
        (with(&|s| s.hooks[0].hook.name = "Not A Name".into()), "Not A Name"),
        (with(&|s| s.hooks.push(s.hooks[0].clone())), "another hook has this name"),
        (
            with(&|s| {
                s.hooks[0].hook.secrets.insert("other".into(), SecretSource::File("/x".into()));
            }),
            "does not ask for `other`",
        ),
    ] {
        let error = load(&setup).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    // Settings are checked with the schema that the plugin carries.
    let mut http = good.clone();
    let path = build::plugins().unwrap().join("hook-http.wasm");
    let grant = toml::from_str("http = [{ host = \"hooks.example.com\", methods = [\"POST\"] }]");
    http.plugins[0].digest = Some(digest(&fs::read(&path).unwrap()));
    http.plugins[0].path = path;
    http.plugins[0].grant = grant.unwrap();
    http.hooks[0].hook.plugin = "hook-http".into();
    http.hooks[0].hook.secrets.clear();
    for (settings, expected) in [
        (json!({}), "\"url\" is a required property"),
        (json!({ "url": "ftp://x" }), "settings.url"),
        (json!({ "url": "https://x", "colour": 1 }), "colour"),
    ] {
        http.hooks[0].hook.settings = settings.to_string();
        let error = load(&http).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    http.hooks[0].hook.settings = json!({ "url": "https://hooks.example.com/x" }).to_string();
    load(&http).await.unwrap();
    // A ceiling holds whatever the plugin's own limits say.
    let mut low = good.clone();
    low.policy.ceiling = Some(Limits { memory: 1 << 20, ..Limits::default() });
    let record = load(&low).await.unwrap();
    assert!(record.may.iter().any(|line| line.contains("can use 1 MiB")), "{:?}", record.may);
}
