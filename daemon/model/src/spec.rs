//! The spec of an app: what a job and `windlass.toml` request, its checks, and how it is resolved into a
//! runtime.
//!
//! A job and the file have the same keys. The first of these with a value decides: the job, the file,
//! the image that was built, detection, defaults. Scalars and lists replace, maps merge.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

mod build;
mod check;
mod defaults;
mod error;
mod expose;
mod migrate;
mod names;
mod process;
mod quantity;
mod read;
mod resolve;
mod schedule;
mod strategy;
mod volume;

pub use build::CustomBuild;
pub use error::SpecError;
pub use expose::{AccountSpec, ExposeSpec, NetworkSpec};
pub use migrate::MigrateSpec;
pub use names::{is_url_path, is_variable};
pub use process::{
    AutoscaleSpec, PlacementSpec, ProbeSpec, ProbesSpec, ProcessSpec, ResourceSpec,
    TerminationSpec, VolumeSpec,
};
pub use quantity::amount;
pub use resolve::{Detected, web};
pub use strategy::{Builtin, MetricSpec, StrategySpec};

/// The file's name in a repository.
pub const FILE: &str = "windlass.toml";

/// Keys of an app in `windlass.toml` or in a job. An absent key is decided elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Spec {
    /// TCP port at which `web` listens, 1–65535, and its `$PORT`. Default: the port that the image
    /// exposes, else 8080.
    pub port: Option<u16>,
    /// Plain environment of all processes, by variable.
    pub env: BTreeMap<String, String>,
    /// Environment from the project's secrets: variable to secret's name.
    pub secrets: BTreeMap<String, String>,
    /// Number of pods of `web`, 0–100. Default 1.
    pub replicas: Option<u32>,
    /// Requests and limits of each pod, unless its process has others.
    pub resources: ResourceSpec,
    /// HTTP path for the probes of `web`. Default: a TCP connection is enough.
    pub health: Option<String>,
    /// argv of `web` that replaces the image's own. Default: the image's own.
    pub command: Vec<String>,
    /// Further keys of `web`, and other processes of the same image, by name (at most 11 characters).
    pub processes: BTreeMap<String, ProcessSpec>,
    /// The way by which the world reaches `web`. Default: a Service within the cluster.
    pub expose: ExposeSpec,
    /// Labels of every object and pod, beside those that Windlass sets.
    pub labels: BTreeMap<String, String>,
    /// Annotations of every pod.
    pub annotations: BTreeMap<String, String>,
    /// Account that gives pods their rights. Default: one of the app's own, without rights.
    pub service_account: AccountSpec,
    /// Traffic that is allowed from and to the pods. Default: all traffic.
    pub network: NetworkSpec,
    /// Secrets of the namespace that nodes pull with, beside the operator's login.
    pub pull_secrets: Vec<String>,
    /// Files of the repository with further Kubernetes objects, YAML or JSON, applied and watched
    /// as the others. `$WINDLASS_IMAGE` as an `image` stands for the image that was built.
    pub manifests: Vec<String>,
    /// Migration of the app's data before a release gets requests. Default: none.
    pub migrate: MigrateSpec,
    /// Way of the requests to the new version. Default: pods are replaced one after the other.
    pub strategy: StrategySpec,
    pub build: BuildSpec,
    pub test: TestSpec,
    /// Settings for the operator's hooks, by hook: a JSON object, in TOML a table.
    #[serde(deserialize_with = "tables")]
    #[schemars(with = "BTreeMap<String, serde_json::Map<String, Value>>")]
    pub hooks: BTreeMap<String, String>,
}

/// The build of the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BuildSpec {
    /// A Dockerfile's path within the app's folder. Default: `Dockerfile`, or else `dockerfile`.
    pub dockerfile: Option<String>,
    /// The detector whose recipe is used, even if there is a Dockerfile. Default: the Dockerfile, or
    /// else the best recipe.
    pub recipe: Option<String>,
    /// The stage to deploy. Default: the last.
    pub target: Option<String>,
    /// Values of the Dockerfile's ARGs.
    pub arguments: BTreeMap<String, String>,
    /// Names of the project's secrets that `RUN --mount=type=secret,id=NAME` may read.
    pub secrets: Vec<String>,
    /// Builds with Git LFS pointers in place of their files. Default false: such pointers are an error.
    pub lfs_pointers: Option<bool>,
    /// Versions of runtimes, such as `node = "20"`: a version or a range. Default: as the repository's
    /// own files have them.
    pub versions: BTreeMap<String, String>,
    /// argv that builds the app on the tree, in place of all detectors. Default: a Dockerfile or a recipe.
    pub command: Vec<String>,
    /// Image in which `build.command` runs.
    pub image: Option<String>,
    /// Folder that `build.command` writes, within the app's folder: its content becomes the image's.
    pub output: Option<String>,
    /// Base of the image that `build.output` is copied into.
    pub base: Option<String>,
    /// Absolute folders that outlive `build.command`, for its next run in this project.
    pub caches: Vec<String>,
}

/// The tests of the build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestSpec {
    /// Runs no tests. Default false.
    pub off: Option<bool>,
    /// argv of the tests. Default: the command of the stage's image, or the one that a test runner
    /// finds.
    pub command: Vec<String>,
    /// The stage that has the tools. Default: `test` of a Dockerfile, or the recipe's own.
    pub stage: Option<String>,
    /// Seconds after which tests are taken to hang. Default 600.
    pub timeout_seconds: Option<u32>,
}

impl Spec {
    /// Merges two specs: a key that is absent in `self` is taken from `below`. Scalars and lists
    /// replace, maps merge. Two valid specs can contradict each other: check the result.
    #[must_use]
    pub fn merged_over(self, mut below: Self) -> Self {
        // A process is there once it is named, even if nothing else is.
        let names: Vec<_> = self.processes.keys().chain(below.processes.keys()).cloned().collect();
        below.clear_overridden(&self);
        let mut both = requested(&below);
        merge(&mut both, requested(&self));
        // Both were specs, and merging keeps each value's kind.
        let mut both: Self = serde_json::from_value(both).unwrap_or(self);
        for name in names {
            both.processes.entry(name).or_default();
        }
        both
    }

    /// Clears keys of `web` that `above` sets at their other place, at the top or in `processes.web`, and those of
    /// another strategy than that of `above`.
    fn clear_overridden(&mut self, above: &Self) {
        fn clear_if<T>(requested: bool, field: &mut Option<T>) {
            if requested {
                *field = None;
            }
        }
        let web = above.processes.get(crate::runtime::WEB).cloned().unwrap_or_default();
        let own = self.processes.entry(crate::runtime::WEB.into()).or_default();
        clear_if(above.port.is_some(), &mut own.port);
        clear_if(above.replicas.is_some(), &mut own.replicas);
        clear_if(above.health.is_some(), &mut own.health);
        clear_if(web.port.is_some(), &mut self.port);
        clear_if(web.replicas.is_some(), &mut self.replicas);
        clear_if(web.health.is_some(), &mut self.health);
        if !above.command.is_empty() {
            own.command.clear();
        }
        if !web.command.is_empty() {
            self.command.clear();
        }
        let kind = |spec: &Self| spec.strategy.kind.unwrap_or_default();
        if above.strategy.kind.is_some() && kind(above) != kind(self) {
            self.strategy = StrategySpec::default();
        }
    }

    /// Returns each value that is requested as JSON, by its path: `processes.worker.replicas`.
    #[must_use]
    pub fn flatten(&self) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        flatten("", &requested(self), &mut all);
        all
    }

    /// Returns the JSON schema of `windlass.toml`, for editors.
    #[must_use]
    pub fn schema() -> Value {
        schemars::schema_for!(Self).to_value()
    }

    /// Returns the keys of `web` at the top.
    fn top(&self) -> ProcessSpec {
        ProcessSpec {
            port: self.port,
            command: self.command.clone(),
            replicas: self.replicas,
            resources: self.resources.clone(),
            health: self.health.clone(),
            ..ProcessSpec::default()
        }
    }

    /// Returns the processes that run, by name, each with its whole spec.
    fn running(&self) -> impl Iterator<Item = (&str, ProcessSpec)> {
        let web = crate::runtime::WEB;
        let requested = self.processes.get(web).cloned().unwrap_or_default();
        let first = (web, merged(requested, self.top()));
        let general = ProcessSpec { resources: self.resources.clone(), ..ProcessSpec::default() };
        let others = self.processes.iter().filter(move |(name, _)| *name != web);
        let others =
            others.map(move |(name, process)| (&**name, merged(process.clone(), general.clone())));
        std::iter::once(first).chain(others).filter(|(_, process)| process.off != Some(true))
    }

    /// Returns whether `web` runs and its port is not requested.
    #[must_use]
    pub fn leaves_port_open(&self) -> bool {
        self.running()
            .any(|(name, requested)| name == crate::runtime::WEB && requested.port.is_none())
    }

    /// Returns the names of all secrets of the spec, for the redactor and for the check that they exist.
    pub fn secret_names(&self) -> impl Iterator<Item = &String> {
        self.secrets.values().chain(&self.build.secrets)
    }
}

fn merged(above: ProcessSpec, below: ProcessSpec) -> ProcessSpec {
    let mut both = requested(&below);
    merge(&mut both, requested(&above));
    serde_json::from_value(both).unwrap_or(above)
}

/// Returns only the keys that are requested: no null, no empty list, no empty map.
fn requested<T: Serialize>(spec: &T) -> Value {
    fn prune(value: &mut Value) -> bool {
        match value {
            Value::Null => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => {
                map.retain(|_, value| prune(value));
                !map.is_empty()
            }
            _ => true,
        }
    }
    let mut value = serde_json::to_value(spec).unwrap_or_default();
    if !prune(&mut value) {
        return Value::Object(serde_json::Map::new());
    }
    value
}

fn merge(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                merge(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

fn flatten(at: &str, value: &Value, all: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                flatten(&path, value, all);
            }
        }
        value => {
            all.insert(at.to_owned(), value.clone());
        }
    }
}

/// Reads tables as JSON text, which a hook's plugin reads. Text is taken as JSON, as the wire has it.
fn tables<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let requested = BTreeMap::<String, Value>::deserialize(deserializer)?;
    let text = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(requested.into_iter().map(|(name, value)| (name, text(value))).collect())
}

#[cfg(test)]
mod tests;
