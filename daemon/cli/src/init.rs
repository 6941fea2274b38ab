//! `windlass init`: a `windlass.toml` with comments, from what is detected in the repository.

use crate::{failure::Failure, render::clean, source::check_address};
use serde_json::Value;
use std::{fs, path::Path, process::Command};
use windlass_model::{
    repository,
    spec::{FILE, Spec},
};
use windlass_proto::v1;

/// Columns of a comment.
const WIDTH: usize = 96;

/// Keys that most apps need sooner or later: table, key, and an example for where nothing is known.
const KEYS: [(&str, &str, &str); 19] = [
    ("", "port", "8080"),
    ("", "health", "\"/healthz\""),
    ("", "replicas", "1"),
    ("", "command", "[\"./app\"]"),
    ("", "env", "{ COLOR = \"blue\" }"),
    ("", "secrets", "{ API_TOKEN = \"api-token\" }"),
    ("resources", "cpu", "\"100m\""),
    ("resources", "memory", "\"128Mi\""),
    ("build", "dockerfile", "\"Dockerfile\""),
    ("build", "target", "\"app\""),
    ("build", "versions", "{ node = \"22\" }"),
    ("test", "command", "[\"make\", \"test\"]"),
    ("test", "timeout-seconds", "600"),
    ("expose", "hosts", "[\"shop.example.com\"]"),
    ("expose", "gateway", "\"infra/public\""),
    ("strategy", "kind", "\"canary\""),
    ("strategy", "gates", "[100]"),
    ("migrate", "expand", "[\"./manage\", \"migrate\"]"),
    ("migrate", "contract", "[\"./manage\", \"drop-old-columns\"]"),
];

/// Runtimes that `build.versions` may name.
const RUNTIMES: [&str; 12] = [
    "node", "bun", "deno", "python", "go", "ruby", "java", "php", "rust", "dotnet", "elixir",
    "erlang",
];

/// Number of other apps that are named.
const MOST_APPS: usize = 20;

/// The place of an app's source.
pub(crate) struct Place {
    pub(crate) repository: String,
    pub(crate) revision: String,
    pub(crate) directory: String,
}

/// Takes the place from the command line, and the rest from the repository of the working folder.
///
/// # Errors
/// Fails if the working folder is in no repository, or has no `origin` that a daemon can clone.
pub(crate) fn place(
    repository: Option<&String>,
    revision: Option<&String>,
    directory: Option<&String>,
) -> Result<Place, Failure> {
    let Some(repository) = repository else {
        let repository = git(&["remote", "get-url", "origin"])?;
        if let Err(error) = repository::check(&repository) {
            // It does not repeat a login, which many an `origin` holds.
            return Err(Failure::usage(format!(
                "`origin` of the working folder: {error}\n  fix:  name the repository's https URL by --repository"
            )));
        }
        let revision = match revision {
            Some(revision) => revision.clone(),
            None => git(&["rev-parse", "HEAD"])?,
        };
        let directory = match directory {
            Some(directory) => directory.clone(),
            None => git(&["rev-parse", "--show-prefix"])?.trim_end_matches('/').to_owned(),
        };
        return Ok(Place { repository, revision, directory });
    };
    check_address(repository)?;
    Ok(Place {
        repository: repository.clone(),
        revision: revision.cloned().unwrap_or_else(|| "HEAD".into()),
        directory: directory.cloned().unwrap_or_default(),
    })
}

fn git(args: &[&str]) -> Result<String, Failure> {
    let failed = |why: String| {
        Failure::usage(format!(
            "git {}: {why}\n  fix:  go into the repository's folder, or name it by --repository",
            args.join(" ")
        ))
    };
    let output =
        Command::new("git").args(args).output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Writes the file, unless there is one.
///
/// # Errors
/// Fails if there is a file here or in the commit, or it cannot be written.
pub(crate) fn write(plan: &v1::PlanResponse, app: &str, to: &Path) -> Result<(), Failure> {
    let failed = |why: String| Failure::usage(format!("{}: {why}", to.display()));
    if plan.decided_by.values().any(|who| who == FILE) {
        return Err(failed(format!("the commit has a {FILE} already; edit that one")));
    }
    if to.exists() {
        return Err(failed("is there already; name another file by --to".into()));
    }
    fs::write(to, text(plan, app)).map_err(|error| failed(error.to_string()))
}

/// Returns the commands to type next.
pub(crate) fn next(app: &str, place: &Place, to: &Path) -> String {
    let Place { repository, .. } = place;
    format!(
        "{} written: take the `# ` away from what you want to set, commit and push it, then\nwindlass plan   {app} --repository {repository}\nwindlass submit {app} --repository {repository}",
        to.display()
    )
}

/// Returns the file's text. All of it is comments but the heads of tables: nothing is set yet.
fn text(plan: &v1::PlanResponse, app: &str) -> String {
    let mut text = format!("# How Windlass runs {app}. All keys: `windlass schema`.\n#\n");
    match &*plan.language {
        "" => text.push_str("# No language was detected; a Dockerfile says how it is built.\n"),
        language => {
            text.push_str(&format!("# Detected: {language}, by `{}`, because\n", plan.detector));
            for evidence in &plan.evidence {
                text.push_str(&format!("#   {}\n", one_line(evidence)));
            }
        }
    }
    text.push_str(
        "#\n# A key in a comment shows the value that holds without it, or an example: take the `# ` away.\n",
    );
    let schema = Spec::schema();
    let known = known(plan);
    let mut head = "";
    for (table, key, usual) in KEYS {
        if table != head {
            head = table;
            text.push_str(&format!("\n[{table}]\n"));
        } else if table.is_empty() {
            text.push('\n');
        }
        for line in wrapped(&described(&schema, table, key)) {
            text.push_str(&format!("# {line}\n"));
        }
        let found = known.iter().find(|(known, _)| *known == (table, key));
        let value = found.map_or_else(|| usual.to_owned(), |(_, value)| value.clone());
        text.push_str(&format!("# {key} = {value}\n"));
    }
    processes(&mut text, plan);
    apps(&mut text, plan, app);
    text
}

/// Adds the processes that the repository declares, as comments: they run without a key.
fn processes(text: &mut String, plan: &v1::PlanResponse) {
    for process in plan.processes.iter().filter(|process| process.kind != "release") {
        let source = one_line(&process.source);
        text.push_str(&format!("\n# The repository has it ({source}): set it to change it.\n"));
        text.push_str(&format!("# [processes.{}]\n", one_line(&process.name)));
        // As JSON, which TOML reads alike.
        let command = Value::from(process.command.clone()).to_string();
        text.push_str(&format!("#   command = {}\n", one_line(&command)));
        if !process.schedule.is_empty() {
            let schedule = Value::from(process.schedule.clone()).to_string();
            text.push_str(&format!("#   schedule = {}\n", one_line(&schedule)));
        }
    }
}

/// Adds the other apps of the repository, each with its command.
fn apps(text: &mut String, plan: &v1::PlanResponse, app: &str) {
    if plan.candidates.is_empty() {
        return;
    }
    text.push_str("\n# Other apps of this repository, each with a file of its own:\n");
    let project = app.split('/').next().unwrap_or(app);
    for candidate in plan.candidates.iter().take(MOST_APPS) {
        let v1::Candidate { folder, language, name } = candidate;
        text.push_str(&format!(
            "#   windlass init {project}/{} --directory {} --to {}/{FILE}   # {}\n",
            app_name(name, folder),
            word(folder),
            word(folder),
            one_line(language)
        ));
    }
}

/// Returns a name that an app may have, for a package's: `web` for `@acme/web`. A package whose name has no letter is
/// named by its folder.
fn app_name(package: &str, folder: &str) -> String {
    let last = |path: &str| path.trim_end_matches('/').rsplit('/').next().map(str::to_owned);
    let named = |path: &str| {
        let text = last(path)?.to_ascii_lowercase();
        let words = text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit());
        let joined = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
        let name: String =
            joined.trim_start_matches(|c: char| !c.is_ascii_lowercase()).chars().take(30).collect();
        let name = name.trim_end_matches('-').to_owned();
        (!name.is_empty()).then_some(name)
    };
    named(package).or_else(|| named(folder)).unwrap_or_else(|| "app".into())
}

/// Returns a path as one word of a shell's line.
fn word(path: &str) -> String {
    let path = one_line(path);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/@+".contains(c);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

/// Returns the values that hold without a key: the version of the runtime, and those of the workload of `web`.
fn known(plan: &v1::PlanResponse) -> Vec<((&'static str, &'static str), String)> {
    let decided = plan.decisions.iter().find(|one| RUNTIMES.contains(&&*one.subject));
    let version = decided.map(|one| {
        let version = Value::from(one_line(&one.value));
        (("build", "versions"), format!("{{ {} = {version} }}", one.subject))
    });
    version.into_iter().chain(of_workload(plan)).collect()
}

/// Returns the values that the workload of `web` would have.
fn of_workload(plan: &v1::PlanResponse) -> Vec<((&'static str, &'static str), String)> {
    let objects = plan.manifests.iter().filter_map(|text| serde_json::from_str::<Value>(text).ok());
    let workload = objects.into_iter().find(|object| {
        let component = object.pointer("/metadata/labels/app.kubernetes.io~1component");
        component.and_then(Value::as_str) == Some("web")
            && object.pointer("/spec/template/spec/containers/0").is_some()
    });
    let Some(workload) = workload else { return Vec::new() };
    let container = "/spec/template/spec/containers/0";
    let places = [
        (("", "port"), format!("{container}/ports/0/containerPort")),
        (("", "health"), format!("{container}/readinessProbe/httpGet/path")),
        (("", "replicas"), "/spec/replicas".to_owned()),
        (("resources", "cpu"), format!("{container}/resources/requests/cpu")),
        (("resources", "memory"), format!("{container}/resources/requests/memory")),
    ];
    // Numbers and texts are written in TOML as in JSON.
    let value = |pointer: &str| workload.pointer(pointer).map(ToString::to_string);
    places.into_iter().filter_map(|(key, pointer)| Some((key, value(&pointer)?))).collect()
}

/// Returns the schema's description of a key.
fn described(schema: &Value, table: &str, key: &str) -> String {
    let mut properties = schema.get("properties");
    if !table.is_empty() {
        let reference = properties.and_then(|all| all.get(table)?.get("$ref")?.as_str());
        let name = reference.and_then(|reference| reference.strip_prefix("#/$defs/"));
        properties = name.and_then(|name| schema.get("$defs")?.get(name)?.get("properties"));
    }
    let text = properties.and_then(|all| all.get(key)?.get("description")?.as_str());
    one_line(text.unwrap_or_default())
}

/// Makes a text fit for a comment, which in TOML holds no control character.
fn one_line(text: &str) -> String {
    clean(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use serde_json::json;

    fn plan() -> v1::PlanResponse {
        let deployment = json!({
            "kind": "Deployment",
            "metadata": { "name": "web", "labels": { "app.kubernetes.io/component": "web" } },
            "spec": { "replicas": 1, "template": { "spec": { "containers": [{
                "ports": [{ "name": "http", "containerPort": 3000 }],
                "readinessProbe": { "httpGet": { "path": "/ready" } },
                "resources": { "requests": { "cpu": "100m", "memory": "128Mi" } },
            }] } } },
        });
        v1::PlanResponse {
            language: "node".into(),
            detector: "node".into(),
            evidence: vec!["package.json: a Node app".into(), "server.js:\nlistens".into()],
            decisions: vec![v1::Choice {
                subject: "node".into(),
                value: "20".into(),
                source: ".nvmrc:1".into(),
            }],
            processes: vec![v1::FoundProcess {
                name: "worker".into(),
                command: vec!["node".into(), "worker.js".into()],
                kind: "worker".into(),
                schedule: String::new(),
                source: "Procfile:2".into(),
            }],
            candidates: vec![v1::Candidate {
                folder: "apps/admin".into(),
                language: "node".into(),
                name: "admin".into(),
            }],
            manifests: vec![json!({ "kind": "Namespace" }).to_string(), deployment.to_string()],
            ..v1::PlanResponse::default()
        }
    }

    #[test]
    fn what_is_written_sets_nothing_yet_and_each_key_of_it_can_be_set() {
        for plan in [plan(), v1::PlanResponse::default()] {
            let text = text(&plan, "shop/web");
            assert_eq!(Spec::from_toml(&text).unwrap(), Spec::default());
            let is_key = |line: &str| {
                KEYS.iter().any(|(_, key, _)| {
                    line.strip_prefix("# ")
                        .is_some_and(|rest| rest.starts_with(&format!("{key} = ")))
                })
            };
            let uncommented: Vec<_> = text
                .lines()
                .map(|line| if is_key(line) { line.trim_start_matches("# ") } else { line })
                .collect();
            let spec = Spec::from_toml(&uncommented.join("\n")).unwrap();
            assert_eq!(spec.flatten().len(), KEYS.len(), "{:#?}", spec.flatten());
            assert!(
                KEYS.iter()
                    .all(|(table, key, _)| { !described(&Spec::schema(), table, key).is_empty() })
            );
        }
        let odd = v1::PlanResponse { evidence: vec!["a\u{1b}[2J\u{7f}b".into()], ..plan() };
        assert_eq!(Spec::from_toml(&text(&odd, "shop/web")).unwrap(), Spec::default());
        same("init", &text(&plan(), "shop/web"));
    }

    #[test]
    fn another_apps_command_has_a_name_that_an_app_may_have() {
        for (package, folder, name) in [
            ("@acme/web", "apps/web", "web"),
            ("Shop.Api", "src/Shop.Api", "shop-api"),
            ("", "apps/2024_admin/", "admin"),
            ("@acme/--", "apps/x", "x"),
            ("a-package-whose-name-is-as-long--as-this", "a", "a-package-whose-name-is-as-lon"),
        ] {
            assert_eq!(app_name(package, folder), name);
            windlass_model::app::App::new("shop", &app_name(package, folder), "").unwrap();
        }
        assert_eq!(word("apps/my app"), "'apps/my app'");
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(write(&plan(), "shop/web", &here).is_err());
        let mut known = plan();
        known.decided_by.insert("port".into(), FILE.into());
        let error = write(&known, "shop/web", Path::new("/nowhere/windlass.toml")).err();
        assert!(error.unwrap().to_string().contains("edit that one"));
    }
}
