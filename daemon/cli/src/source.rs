//! From the command line to a source and a spec.

use crate::{
    args::{Command, Source},
    failure::Failure,
    folder,
};
use windlass_model::{repository, revision::is_commit_id};
use windlass_proto::v1;

/// Checks the address of a command's repository, so that a login in it does not leave this machine.
pub(crate) fn check(command: &Command) -> Result<(), Failure> {
    let source = match command {
        Command::Plan { source, .. } if folder::of(source).is_some() => {
            return folder::check(source);
        }
        Command::Submit { source, .. }
        | Command::Plan { source, .. }
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

/// Splits `project/app` or `project/app/environment`. The daemon checks the names.
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

/// Reads the source of a command.
pub(crate) fn source(source: &Source) -> v1::Source {
    named(&source.repository, &source.revision, &source.directory, &source.credential)
}

/// Names a source. A branch or a tag is the daemon's to resolve: it has the login and the policy.
pub(crate) fn named(
    repository: &str,
    revision: &str,
    directory: &str,
    credential: &str,
) -> v1::Source {
    let is_id = is_commit_id(revision);
    let (commit, revision) = if is_id { (revision, "") } else { ("", revision) };
    v1::Source {
        repository: repository.into(),
        commit: commit.into(),
        revision: revision.into(),
        branch: String::new(),
        directory: directory.into(),
        credential: credential.into(),
    }
}

/// Reads the spec of `--spec`, and overrides it by the other options.
pub(crate) fn spec(source: &Source) -> Result<v1::Spec, Failure> {
    let mut spec = match &source.spec {
        None => v1::Spec::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
            let read: Result<v1::Spec, _> = if path.extension().is_some_and(|end| end == "json") {
                serde_json::from_str(&text).map_err(|error| error.to_string())
            } else {
                toml::from_str(&text).map_err(|error| error.to_string())
            };
            read.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?
        }
    };
    fn put<T: Clone>(field: &mut Option<T>, given: &Option<T>) {
        if given.is_some() {
            field.clone_from(given);
        }
    }
    fn list(field: &mut Vec<String>, given: &[String]) {
        if !given.is_empty() {
            *field = given.to_vec();
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
