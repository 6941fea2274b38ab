//! What is said of an app, by whom, and what follows.
//!
//! The same words stand in a job and in `windlass.toml`. Who decides: the job, then the file, then
//! the image that was built, then detection, then defaults. Scalars and lists replace, maps merge.

use crate::{
    dockerfile::{is_url_path, is_variable},
    job::{Resources, Runtime, SecretEnv},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// The file's name in a repository.
pub const FILE: &str = "windlass.toml";

/// Bytes that an app may say of one hook.
const LONGEST_HOOK: usize = 16 << 10;

/// Says of an app what somebody wants to say; the rest is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Spec {
    /// Where the app listens, 1–65535. Default: what the image exposes, else 8080.
    pub port: Option<u16>,
    /// Plain environment, by variable.
    pub env: BTreeMap<String, String>,
    /// Environment from the project's secrets: variable to secret's name.
    pub secrets: BTreeMap<String, String>,
    /// 1–100 pods. Default 1.
    pub replicas: Option<u32>,
    /// What each pod asks for.
    pub resources: ResourceSpec,
    /// HTTP path for the probes. Default: a TCP connection is enough.
    pub health: Option<String>,
    /// argv that replaces the image's own.
    pub command: Vec<String>,
    /// How to build.
    pub build: BuildSpec,
    /// How to test.
    pub test: TestSpec,
    /// What the app says of the operator's hooks, by hook: a JSON object, in TOML a table.
    #[serde(deserialize_with = "tables")]
    pub hooks: BTreeMap<String, String>,
}

/// Kubernetes quantities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResourceSpec {
    /// CPU request. Default `100m`.
    pub cpu: Option<String>,
    /// Memory request. Default `128Mi`.
    pub memory: Option<String>,
    /// Memory limit. Default: twice the request.
    pub memory_limit: Option<String>,
}

/// How to build an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BuildSpec {
    /// A Dockerfile's path within the app's folder. Default: `Dockerfile` where there is one.
    pub dockerfile: Option<String>,
    /// The detector whose recipe is used, even where a Dockerfile is there.
    pub recipe: Option<String>,
    /// The stage to deploy. Default: the last.
    pub target: Option<String>,
    /// Values of the Dockerfile's ARGs.
    pub arguments: BTreeMap<String, String>,
    /// Names of the project's secrets that `RUN --mount=type=secret,id=NAME` may read.
    pub secrets: Vec<String>,
}

/// How to test what was built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestSpec {
    /// Runs none.
    pub off: Option<bool>,
    /// argv. Default: what the stage's image runs, or what the detector found.
    pub command: Vec<String>,
    /// The stage that has the tools. Default: `test` of a Dockerfile, or the recipe's own.
    pub stage: Option<String>,
    /// Seconds until tests are taken to hang. Default 600.
    pub timeout_seconds: Option<u32>,
}

/// Something that was said and cannot be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field}: `{value}` {problem}")]
pub struct SpecError {
    /// The field's path, as in the request and in the file.
    pub field: String,
    /// What it said.
    pub value: String,
    /// What is expected.
    pub problem: String,
}

/// What the builder and the detector know, below what anybody says.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The port that the image exposes, else the one that the recipe names.
    pub port: Option<u16>,
    /// The health path that the recipe names.
    pub health: Option<String>,
    /// Numeric user of the image.
    pub user: Option<u32>,
}

impl Spec {
    /// Reads `windlass.toml`.
    ///
    /// # Errors
    /// [`SpecError`] with line and column for what is not TOML or not a known key, and for each
    /// rule of [`Spec::check`].
    pub fn from_toml(text: &str) -> Result<Self, SpecError> {
        let spec: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).map_or(0, |before| before.matches('\n').count()) + 1;
            SpecError {
                field: format!("{FILE}:{line}"),
                value: text.lines().nth(line - 1).unwrap_or_default().trim().to_owned(),
                problem: error.message().to_owned(),
            }
        })?;
        spec.check()
            .map_err(|error| SpecError { field: format!("{FILE}: {}", error.field), ..error })?;
        Ok(spec)
    }

    /// Checks each value by itself.
    ///
    /// # Errors
    /// The first that breaks its rule.
    pub fn check(&self) -> Result<(), SpecError> {
        let fail = |field: &str, value: &str, problem: &str| {
            Err(SpecError { field: field.into(), value: value.into(), problem: problem.into() })
        };
        if self.port == Some(0) {
            return fail("port", "0", "must be 1 to 65535");
        }
        if let Some(replicas) = self.replicas.filter(|replicas| !(1..=100).contains(replicas)) {
            return fail("replicas", &replicas.to_string(), "must be 1 to 100");
        }
        if let Some(health) = self.health.as_deref().filter(|health| !is_url_path(health)) {
            return fail("health", health, "must be a path that starts with `/`");
        }
        for (field, names) in
            [("env", self.env.keys()), ("build.arguments", self.build.arguments.keys())]
        {
            for name in names {
                if !is_variable(name) {
                    return fail(field, name, "must be letters, digits and `_`, not from a digit");
                }
            }
        }
        for (name, secret) in &self.secrets {
            if !is_variable(name) {
                return fail("secrets", name, "must be letters, digits and `_`, not from a digit");
            }
            if secret.is_empty() {
                return fail(
                    "secrets",
                    name,
                    "names no secret; give the name that `windlass secret put` got",
                );
            }
        }
        if self.env.contains_key("PORT") {
            return fail("env", "PORT", "is set by Windlass; say `port` instead");
        }
        for (field, quantity) in [
            ("resources.cpu", &self.resources.cpu),
            ("resources.memory", &self.resources.memory),
            ("resources.memory-limit", &self.resources.memory_limit),
        ] {
            if let Some(text) = quantity.as_deref().filter(|text| amount(text).is_none()) {
                return fail(
                    field,
                    text,
                    "must be a Kubernetes quantity such as `250m` or `128Mi`",
                );
            }
        }
        let paths = [("build.dockerfile", &self.build.dockerfile)];
        for (field, path) in paths {
            if let Some(path) = path.as_deref().filter(|p| {
                p.is_empty() || p.starts_with('/') || p.split('/').any(|part| part == "..")
            }) {
                return fail(field, path, "must be a path within the app's folder");
            }
        }
        for (name, said) in &self.hooks {
            let field = format!("hooks.{name}");
            let shown: String = said.chars().take(80).collect();
            if said.len() > LONGEST_HOOK {
                let problem =
                    format!("has {} bytes; at most {LONGEST_HOOK} are allowed", said.len());
                return fail(&field, &shown, &problem);
            }
            if !serde_json::from_str(said).is_ok_and(|said: serde_json::Value| said.is_object()) {
                return fail(
                    &field,
                    &shown,
                    "must be a JSON object, such as {\"command\": [\"./migrate\"]}",
                );
            }
        }
        if self.test.timeout_seconds == Some(0) {
            return fail("test.timeout-seconds", "0", "must be at least 1");
        }
        Ok(())
    }

    /// What `self` says, and where it is silent, what `below` says.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        fn merge(
            mut below: BTreeMap<String, String>,
            above: BTreeMap<String, String>,
        ) -> BTreeMap<String, String> {
            below.extend(above);
            below
        }
        fn list<T>(above: Vec<T>, below: Vec<T>) -> Vec<T> {
            if above.is_empty() { below } else { above }
        }
        Self {
            port: self.port.or(below.port),
            env: merge(below.env, self.env),
            secrets: merge(below.secrets, self.secrets),
            replicas: self.replicas.or(below.replicas),
            resources: ResourceSpec {
                cpu: self.resources.cpu.or(below.resources.cpu),
                memory: self.resources.memory.or(below.resources.memory),
                memory_limit: self.resources.memory_limit.or(below.resources.memory_limit),
            },
            health: self.health.or(below.health),
            command: list(self.command, below.command),
            build: BuildSpec {
                dockerfile: self.build.dockerfile.or(below.build.dockerfile),
                recipe: self.build.recipe.or(below.build.recipe),
                target: self.build.target.or(below.build.target),
                arguments: merge(below.build.arguments, self.build.arguments),
                secrets: list(self.build.secrets, below.build.secrets),
            },
            hooks: merge(below.hooks, self.hooks),
            test: TestSpec {
                off: self.test.off.or(below.test.off),
                command: list(self.test.command, below.test.command),
                stage: self.test.stage.or(below.test.stage),
                timeout_seconds: self.test.timeout_seconds.or(below.test.timeout_seconds),
            },
        }
    }

    /// Answers every question about how the app runs. `secrets` are the versions of today.
    #[must_use]
    pub fn settle(&self, found: &Found, secrets: Vec<SecretEnv>) -> Runtime {
        let memory = self.resources.memory.clone().unwrap_or_else(|| "128Mi".into());
        Runtime {
            port: self.port.or(found.port).unwrap_or(8080),
            env: self.env.clone(),
            secrets,
            replicas: self.replicas.unwrap_or(1),
            resources: Resources {
                cpu: self.resources.cpu.clone().unwrap_or_else(|| "100m".into()),
                memory_limit: self
                    .resources
                    .memory_limit
                    .clone()
                    .unwrap_or_else(|| doubled(&memory)),
                memory,
            },
            health: self.health.clone().or_else(|| found.health.clone()),
            command: self.command.clone(),
            user: found.user,
        }
    }

    /// All secrets that this names, for the masker and for the check that they exist.
    pub fn secret_names(&self) -> impl Iterator<Item = &String> {
        self.secrets.values().chain(&self.build.secrets)
    }
}

/// A table, as JSON text: what a hook's plugin reads. Text is taken as JSON, as the wire has it.
fn tables<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let said = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
    let text = |value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(said.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// Number and unit of a Kubernetes quantity.
fn amount(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let known = ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"].contains(&unit);
    number.parse().ok().filter(|number| *number > 0 && known).map(|number| (number, unit))
}

fn doubled(quantity: &str) -> String {
    match amount(quantity) {
        Some((number, unit)) => format!("{}{unit}", number.saturating_mul(2)),
        None => quantity.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_knows_its_keys_and_says_where_it_is_wrong() {
        let spec = Spec::from_toml("port = 3000\n[test]\ncommand = [\"npm\", \"test\"]\n").unwrap();
        assert_eq!((spec.port, spec.test.command.len()), (Some(3000), 2));
        let error = Spec::from_toml("port = 3000\nreplica = 2\n").unwrap_err();
        assert_eq!((&*error.field, &*error.value), ("windlass.toml:2", "replica = 2"));
        assert!(error.problem.contains("unknown field `replica`"), "{error}");
        let error = Spec::from_toml("health = \"healthz\"").unwrap_err();
        assert_eq!(error.field, "windlass.toml: health");
    }

    #[test]
    fn scalars_replace_and_maps_merge() {
        let job =
            Spec { port: Some(1), env: [("A".into(), "job".into())].into(), ..Spec::default() };
        let file = Spec {
            port: Some(2),
            replicas: Some(3),
            env: [("A".into(), "file".into()), ("B".into(), "file".into())].into(),
            ..Spec::default()
        };
        let both = job.over(file);
        assert_eq!((both.port, both.replicas), (Some(1), Some(3)));
        assert_eq!(both.env, [("A".into(), "job".into()), ("B".into(), "file".into())].into());
    }

    #[test]
    fn memory_limits_are_twice_the_request() {
        let spec = Spec::from_toml("[resources]\nmemory = \"96Mi\"").unwrap();
        assert_eq!(spec.settle(&Found::default(), vec![]).resources.memory_limit, "192Mi");
        assert!(Spec::from_toml("[resources]\nmemory = \"lots\"").is_err());
    }
}
