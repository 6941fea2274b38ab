//! The whole way of a push, from the forge to a line in a browser; and the page in that browser, against a daemon with
//! real jobs: `page/*.mjs` has the flows.

use serde_json::Value;
use std::{
    fs,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{Repository, daemon::Config, layout::HOST, part::controllers::page_tests};
use windlass_tests::{
    Namespace, SMALL, TestEnv, bed, dockerfile,
    forge_project::{Endpoint, ForgeProject, Got, KEY, printing_app},
    hash_of, kubeconfig_of,
};

const NAME: &str = "t-page";
const PORT: u16 = 21_320;
const HOOKS: u16 = 21_321;

/// Tokens of a caller who may do everything, and of one who may look.
const OWNER: &str = "5f2c0d7e9b1a4386c05d7f1e2a9b8c3e";
const READER: &str = "0d7e9b1a4386c05d7f1e2a9b8c3e5f2c";

/// Verbs of the caller who may do everything.
const VERBS: &str = r#""read", "deploy", "projects", "approve", "registries", "clusters""#;

/// Cluster of the project's own.
const CLUSTER: &str = "ours";

/// Longest time that all flows take together.
const LONGEST: Duration = Duration::from_secs(600);

/// Prints 100,000 lines, slowly enough that the builder clips none, and together below the 2 MiB at which it clips.
const LONG: &str = "RUN i=0; while [ $i -lt 200 ]; do seq -f 'line %.0f of it' $((i*500+1)) $((i*500+500)); \
                    sleep 0.15; i=$((i+1)); done\n";

/// Prints an image that runs a script where it is taken for HTML, a link that runs one where a terminal's links are made,
/// and 200 KB without a line break.
const HOSTILE: &str = r#"RUN echo '<img src=x onerror="document.title=1">'; \
    printf '\033]8;;javascript:document.title=1\033\\press me\033]8;;\033\\ now\n'; \
    head -c 200000 /dev/zero | tr '\0' 'x'; echo
"#;

/// Prints a line each 100 ms for ten minutes.
const LIVE: &str = "RUN i=0; while [ $i -lt 6000 ]; do i=$((i+1)); echo \"line $i of a job that runs\"; sleep 0.1; done\n";

/// A canary by numbers of pods that waits for an approval of its first share, and holds longer than all flows take.
const CANARY: &str =
    "[strategy]\nkind = \"canary\"\nweights = [25, 50, 100]\ngates = [25]\nhold-seconds = 3600\n";

/// A push that was deployed.
struct Pushed {
    /// Id of its job.
    id: String,
    /// Address to which the status at the forge leads.
    page: String,
}

/// Follows a push: webhook, journal, queue, build, release, status at the commit, message to the endpoint. The browser
/// comes last: `page/pushed.mjs`.
fn push(project: &ForgeProject, chat: &Endpoint) -> Pushed {
    let repository = printing_app(&project.env);
    let commit = repository.commit("one").unwrap();
    project.push(&repository, "HEAD:refs/heads/main");
    // The journal has the delivery of the signed webhook, with its verdict: a job of exactly this commit.
    let verdict = &project.verdicts("refs/heads/main", 0)[0];
    assert_eq!(
        (&verdict["outcome"], &verdict["commit"]),
        (&"job".into(), &commit.clone().into()),
        "{verdict}"
    );
    let id = verdict["job"].as_str().unwrap();
    project.env.watch(id).succeeded();
    project.env.serves("web", "one");
    let events = project.env.events(id);
    let has = |name: &str| events.iter().any(|event| event[name].is_object());
    assert!(has("claimed") && has("pushed"), "queue and registry: {events:#?}");

    let status = project.final_status(&commit);
    assert_eq!(status["context"], "windlass/web/production", "{status}");
    let page = status["target_url"].as_str().unwrap().to_owned();
    assert_eq!(page, format!("http://127.0.0.1:{PORT}/jobs/{id}"));

    let body = chat.hear().verified(KEY);
    assert_eq!(
        (&body["type"], &body["data"]["job"], &body["data"]["commit"]),
        (&"job.succeeded".into(), &id.into(), &commit.into()),
        "{body}"
    );
    assert_eq!(body["data"]["url"], page, "{body}");
    Pushed { id: id.to_owned(), page }
}

/// Returns a login link, which is good for a minute.
fn login_link(env: &TestEnv) -> String {
    let address = format!("http://127.0.0.1:{PORT}");
    let args = ["--address", &address, "--token", OWNER, "--output", "json", "dashboard"];
    let answer = env.daemon.windlass(&args).unwrap();
    assert_eq!(answer.code, 0, "{}", answer.text);
    let link: Value = serde_json::from_str(answer.text.trim()).unwrap();
    link["url"].as_str().unwrap().to_owned()
}

/// Returns tables of a configuration that lets projects bring the bed's private registry, and its Kubernetes.
fn tables() -> String {
    let registry = bed().layout.private_registry();
    let network = format!("private-addresses = [\"{HOST}/32\"]\n");
    format!(
        "[own-registries]\nallow = [\"{registry}\"]\nplain-http = [\"{registry}\"]\n{network}\
         [own-clusters]\nallow = [\"{HOST}\"]\n{network}"
    )
}

/// Puts a registry with a password that it refuses, and a cluster with an account that has no rights. No job of the test
/// uses them.
fn bring(env: &TestEnv, elsewhere: &Namespace) {
    let host = bed().layout.private_registry();
    let folder = bed().layout.at("hooks").join(NAME);
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let password = file("password", "it-is-another");
    let args = ["registry", "put", NAME, &host, "--push-user", "bed", "--no-check"];
    let of_owner = |args: &[&str]| {
        let address = format!("http://127.0.0.1:{PORT}");
        let login = ["--address", &address, "--token", OWNER];
        let answer = env.daemon.windlass(&[&login[..], args].concat()).unwrap();
        assert_eq!(answer.code, 0, "{args:?}: {}", answer.text);
    };
    of_owner(&[&args[..], &["--push-password-file", &password][..]].concat());
    elsewhere.create("serviceaccount nobody");
    let token = elsewhere.create("token nobody --duration=1h");
    let kubeconfig = file("kubeconfig", &kubeconfig_of(&format!("token: {}", token.trim())));
    let args = ["cluster", "put", NAME, CLUSTER, "--environment", "elsewhere", "--no-check"];
    of_owner(&[&args[..], &["--kubeconfig", &kubeconfig][..]].concat());
}

/// Releases an app, and then a canary of it beside the version that serves. Returns the id of the canary's job.
fn canary(env: &TestEnv, repository: &Repository) -> String {
    repository.write("Dockerfile", &dockerfile()).unwrap();
    repository.write("windlass.toml", &format!("{SMALL}{CANARY}")).unwrap();
    repository.commit("before the canary").unwrap();
    env.submit("steps", repository.url(), &[]).succeeded();
    repository.write("index.html", "two\n").unwrap();
    repository.commit("the canary").unwrap();
    env.submit_detached("steps", repository.url(), &[])
}

/// Waits for a message about the preview `pr-blue`, and returns its data. An empty `job` means any.
fn of_preview(bot: &Endpoint, kind: &str, job: &str) -> Value {
    let body = bot.hear().verified(KEY);
    assert_eq!(body["type"], kind, "{body}");
    let data = body["data"].clone();
    assert_eq!(data["app"]["environment"], "pr-blue", "{data}");
    assert!(job.is_empty() || data["job"] == job, "{data}");
    // It has no host of its own, and no pull request.
    assert_eq!((&data["address"], &data["pull_request"]), (&Value::Null, &Value::Null), "{data}");
    data
}

#[test]
fn people_see_what_happens_and_change_what_they_may() {
    let mut config = Config::of(bed()).unwrap();
    config.more = format!(
        "logs = {{ stage-lines = 200000 }}\n\
         principals = [\n\
         {{ name = \"owner\", token-sha256 = \"{}\", projects = [\"*\"], verbs = [{VERBS}] }},\n\
         {{ name = \"reader\", token-sha256 = \"{}\", projects = [\"{NAME}\"], verbs = [\"read\"] }},\n]\n",
        hash_of(OWNER),
        hash_of(READER),
    );
    config.tables = tables();
    let listen = format!("tcp = \"127.0.0.1:{PORT}\"\nurl = \"http://127.0.0.1:{PORT}\"");
    let chat = Endpoint::start();
    let (gone, bot) = (Endpoint::answering("410 Gone"), Endpoint::start());
    let more = format!(
        "[triggers.production]\napp = \"web\"\npush = {{ branches = [\"main\"] }}\n\
         [environments.staging]\napproval = \"release\"\n[previews]\n{}{}{}events = [\"preview.ready\", \"preview.removed\"]\n",
        chat.table(),
        // It is off by its first answer, and `chat` hears of it with the next message.
        gone.table().replace("endpoints.chat", "endpoints.gone"),
        bot.table().replace("endpoints.chat", "endpoints.bot"),
    );
    let project = ForgeProject::new(NAME, HOOKS, config, &listen, &more);
    project.env.put_secret("chat-key", KEY);
    let Pushed { id: ended, page } = push(&project, &chat);
    let mut env = project.env;
    let beside = ["staging", "pr-blue"].map(|name| format!("{NAME}--{name}"));
    for namespace in &beside {
        env.delete(&format!("namespace/{namespace}"));
    }
    let repository = env.small_app();
    repository.commit("one").unwrap();
    // They are built from its layers, and wait while the others run.
    let held = env.submit_detached("web/staging", repository.url(), &[]);
    let rejected = env.submit_detached("other/staging", repository.url(), &[]);
    let preview = env.submit_detached("web", repository.url(), &["--preview", "blue"]);
    let with = |step: &str| {
        repository
            .write("Dockerfile", &format!("{}{step}", dockerfile().replace("USER 10001\n", "")))
            .unwrap();
        repository.write("windlass.toml", SMALL).unwrap();
        repository.commit("a step").unwrap();
    };
    with(&format!("{HOSTILE}RUN echo 'it goes wrong' && exit 3\n"));
    let failed = env.submit("bad", repository.url(), &[]);
    assert_eq!(failed.outcome, "failed", "{}", failed.text);
    with(LONG);
    let long = env.submit("long", repository.url(), &[]);
    assert_eq!(long.outcome, "succeeded", "{}", long.text);
    let canary = canary(&env, &repository);
    with(LIVE);
    let live = env.submit_detached("web", repository.url(), &[]);

    for id in [&held, &rejected, &canary] {
        let is_held = |event: &Value| event["held"].is_object();
        assert!(env.await_event(id, is_held).is_some(), "{:#?}", env.events(id));
    }
    env.watch(&preview).succeeded();
    of_preview(&bot, "preview.ready", &preview);
    let elsewhere = Namespace::of(&format!("{NAME}--elsewhere"));
    elsewhere.fresh();
    bring(&env, &elsewhere);
    let notice = |got: &Got| got.verified(KEY)["type"] == "endpoint.disabled";
    while !notice(&chat.hear()) {}

    let folder = page_tests(&bed().layout).unwrap();
    let control = bed().layout.at("page");
    let _ = fs::remove_dir_all(&control);
    fs::create_dir_all(&control).unwrap();
    let mut command = Command::new("node");
    command
        .current_dir(folder)
        .args(["--test", "all.mjs"])
        .env("WINDLASS_PAGE", format!("http://127.0.0.1:{PORT}"))
        .env("WINDLASS_PAGE_TOKEN", OWNER)
        .env("WINDLASS_PAGE_READER", READER)
        // Made last: the first flow opens it, within a minute.
        .env("WINDLASS_PAGE_LINK", login_link(&env))
        .env("WINDLASS_PAGE_PUSHED", page)
        .env("WINDLASS_PAGE_ENDED", &ended)
        .env("WINDLASS_PAGE_FAILED", &failed.id)
        .env("WINDLASS_PAGE_LIVE", &live)
        .env("WINDLASS_PAGE_LONG", &long.id)
        .env("WINDLASS_PAGE_HELD", &held)
        .env("WINDLASS_PAGE_REJECTED", &rejected)
        .env("WINDLASS_PAGE_CANARY", &canary)
        .env("WINDLASS_PAGE_PREVIEW", &preview)
        .env("WINDLASS_PAGE_REGISTRY", bed().layout.private_registry())
        .env("WINDLASS_PAGE_CLUSTER", CLUSTER)
        .env("WINDLASS_PAGE_CONTROL", &control);
    let mut node = command.spawn().unwrap();
    let began = Instant::now();
    let status = loop {
        if let Some(status) = node.try_wait().unwrap() {
            break status;
        }
        if control.join("restart").exists() {
            env.daemon.restart().unwrap();
            fs::remove_file(control.join("restart")).unwrap();
        }
        if began.elapsed() > LONGEST {
            let _ = node.kill();
            panic!("the flows took longer than {} s", LONGEST.as_secs());
        }
        sleep(Duration::from_millis(50));
    };
    for namespace in &beside {
        Namespace::of(namespace).discard();
    }
    elsewhere.discard();
    assert!(status.success(), "the output above has the flow that failed");
    // A flow removed it.
    let removal = of_preview(&bot, "preview.removed", "");
    assert_ne!(removal["job"], preview, "{removal}");
}
