//! From the wire to what the core knows: every field is checked here.

use crate::{
    errors::{field, name, precondition, spec as spec_error},
    secrets::is_name as is_secret_name,
};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use tonic::Status;
use windlass_model::{
    app::App,
    cluster::{Clusters, NoCluster, RolloutOrder, Targets},
    job::Commit,
    repository,
    revision::{Revision, is_commit_id, is_ref_name},
    spec::Spec,
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

/// Reads where a commit is, and the revision that leads to it where the request names no commit: then
/// its id is empty.
pub(crate) fn source(source: Option<v1::Source>) -> Result<(Commit, Option<Revision>), Status> {
    let source = source.ok_or_else(|| {
        field("source", "", "is missing; a repository, and a commit or a revision are required")
    })?;
    let repository = source.repository;
    // A login in it would be stored with the job, and told to all who may see that.
    repository::check(&repository)
        .map_err(|error| field("source.repository", &error.shown, &error.problem))?;
    let (id, revision) = commit(&source.commit, &source.revision)?;
    let branch = source.branch;
    if !branch.is_empty() && !is_ref_name(&branch) {
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
    // Many a token is pasted here, and this is stored with the job and shown: it is not repeated.
    if credential.as_deref().is_some_and(|name| !is_secret_name(name)) {
        return Err(field(
            "source.credential",
            "***",
            "must be the name of a secret of the project (a-z, 0-9, `-`, `_` and `.`), not its value: `windlass secret put` takes `user:token`",
        ));
    }
    // Kept with the job once it led somewhere.
    let commit = Commit { repository, id, branch, directory, credential, revision: String::new() };
    Ok((commit, revision))
}

/// Reads a commit's id, or a revision where that is empty.
fn commit(id: &str, revision: &str) -> Result<(String, Option<Revision>), Status> {
    match (id, revision) {
        ("", "") => Err(field(
            "source.commit",
            "",
            "is empty, and so is `source.revision`: give one of them; HEAD is the default branch",
        )),
        (id, "") if is_commit_id(id) => Ok((id.to_ascii_lowercase(), None)),
        (id, "") => Err(field(
            "source.commit",
            id,
            "must be 40 or 64 hex digits; a branch or a tag belongs into `source.revision`",
        )),
        ("", text) => match Revision::parse(text) {
            Ok(Revision::Id(id)) => Ok((id, None)),
            Ok(revision) => Ok((String::new(), Some(revision))),
            Err(expected) => Err(field("source.revision", text, expected)),
        },
        (_, text) => {
            Err(field("source.revision", text, "stands beside `source.commit`: give one of them"))
        }
    }
}

/// The wire's words are those of the core, so that a spec is read as `windlass.toml` is.
pub(crate) fn spec(spec: Option<v1::Spec>) -> Result<Spec, Status> {
    let mut said = serde_json::to_value(spec.unwrap_or_default()).unwrap_or_default();
    without_null(&mut said);
    let read: Result<Spec, _> = serde_path_to_error::deserialize(&said);
    let spec = read.map_err(|error| {
        let path = error.path().to_string();
        let value = said.pointer(&format!("/{}", path.replace('.', "/")));
        let value = value.map(ToString::to_string).unwrap_or_default();
        let words = error.inner().to_string();
        // All numbers of 16 bits are ports.
        let problem = if words.contains("expected u16") {
            "must be 1 to 65535".to_owned()
        } else {
            format!("cannot be: {words}")
        };
        field(&format!("spec.{path}"), value.trim_matches('"'), &problem)
    })?;
    spec.check().map_err(spec_error)?;
    Ok(spec)
}

/// What a message does not hold is not said.
fn without_null(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, value| !value.is_null());
        map.values_mut().for_each(without_null);
    }
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

/// Where a job goes. `wanted`: as the request names them.
pub(crate) fn clusters(
    targets: &Targets,
    app: &App,
    wanted: &[String],
    order: i32,
) -> Result<Clusters, Status> {
    let order = match v1::ClusterOrder::try_from(order) {
        Ok(v1::ClusterOrder::Unspecified) => None,
        Ok(v1::ClusterOrder::Sequential) => Some(RolloutOrder::Sequential),
        Ok(v1::ClusterOrder::Parallel) => Some(RolloutOrder::Parallel),
        Err(_) => {
            return Err(field("cluster_order", &order.to_string(), "is no order of clusters"));
        }
    };
    targets.choose(app, wanted, order).map_err(|error| match error {
        NoCluster::Said(error) => name(error),
        NoCluster::None(_) => precondition(
            "no-cluster",
            error.to_string(),
            "ask the operator for a cluster, or deploy to an environment that has one",
        ),
    })
}

/// A page's size, of at most `most`.
pub(crate) fn page(size: u32, default: u32, most: u32) -> Result<u32, Status> {
    match size {
        0 => Ok(default),
        size if size <= most => Ok(size),
        size => Err(field("page_size", &size.to_string(), &format!("must be 1 to {most}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word of the file has its place in the message, and the other way.
    #[test]
    fn a_spec_says_the_same_on_the_wire_and_in_the_file() {
        let everything = include_str!("../../kubernetes/src/render/full.toml");
        let file = Spec::from_toml(everything).unwrap();
        let wire: v1::Spec = toml::from_str(everything).unwrap();
        assert_eq!(spec(Some(wire)).unwrap(), file);
        let words = |value: &Value| -> Vec<String> {
            let mut words: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            words.sort();
            words
        };
        let of = |message: Value, core: Value| assert_eq!(words(&message), words(&core));
        of(json(&v1::Spec::default()), json(&Spec::default()));
        of(json(&v1::Process::default()), json(&windlass_model::spec::ProcessSpec::default()));
        of(json(&v1::Resources::default()), json(&windlass_model::spec::ResourceSpec::default()));
        of(json(&v1::Probe::default()), json(&windlass_model::spec::ProbeSpec::default()));
        of(json(&v1::Volume::default()), json(&windlass_model::spec::VolumeSpec::default()));
        of(json(&v1::Expose::default()), json(&windlass_model::spec::ExposeSpec::default()));
        of(json(&v1::Network::default()), json(&windlass_model::spec::NetworkSpec::default()));
        of(
            json(&v1::ServiceAccount::default()),
            json(&windlass_model::spec::AccountSpec::default()),
        );
        of(json(&v1::Build::default()), json(&windlass_model::spec::BuildSpec::default()));
        of(json(&v1::Test::default()), json(&windlass_model::spec::TestSpec::default()));
    }

    #[test]
    fn what_cannot_be_names_its_path() {
        let mut wire = v1::Spec::default();
        let process = v1::Process { port: Some(70_000), ..v1::Process::default() };
        wire.processes.insert("worker".into(), process);
        let error = spec(Some(wire)).unwrap_err();
        assert!(error.message().contains("spec.processes.worker.port: `70000`"), "{error}");
        let expose = v1::Expose { service: Some("node".into()), ..v1::Expose::default() };
        let wire = v1::Spec { expose: Some(expose), ..v1::Spec::default() };
        let error = spec(Some(wire)).unwrap_err();
        assert!(error.message().contains("expected `cluster` or `load-balancer`"), "{error}");
    }

    const ID: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn a_commit_or_a_revision_is_named_and_not_both() {
        let named = |id: &str, revision: &str| {
            let wire = v1::Source {
                repository: "https://git.example/web.git".into(),
                commit: id.into(),
                revision: revision.into(),
                ..v1::Source::default()
            };
            let (commit, revision) = source(Some(wire))?;
            Ok::<_, Status>((commit.id, revision.map(|revision| revision.to_string())))
        };
        let upper = "ABCDEF7890".repeat(4);
        assert_eq!(named(ID, "").unwrap(), (ID.to_owned(), None));
        assert_eq!(named(&upper, "").unwrap(), (upper.to_lowercase(), None));
        assert_eq!(named("", &upper).unwrap(), (upper.to_lowercase(), None));
        assert_eq!(named("", "main").unwrap(), (String::new(), Some("main".into())));
        assert_eq!(named("", "HEAD").unwrap(), (String::new(), Some("HEAD".into())));
        for (id, revision, words) in [
            ("", "", "source.commit: `` is empty"),
            ("main", "", "source.commit: `main` must be"),
            ("0123456", "", "source.commit: `0123456` must be"),
            (ID, "main", "source.revision: `main` stands beside"),
            ("", "main~1", "source.revision: `main~1` must be"),
        ] {
            let error = named(id, revision).unwrap_err();
            assert!(error.message().contains(words), "{error}");
        }
    }

    #[test]
    fn a_login_in_an_address_is_refused_and_not_repeated() {
        let wire = |repository: &str| v1::Source {
            repository: repository.into(),
            commit: ID.into(),
            ..v1::Source::default()
        };
        source(Some(wire("https://git.example/web.git"))).unwrap();
        let error = source(Some(wire("https://deploy:t0ken@git.example/web.git"))).unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument);
        let all = format!("{error:?}");
        assert!(!all.contains("t0ken") && !all.contains("deploy"), "{all}");
        for word in ["source.repository", "source.credential", "https://***@git.example/web.git"] {
            assert!(error.message().contains(word), "{error}");
        }
    }

    #[test]
    fn a_token_in_place_of_a_secrets_name_is_refused_and_not_repeated() {
        let wire = |credential: &str| v1::Source {
            repository: "https://git.example/web.git".into(),
            commit: ID.into(),
            credential: credential.into(),
            ..v1::Source::default()
        };
        for good in ["", "git", "git-login_2.a"] {
            source(Some(wire(good))).unwrap();
        }
        for bad in ["deploy:t0ken", "glpat-T0ken", "ghp_T0ken"] {
            let error = source(Some(wire(bad))).unwrap_err();
            let all = format!("{error:?}").to_lowercase();
            assert!(all.contains("source.credential") && !all.contains("t0ken"), "{all}");
        }
    }

    fn json(value: &impl serde::Serialize) -> Value {
        serde_json::to_value(value).unwrap()
    }
}
