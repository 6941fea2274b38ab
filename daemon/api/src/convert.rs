//! Converts messages to the requests of use cases, which check them.

use crate::errors::{self, field};
use serde_json::Value;
use std::time::Duration;
use tonic::Status;
use windlass_model::replay::JobState;
use windlass_model::{app::App, cluster::RolloutOrder, project::ProjectSpec, spec::Spec};
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
    let spec = spec.unwrap_or_default();
    finite(spec.strategy.as_ref())?;
    let mut requested = serde_json::to_value(spec).unwrap_or_default();
    without_null(&mut requested);
    whole_numbers(&mut requested);
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

/// Bytes of the longest `project.toml`.
const LONGEST_PROJECT: usize = 256 << 10;

/// Reads a project's file. The error names every wrong field, so that a person mends all of them at once. The use
/// case reads the file once more, and checks the caller's right in the project that the file names.
pub(crate) fn check_project(toml: &str) -> Result<(), Status> {
    if toml.len() > LONGEST_PROJECT {
        let size = format!("{} bytes", toml.len());
        return Err(field("toml", &size, "is too long: a project's file has at most 256 KiB"));
    }
    ProjectSpec::parse(toml).map(drop).map_err(|faults| errors::faults(&faults))
}

/// Reads a duration. `None` stays `None`: an absent one means the default.
pub(crate) fn duration(
    name: &str,
    given: Option<&prost_types::Duration>,
) -> Result<Option<Duration>, Status> {
    let Some(given) = given else { return Ok(None) };
    let nanos = u32::try_from(given.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    match (u64::try_from(given.seconds).ok(), nanos) {
        (Some(seconds), Some(nanos)) => Ok(Some(Duration::new(seconds, nanos))),
        _ => {
            let value = format!("{} s", given.seconds);
            Err(field(name, &value, "is no duration: it must not be negative"))
        }
    }
}

/// Reads a time in milliseconds since 1970. `None` stays `None`.
pub(crate) fn time(
    name: &str,
    given: Option<&prost_types::Timestamp>,
) -> Result<Option<u64>, Status> {
    let Some(given) = given else { return Ok(None) };
    let seconds = u64::try_from(given.seconds).ok();
    let millis = u64::try_from(given.nanos / 1_000_000).ok();
    let ms = seconds.and_then(|seconds| seconds.checked_mul(1000)?.checked_add(millis?));
    let value = given.seconds.to_string();
    ms.map(Some).ok_or_else(|| field(name, &value, "is no time since 1970, in seconds"))
}

/// Removes null values, so that a field that is absent in the message is absent in the spec.
fn without_null(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, value| !value.is_null());
        map.values_mut().for_each(without_null);
    }
}

/// Refuses bounds of metrics that are no number or infinite. JSON has neither, and they would be left out.
fn finite(strategy: Option<&v1::Strategy>) -> Result<(), Status> {
    for (name, metric) in strategy.into_iter().flat_map(|strategy| &strategy.metrics) {
        for (key, bound) in [("min", metric.min), ("max", metric.max)] {
            if let Some(bound) = bound.filter(|bound| !bound.is_finite()) {
                let path = format!("spec.strategy.metrics.{name}.{key}");
                return Err(field(&path, &bound.to_string(), "must be a finite number"));
            }
        }
    }
    Ok(())
}

/// Writes numbers without a fraction as the file has them: a message has `99.0` where the file has `99`, and both are to
/// give the same release.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            // `f64` has no `.0` at its end as text.
            let whole = number.as_f64().and_then(|number| number.to_string().parse::<i64>().ok());
            if let Some(whole) = whole {
                *number = whole.into();
            }
        }
        Value::Object(map) => map.values_mut().for_each(whole_numbers),
        Value::Array(all) => all.iter_mut().for_each(whole_numbers),
        _ => {}
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
        Ok(v1::JobState::Held) => Ok(JobState::Held),
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
        of(json(&v1::Strategy::default()), json(&windlass_model::spec::StrategySpec::default()));
        of(json(&v1::Migrate::default()), json(&windlass_model::spec::MigrateSpec::default()));
        of(json(&v1::Metric::default()), json(&windlass_model::spec::MetricSpec::default()));
    }

    #[test]
    fn each_key_of_a_strategy_travels() {
        let strategy = r#"
[expose]
hosts = ["shop.example.com"]
gateway = "infra/public"

[strategy]
kind = "canary"
weights = [10, 50, 100]
hold-seconds = 30
gates = [50]
gate-seconds = 3600
keep-seconds = 60
traffic = "gateway"
check = "/ready"

[strategy.metrics.errors]
query = "sum(rate(errors[$WINDOW]))"
min = 0
max = 0.5
interval-seconds = 5
failures = 2
inconclusive = 3

[strategy.metrics.success]
builtin = "success-rate"
source = "traefik"
min = 99
"#;
        let file = Spec::from_toml(strategy).unwrap();
        let set = |value: &Value| {
            value.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).count()
        };
        let keys = |value: &Value| value.as_object().unwrap().len();
        let written = json(&file.strategy);
        assert_eq!(set(&written), keys(&written), "the file has each key: {written:#}");
        let metrics: std::collections::BTreeSet<_> = written["metrics"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|metric| metric.as_object().unwrap())
            .filter(|(_, value)| !value.is_null())
            .map(|(key, _)| key.as_str())
            .collect();
        let of_metric = json(&windlass_model::spec::MetricSpec::default());
        assert_eq!(metrics.len(), keys(&of_metric), "the file has each key: {metrics:?}");
        let wire: v1::Spec = toml::from_str(strategy).unwrap();
        // By bytes, as it is sent.
        let sent = prost::Message::encode_to_vec(&wire);
        let wire: v1::Spec = prost::Message::decode(&*sent).unwrap();
        assert_eq!(spec(Some(wire)).unwrap(), file);
    }

    #[test]
    fn a_bound_that_is_no_number_is_refused() {
        for (bound, shown) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
            let metric = v1::Metric { min: Some(bound), max: Some(1.0), ..v1::Metric::default() };
            let metrics = std::collections::BTreeMap::from([("errors".to_owned(), metric)]);
            let strategy = v1::Strategy { metrics, ..v1::Strategy::default() };
            let wire = v1::Spec { strategy: Some(strategy), ..v1::Spec::default() };
            let error = spec(Some(wire)).unwrap_err();
            let expected =
                format!("spec.strategy.metrics.errors.min: `{shown}` must be a finite number");
            assert_eq!(error.message(), expected);
        }
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
    fn a_time_and_a_duration_are_read_to_the_millisecond_and_never_wrap() {
        let read = |seconds, nanos| {
            duration("keep", Some(&prost_types::Duration { seconds, nanos }))
                .map_err(|error| error.message().to_owned())
        };
        assert_eq!(duration("keep", None).unwrap(), None);
        assert_eq!(read(0, 0), Ok(Some(Duration::ZERO)));
        assert_eq!(read(90, 500_000_000), Ok(Some(Duration::from_millis(90_500))));
        for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000), (i64::MIN, i32::MIN)] {
            let expected = format!("keep: `{seconds} s` is no duration: it must not be negative");
            assert_eq!(read(seconds, nanos), Err(expected));
        }
        let read = |seconds, nanos| {
            time("since", Some(&prost_types::Timestamp { seconds, nanos }))
                .map_err(|error| error.message().to_owned())
        };
        assert_eq!(time("since", None).unwrap(), None);
        assert_eq!(read(1_764_093_182, 250_000_000), Ok(Some(1_764_093_182_250)));
        for (seconds, nanos) in [(-1, 0), (0, -1_000_000), (i64::MAX, 0)] {
            let expected = format!("since: `{seconds}` is no time since 1970, in seconds");
            assert_eq!(read(seconds, nanos), Err(expected));
        }
    }

    #[test]
    fn a_projects_file_is_bounded_before_it_is_read() {
        let long = "#".repeat(LONGEST_PROJECT + 1);
        let error = check_project(&long).unwrap_err();
        assert!(error.message().starts_with("toml: `262145 bytes` is too long"), "{error}");
        check_project("project = \"shop\"\nprojekt = 1\n").unwrap_err();
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
