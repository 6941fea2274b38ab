//! References to objects of a cluster.

use crate::json::text;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

/// One object, as it can be found again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ObjectRef {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// Of the one that we applied: another of the same name is not ours to delete. Empty until then.
    pub(crate) uid: String,
}

impl ObjectRef {
    /// Refers to an object by its name, whatever its uid is.
    pub(crate) fn new(api_version: &str, kind: &str, name: &str) -> Self {
        Self {
            api_version: api_version.into(),
            kind: kind.into(),
            name: name.into(),
            uid: String::new(),
        }
    }

    /// Refers to an object that is here.
    pub(crate) fn of(object: &Value) -> Self {
        let text = |pointer: &str| text(object, pointer).to_owned();
        Self {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
        }
    }

    /// Whether both are of the same name and kind.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.group() == other.group()
    }

    /// The API group. Empty is that of the core.
    pub(crate) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Its name and kind alone, for a call about it.
    pub(crate) fn head(&self, namespace: &str) -> Value {
        json!({
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": { "name": self.name, "namespace": namespace },
        })
    }
}

/// As people call it: `Service web`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}
