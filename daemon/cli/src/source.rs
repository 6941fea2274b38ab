//! From the command line to a source and a spec.

use crate::{args::Source, client::Failure};
use std::process::Command;
use windlass_proto::v1;

/// `project/app` or `project/app/environment`; the daemon checks the names.
pub(crate) fn app(text: &str) -> Result<v1::App, Failure> {
    let mut parts = text.split('/').map(str::to_owned);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(project), Some(name), environment, None) => {
            Ok(v1::App { project, name, environment: environment.unwrap_or_default() })
        }
        _ => Err(Failure::usage(format!(
            "`{text}`: expected project/app or project/app/environment"
        ))),
    }
}

pub(crate) fn source(source: &Source) -> Result<v1::Source, Failure> {
    let (commit, branch) = resolve(&source.repository, &source.revision)?;
    Ok(v1::Source {
        repository: source.repository.clone(),
        commit,
        branch,
        directory: source.directory.clone(),
        credential: source.credential.clone(),
    })
}

/// A commit as it is; a branch or tag as the server has it now, asked by the git that is installed,
/// with the logins that it has.
fn resolve(repository: &str, revision: &str) -> Result<(String, String), Failure> {
    let is_id =
        matches!(revision.len(), 40 | 64) && revision.chars().all(|c| c.is_ascii_hexdigit());
    if is_id {
        return Ok((revision.into(), String::new()));
    }
    let fail = |why: String| {
        Failure::usage(format!(
            "cannot resolve `{revision}` of {repository}: {why}\n  fix:  name a branch or tag that is there, or give the commit's full id"
        ))
    };
    let output = Command::new("git")
        .args(["ls-remote", "--exit-code", "--", repository, revision])
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .map_err(|error| fail(format!("git: {error}")))?;
    if !output.status.success() {
        return Err(fail(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.lines().find_map(|line| line.split_once('\t'));
    let (commit, name) = found.ok_or_else(|| fail("the server did not name it".into()))?;
    let branch = name.strip_prefix("refs/heads/").unwrap_or_default();
    Ok((commit.into(), branch.into()))
}

pub(crate) fn spec(source: &Source) -> v1::Spec {
    v1::Spec {
        port: source.port,
        env: source.env.iter().cloned().collect(),
        secrets: source.secret.iter().cloned().collect(),
        replicas: source.replicas,
        resources: Some(v1::Resources {
            cpu: source.cpu.clone(),
            memory: source.memory.clone(),
            memory_limit: source.memory_limit.clone(),
        }),
        health: source.health.clone(),
        command: source.command.clone(),
        build: Some(v1::Build {
            dockerfile: source.dockerfile.clone(),
            recipe: source.recipe.clone(),
            target: source.target.clone(),
            arguments: source.build_arg.iter().cloned().collect(),
            secrets: source.build_secret.clone(),
        }),
        test: Some(v1::Test {
            off: source.no_test.then_some(true),
            command: source.test.clone(),
            stage: source.test_stage.clone(),
            timeout_seconds: source.test_timeout,
        }),
        hooks: source.hook.iter().cloned().collect(),
    }
}
