//! Diagnoses of an image that cannot be built or pushed.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_model::error::{BuildError, LoginError};

pub(super) fn known(failure: &Failure) -> Option<Diagnosis> {
    let error = match &failure.cause {
        Cause::Build(error) | Cause::Command(error) => error,
        Cause::RootForbidden => {
            return Some(Diagnosis {
                code: Code::RootForbidden.into(),
                what: failure.cause.to_string(),
                fixes: vec![
                    "add to the Dockerfile: `RUN useradd --uid 10001 app` and `USER 10001`".into(),
                ],
                ..Diagnosis::default()
            });
        }
        _ => return None,
    };
    let mut diagnosis = Diagnosis { what: error.to_string(), ..Diagnosis::default() };
    let (code, fix): (_, &[&str]) = match error {
        BuildError::Unreachable { message, .. } => {
            diagnosis.why.clone_from(message);
            (
                Code::BuilderUnreachable,
                &["see that buildkitd runs, with `windlassd check`; then submit again"],
            )
        }
        BuildError::Dockerfile { file, line, source_line, .. } => {
            diagnosis.subject = format!("{file}:{line}");
            diagnosis.evidence = vec![source_line.clone()];
            (Code::DockerfileInvalid, &["correct this line and commit again"])
        }
        BuildError::Step { file, line, tail, .. } => {
            diagnosis.subject = format!("{file}:{line}");
            diagnosis.evidence.clone_from(tail);
            (Code::BuildStepFailed, &["its last lines say why: fix that and commit again"])
        }
        BuildError::NoBaseImage { image, message } => {
            diagnosis.subject.clone_from(image);
            diagnosis.why.clone_from(message);
            (Code::BaseImageNotFound, &["check the name and tag after FROM"])
        }
        BuildError::Forbidden { at, message } => {
            diagnosis.subject.clone_from(at);
            diagnosis.why.clone_from(message);
            (
                Code::BuildForbidden,
                &[
                    "name what your project may use, or ask the operator to allow it under `[builder]`",
                ],
            )
        }
        BuildError::Denied { host, message } => {
            diagnosis.subject.clone_from(host);
            diagnosis.why.clone_from(message);
            (
                Code::RegistryDenied,
                &[
                    "set `username` and `password-file` for this host under `[[registries]]` in the daemon's configuration",
                    "check that this account may push to the repository",
                ],
            )
        }
        BuildError::Registry { host, message, is_own } => {
            diagnosis.subject.clone_from(host);
            diagnosis.why.clone_from(message);
            (
                if *is_own { Code::OwnRegistryFailed } else { Code::RegistryUnavailable },
                &["see that the registry runs, and that the builder reaches it; then submit again"],
            )
        }
        BuildError::Login { host, error } => return login(host, error, diagnosis),
        BuildError::Full { message } => {
            diagnosis.why.clone_from(message);
            (
                Code::BuilderFull,
                &["free disk space on the builder: `buildctl prune`; then submit again"],
            )
        }
        BuildError::Other { .. } => (Code::BuildFailed, &[]),
    };
    diagnosis.code = code.into();
    diagnosis.fixes = fix.iter().map(|&fix| fix.into()).collect();
    if let Cause::Command(error) = &failure.cause {
        by_command(error, &mut diagnosis.fixes);
    }
    Some(diagnosis)
}

/// Returns the diagnosis of a missing login, at a host. `None` means that the store cannot be read, which is no verdict.
pub(super) fn login(host: &str, error: &LoginError, diagnosis: Diagnosis) -> Option<Diagnosis> {
    let (code, error) = match error {
        LoginError::Operator(error) => (Code::RegistryLoginFailed, error),
        LoginError::Own(error) => (Code::OwnRegistryFailed, error),
        LoginError::Unavailable { .. } => return None,
    };
    let look = format!("see what `{}` did: `windlass show --plugins JOB`", error.plugin);
    let look = Some(look).filter(|_| !error.plugin.is_empty());
    Some(Diagnosis {
        code: code.into(),
        subject: host.to_owned(),
        why: error.message.clone(),
        fixes: error.hint.iter().cloned().chain(look).collect(),
        ..diagnosis
    })
}

/// Names the keys of the spec, from which the Dockerfile of the user's own command is made: nobody can correct a line
/// of it.
fn by_command(error: &BuildError, fixes: &mut Vec<String>) {
    let fix = match error {
        BuildError::Step { .. } => "the command is `build.command` of windlass.toml",
        BuildError::NoBaseImage { .. } => {
            fixes.clear();
            "check name and tag of `build.image` and `build.base` in windlass.toml"
        }
        _ => {
            fixes.clear();
            "see that `build.command` of windlass.toml writes `build.output`, a path below the app's folder"
        }
    };
    fixes.push(fix.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{error::PluginError, job::Stage};

    /// Nobody else is paged for a registry that a project brings.
    #[test]
    fn a_registry_has_the_code_of_whoever_brings_it() {
        let plugin = || PluginError {
            plugin: String::new(),
            call: "login".into(),
            message: "401".into(),
            hint: Some("put a login that is valid".into()),
        };
        let login = |error| BuildError::Login { host: "r.example".into(), error };
        let away = |is_own| {
            let (host, message) = ("r.example".into(), "connection refused".into());
            BuildError::Registry { host, message, is_own }
        };
        for (error, code) in [
            (login(plugin().into()), "registry-login-failed"),
            (login(LoginError::Own(Box::new(plugin()))), "own-registry-failed"),
            (away(false), "registry-unavailable"),
            (away(true), "own-registry-failed"),
        ] {
            let failure = Failure { at: Stage::Push, cause: error.into() };
            let diagnosis = known(&failure).unwrap();
            assert_eq!((&*diagnosis.code, &*diagnosis.subject), (code, "r.example"));
            assert_eq!(crate::blame::is_of_operator(code), code != "own-registry-failed");
            assert!(!diagnosis.why.is_empty() && !diagnosis.fixes.is_empty(), "{diagnosis}");
        }
    }

    #[test]
    fn what_a_command_leaves_out_is_named_by_its_key() {
        for (error, key) in [
            (BuildError::Other { message: "\"/app/dist\": not found".into() }, "`build.output`"),
            (BuildError::NoBaseImage { image: "a".into(), message: "b".into() }, "`build.base`"),
        ] {
            let failure = Failure { at: Stage::Build, cause: Cause::Command(error) };
            let fixes = known(&failure).unwrap().fixes;
            assert!(fixes.len() == 1 && fixes[0].contains(key), "{fixes:?}");
        }
    }
}
