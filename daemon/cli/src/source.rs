//! From the command line to a source and a spec.

use crate::{
    args::{Command, Source},
    client::Failure,
};
use windlass_core::repository;
use windlass_proto::v1;

/// Checks the address of a command's repository, so that a login in it does not leave this machine.
pub(crate) fn check(command: &Command) -> Result<(), Failure> {
    let source = match command {
        Command::Submit { source, .. }
        | Command::Plan { source }
        | Command::Eject { source, .. } => source,
        _ => return Ok(()),
    };
    check_address(&source.repository)
}

/// Checks one address of a repository.
pub(crate) fn check_address(repository: &str) -> Result<(), Failure> {
    repository::check(repository).map_err(|error| {
        Failure::usage(format!("source.repository (--repository): {error} (--credential)"))
    })
}

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
pub(crate) fn resolve(repository: &str, revision: &str) -> Result<(String, String), Failure> {
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
    let output = std::process::Command::new("git")
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

/// What `--spec` says, and over it what the other options say.
pub(crate) fn spec(source: &Source) -> Result<v1::Spec, Failure> {
    let mut spec = match &source.spec {
        None => v1::Spec::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
            let read: Result<v1::Spec, _> = match path.extension().is_some_and(|end| end == "json")
            {
                true => serde_json::from_str(&text).map_err(|error| error.to_string()),
                false => toml::from_str(&text).map_err(|error| error.to_string()),
            };
            read.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?
        }
    };
    fn put<T: Clone>(field: &mut Option<T>, said: &Option<T>) {
        if said.is_some() {
            field.clone_from(said);
        }
    }
    fn list(field: &mut Vec<String>, said: &[String]) {
        if !said.is_empty() {
            *field = said.to_vec();
        }
    }
    put(&mut spec.port, &source.port);
    put(&mut spec.replicas, &source.replicas);
    put(&mut spec.health, &source.health);
    spec.env.extend(source.env.iter().cloned());
    spec.secrets.extend(source.secret.iter().cloned());
    spec.hooks.extend(source.hook.iter().cloned());
    list(&mut spec.command, &source.command);
    let resources = spec.resources.get_or_insert_default();
    put(&mut resources.cpu, &source.cpu);
    put(&mut resources.memory, &source.memory);
    put(&mut resources.memory_limit, &source.memory_limit);
    let build = spec.build.get_or_insert_default();
    put(&mut build.dockerfile, &source.dockerfile);
    put(&mut build.recipe, &source.recipe);
    put(&mut build.target, &source.target);
    build.arguments.extend(source.build_arg.iter().cloned());
    list(&mut build.secrets, &source.build_secret);
    let test = spec.test.get_or_insert_default();
    put(&mut test.off, &source.no_test.then_some(true));
    put(&mut test.stage, &source.test_stage);
    put(&mut test.timeout_seconds, &source.test_timeout);
    list(&mut test.command, &source.test);
    Ok(spec)
}
