//! Converts messages to the requests of use cases, which check them.

use crate::errors::{self, field};
use serde_json::Value;
use tonic::Status;
use windlass_model::replay::JobState;
use windlass_model::{app::App, cluster::RolloutOrder, spec::Spec};
use windlass_proto::v1;
use windlass_service::SourceRequest;

/// Reads the names of an app. The error names the first wrong field.
pub fn app(app: Option<v1::App>) -> Result<App, Status> {
    let app = app.ok_or_else(|| field("app", "", "is missing; project and name are required"))?;
    App::new(&app.project, &app.name, &app.environment).map_err(errors::service)
}

/// Reads the source of a commit, which must be there.
pub fn source(source: Option<v1::Source>) -> Result<SourceRequest, Status> {
    let source = source.ok_or_else(|| {
        field("source", "", "is missing; a repository, and a commit or a revision are required")
    })?;
    let v1::Source { repository, commit, branch, directory, credential, revision } = source;
    Ok(SourceRequest { repository, commit, revision, branch, directory, credential })
}

/// Reads a spec. The keys of the message are those of `windlass.toml`, so that both are read by the same code. The
/// error names the first wrong field.
pub fn spec(spec: Option<v1::Spec>) -> Result<Spec, Status> {
    let mut requested = serde_json::to_value(spec.unwrap_or_default()).unwrap_or_default();
    without_null(&mut requested);
    let read: Result<Spec, _> = serde_path_to_error::deserialize(&requested);
    read.map_err(|error| {
        let path = error.path().to_string();
        let value = requested.pointer(&format!("/{}", path.replace('.', "/")));
        let value = value.map(ToString::to_string).unwrap_or_default();
        let message = error.inner().to_string();
        // All numbers of 16 bits are ports.
        let problem = if message.contains("expected u16") {
            "must be 1 to 65535".to_owned()
        } else {
            format!("cannot be: {message}")
        };
        field(&format!("spec.{path}"), value.trim_matches('"'), &problem)
    })
}

/// Removes null values, so that a field that is absent in the message is absent in the spec.
fn without_null(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, value| !value.is_null());
        map.values_mut().for_each(without_null);
    }
}

pub(crate) fn order(order: i32) -> Result<Option<RolloutOrder>, Status> {
    match v1::ClusterOrder::try_from(order) {
        Ok(v1::ClusterOrder::Unspecified) => Ok(None),
        Ok(v1::ClusterOrder::Sequential) => Ok(Some(RolloutOrder::Sequential)),
        Ok(v1::ClusterOrder::Parallel) => Ok(Some(RolloutOrder::Parallel)),
        Err(_) => Err(field("cluster_order", &order.to_string(), "is no order of clusters")),
    }
}

pub(crate) fn state(state: i32) -> Result<JobState, Status> {
    match v1::JobState::try_from(state) {
        Ok(v1::JobState::Waiting) => Ok(JobState::Waiting),
        Ok(v1::JobState::Running) => Ok(JobState::Running),
        Ok(v1::JobState::RollingBack) => Ok(JobState::RollingBack),
        Ok(v1::JobState::Succeeded) => Ok(JobState::Succeeded),
        Ok(v1::JobState::Failed) => Ok(JobState::Failed),
        Ok(v1::JobState::Stopped) => Ok(JobState::Stopped),
        _ => Err(field("states", &state.to_string(), "is no state of a job")),
    }
}

/// Returns `None` for an empty text, which stands for an absent one in a message.
pub(crate) fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of the file is a field of the message, and the reverse.
    #[test]
    fn a_spec_says_the_same_on_the_wire_and_in_the_file() {
        let everything = include_str!("../../kubernetes/src/render/full.toml");
        let file = Spec::from_toml(everything).unwrap();
        let wire: v1::Spec = toml::from_str(everything).unwrap();
        assert_eq!(spec(Some(wire)).unwrap(), file);
        let keys = |value: &Value| -> Vec<String> {
            let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let of = |message: Value, core: Value| assert_eq!(keys(&message), keys(&core));
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

    #[test]
    fn an_unknown_number_is_named_with_its_field() {
        assert_eq!(order(0).unwrap(), None);
        assert_eq!(order(2).unwrap(), Some(RolloutOrder::Parallel));
        let error = order(9).unwrap_err();
        assert_eq!(error.message(), "cluster_order: `9` is no order of clusters");
        assert_eq!(state(v1::JobState::Running.into()).unwrap(), JobState::Running);
        for bad in [0, 99] {
            assert!(state(bad).unwrap_err().message().starts_with("states: `"), "{bad}");
        }
    }

    #[test]
    fn a_missing_message_is_named() {
        assert!(app(None).unwrap_err().message().starts_with("app: `` is missing"));
        let missing = source(None).map(|source| source.repository).unwrap_err();
        assert!(missing.message().starts_with("source: `` is missing"), "{missing}");
        let wrong = v1::App { project: "shop".into(), name: "Web".into(), ..v1::App::default() };
        let error = app(Some(wrong)).unwrap_err();
        assert_eq!(error.message(), "app.name: `Web` must start with a letter a-z");
    }

    fn json(value: &impl serde::Serialize) -> Value {
        serde_json::to_value(value).unwrap()
    }
}
