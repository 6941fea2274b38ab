//! From the wire to what the core knows: every field is checked here.

use crate::errors::{field, name, spec as spec_error};
use std::{collections::BTreeMap, time::Duration};
use tonic::Status;
use windlass_core::{
    app::App,
    job::Commit,
    spec::{BuildSpec, ResourceSpec, Spec, TestSpec},
};
use windlass_proto::v1;

const DAY: u64 = 24 * 3600;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

pub(crate) fn app(app: Option<v1::App>) -> Result<App, Status> {
    let app = app.ok_or_else(|| field("app", "", "is missing; project and name are required"))?;
    App::new(&app.project, &app.name, &app.environment).map_err(name)
}

pub(crate) fn request_id(id: &str) -> Result<(), Status> {
    match id.len() {
        1..=64 if id.chars().all(|c| c.is_ascii_graphic()) => Ok(()),
        0 => Err(field("request_id", "", "is empty; choose a UUID, so that a repeat is one job")),
        _ => Err(field("request_id", id, "must be 1 to 64 printable characters")),
    }
}

pub(crate) fn commit(source: Option<v1::Source>) -> Result<Commit, Status> {
    let source = source
        .ok_or_else(|| field("source", "", "is missing; repository and commit are required"))?;
    let (repository, id) = (source.repository, source.commit.to_ascii_lowercase());
    if repository.is_empty() {
        return Err(field(
            "source.repository",
            "",
            "is empty; an https, http or git URL is required",
        ));
    }
    if repository.len() > 2048 || repository.chars().any(char::is_control) {
        return Err(field(
            "source.repository",
            &repository,
            "must be a URL of at most 2048 characters",
        ));
    }
    if !matches!(id.len(), 40 | 64) || !id.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(field(
            "source.commit",
            &id,
            "must be 40 or 64 hex digits: resolve branches and tags first",
        ));
    }
    let branch_ok = |c: char| c.is_ascii_alphanumeric() || "._-/+@".contains(c);
    let branch = source.branch;
    if branch.len() > 255
        || !branch.chars().all(branch_ok)
        || branch.starts_with('-')
        || branch.contains("..")
    {
        return Err(field("source.branch", &branch, "must be a branch's name"));
    }
    let directory = match &*source.directory {
        "" => ".".to_owned(),
        directory => directory.to_owned(),
    };
    if directory.starts_with('/')
        || directory.split('/').any(|part| part == "..")
        || directory.len() > 1024
    {
        return Err(field(
            "source.directory",
            &directory,
            "must be a folder within the repository",
        ));
    }
    let credential = Some(source.credential).filter(|name| !name.is_empty());
    Ok(Commit { repository, id, branch, directory, credential })
}

pub(crate) fn spec(spec: Option<v1::Spec>) -> Result<Spec, Status> {
    let spec = spec.unwrap_or_default();
    let port = spec.port.map(|port| {
        u16::try_from(port).map_err(|_| field("spec.port", &port.to_string(), "must be 1 to 65535"))
    });
    let (resources, build, test) = (
        spec.resources.unwrap_or_default(),
        spec.build.unwrap_or_default(),
        spec.test.unwrap_or_default(),
    );
    let spec = Spec {
        port: port.transpose()?,
        env: spec.env.into_iter().collect(),
        secrets: spec.secrets.into_iter().collect(),
        replicas: spec.replicas,
        resources: ResourceSpec {
            cpu: resources.cpu,
            memory: resources.memory,
            memory_limit: resources.memory_limit,
        },
        health: spec.health,
        command: spec.command,
        build: BuildSpec {
            dockerfile: build.dockerfile,
            recipe: build.recipe,
            target: build.target,
            arguments: build.arguments.into_iter().collect(),
            secrets: build.secrets,
        },
        test: TestSpec {
            off: test.off,
            command: test.command,
            stage: test.stage,
            timeout_seconds: test.timeout_seconds,
        },
        hooks: spec.hooks.into_iter().collect(),
    };
    spec.check().map_err(spec_error)?;
    Ok(spec)
}

pub(crate) fn labels(
    labels: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Status> {
    if labels.len() > 64 {
        return Err(field("labels", &labels.len().to_string(), "are too many: at most 64"));
    }
    let long = labels.iter().find(|(key, value)| key.len() > 256 || value.len() > 256);
    if let Some((key, _)) = long {
        let key: String = key.chars().take(80).collect();
        return Err(field("labels", &key, "is longer than 256 bytes, or its value is"));
    }
    Ok(labels.clone())
}

pub(crate) fn timeout(duration: Option<prost_types::Duration>) -> Result<Duration, Status> {
    let Some(duration) = duration else { return Ok(DEFAULT_TIMEOUT) };
    match u64::try_from(duration.seconds) {
        Ok(seconds @ 1..=DAY) => Ok(Duration::from_secs(seconds)),
        _ => Err(field("timeout", &format!("{} s", duration.seconds), "must be 1 s to 24 h")),
    }
}

/// A page's size, of at most `most`.
pub(crate) fn page(size: u32, default: u32, most: u32) -> Result<u32, Status> {
    match size {
        0 => Ok(default),
        size if size <= most => Ok(size),
        size => Err(field("page_size", &size.to_string(), &format!("must be 1 to {most}"))),
    }
}
