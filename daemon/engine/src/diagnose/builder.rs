//! Diagnoses of an image that cannot be built or pushed.

use super::code::Code;
use crate::failure::{Cause, Failure};
use windlass_model::diagnosis::Diagnosis;
use windlass_model::error::BuildError;

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
        BuildError::Registry { host, message } => {
            diagnosis.subject.clone_from(host);
            diagnosis.why.clone_from(message);
            (
                Code::RegistryUnavailable,
                &["see that the registry runs, and that the builder reaches it; then submit again"],
            )
        }
        BuildError::Login { host, error } => {
            diagnosis.subject.clone_from(host);
            diagnosis.why.clone_from(&error.message);
            diagnosis.code = Code::RegistryLoginFailed.into();
            let look = format!("see what `{}` did: `windlass show --plugins JOB`", error.plugin);
            let look = Some(look).filter(|_| !error.plugin.is_empty());
            diagnosis.fixes = error.hint.iter().cloned().chain(look).collect();
            return Some(diagnosis);
        }
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
    if matches!(failure.cause, Cause::Command(_)) {
        diagnosis.fixes.push("the command is `build.command` of windlass.toml".into());
    }
    Some(diagnosis)
}
