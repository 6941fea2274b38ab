//! The beginning of the demo: `git push` at a forge, and everything that follows by itself.

use serde_json::Value;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{
    Bed, Daemon, Report, Repository, Result,
    layout::{PASSWORD, port},
    part::gitea::{self, Gitea},
};

/// Project, and its app that is deployed by pushes.
const PROJECT: &str = "demo";
/// Name of the app, and of its repository at the forge.
pub(super) const APP: &str = "hello";

/// Time in which a push has its job, and a commit its status.
const SOON: Duration = Duration::from_secs(60);

/// Time between two questions: neither a delivery nor a forge reports to a command.
const EACH: Duration = Duration::from_millis(200);

/// Starts the forge.
pub(super) fn forge(bed: &Bed, report: &Report) -> Result<Gitea> {
    gitea::up_at(&bed.layout, "demo-gitea", bed.layout.port(port::DEMO_FORGE), report)
}

/// Sets a repository up at the forge, pushes a commit, and follows it until the release serves. Returns the commit.
pub(super) fn push(bed: &Bed, daemon: &Daemon, forge: &Gitea) -> Result<String> {
    let url = forge.create_repository(APP)?;
    println!(
        "a repository at the forge, {url}, and a project's file that says which pushes deploy it:"
    );
    let file = bed.layout.at("daemons/demo/project.toml");
    let text = project(forge, &url);
    text.lines().for_each(|line| println!("      {line}"));
    std::fs::write(&file, text)?;
    daemon.put_secret(PROJECT, "forge-read", &format!("{}:{PASSWORD}", gitea::USER))?;
    daemon.put_secret(PROJECT, "forge-write", forge.token())?;
    let file = file.display().to_string();
    println!("$ windlass project apply --file {file}");
    ask(daemon, &["project", "apply", "--file", &file])?;

    println!("$ windlass hook create {PROJECT}");
    let made = ask(daemon, &["hook", "create", PROJECT])?.into_iter().next().unwrap_or_default();
    let text = |path: &str| made.pointer(path).and_then(Value::as_str).ok_or("a hook without it");
    let (at, secret) = (text("/hook/url")?, text("/secret")?);
    forge.create_hook(APP, at, secret)?;
    println!("      the forge calls {at} from now on, and signs each call with the hook's secret");

    let repository = Repository::example(&bed.layout, "demo-hello", "node")?;
    let commit = repository.commit("Say hello")?;
    println!("$ git push {url} main");
    repository.git(&["push", "--quiet", &forge.push_url(APP), "HEAD:refs/heads/main"])?;
    let job = within("the push has no job", daemon, || job_of(daemon))?;
    println!("$ windlass deliveries {PROJECT}");
    daemon.show(&["deliveries", PROJECT])?;
    println!("$ windlass watch {job}");
    let status = daemon.show(&["watch", &job])?;
    if !status.success() {
        let log = daemon.log();
        return Err(
            format!("the job of the push ended with {status}; the daemon's log:\n{log}").into()
        );
    }
    Ok(commit)
}

/// Waits until the forge shows the release at the commit, and prints what it shows.
pub(super) fn show_status(daemon: &Daemon, forge: &Gitea, commit: &str) -> Result<()> {
    let status = within("the commit has no final status at the forge", daemon, || {
        let all = forge.statuses(APP, commit)?;
        let mut all = all.as_array().into_iter().flatten();
        Ok(all.find(|one| one.get("status").is_some_and(|status| status == "success")).cloned())
    })?;
    let text = |key: &str| status.get(key).and_then(Value::as_str).unwrap_or_default();
    println!("the forge shows at the commit: ✔ {}: {}", text("context"), text("description"));
    println!("      it leads to {}", text("target_url"));
    Ok(())
}

/// Prints how to push once more.
pub(super) fn next_step(bed: &Bed, forge: &Gitea) {
    let folder = bed.layout.at("work/demo-hello");
    println!("push a change of your own, and watch it on the page:");
    println!("  edit {}, and what app.test.js expects", folder.join("app.js").display());
    println!("  git -C {} commit --all --message 'Say more'", folder.display());
    println!("  git -C {} push {} HEAD:main", folder.display(), forge.push_url(APP));
    println!(
        "  {}/{}/{APP}  # user {}, password {PASSWORD}",
        forge.url(),
        gitea::USER,
        gitea::USER
    );
}

fn project(forge: &Gitea, url: &str) -> String {
    format!(
        "project = \"{PROJECT}\"\n[repositories.{APP}]\nurl = \"{url}\"\ncredential = \"forge-read\"\n\
         [repositories.{APP}.forge]\nkind = \"gitea\"\napi = \"{}\"\ntoken = \"forge-write\"\n\
         [apps.{APP}]\n[triggers.production]\napp = \"{APP}\"\npush = {{ branches = [\"main\"] }}\n",
        forge.api_url()
    )
}

/// Returns the job that a delivery led to. `None` means that none has led to one yet.
fn job_of(daemon: &Daemon) -> Result<Option<String>> {
    let deliveries = ask(daemon, &["deliveries", PROJECT])?;
    let verdicts = deliveries.iter().filter_map(|one| one.get("verdicts")?.as_array()).flatten();
    let mut jobs = verdicts.filter(|one| one.get("outcome").is_some_and(|what| what == "job"));
    Ok(jobs.find_map(|one| Some(one.get("job")?.as_str()?.to_owned())))
}

/// Runs the client, and returns what it prints as JSON.
fn ask(daemon: &Daemon, args: &[&str]) -> Result<Vec<Value>> {
    let args = [&["--output", "json"][..], args].concat();
    let answer = daemon.windlass(&args)?;
    if answer.code != 0 {
        return Err(format!("windlass {}: {}", args.join(" "), answer.text).into());
    }
    let values = serde_json::Deserializer::from_str(&answer.text).into_iter();
    Ok(values.collect::<std::result::Result<_, _>>()?)
}

/// Asks again and again until there is an answer.
fn within<T>(
    otherwise: &str,
    daemon: &Daemon,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if began.elapsed() > SOON {
            let (seconds, log) = (SOON.as_secs(), daemon.log());
            return Err(format!("{otherwise} after {seconds} s; the daemon's log:\n{log}").into());
        }
        sleep(EACH);
    }
}
