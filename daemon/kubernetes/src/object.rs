//! References to objects of a cluster.

use crate::json::text;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;

/// Reference to an object, by which it can be found again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ObjectRef {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// `uid` of the object that we applied: another object of the same name is not ours to delete. Empty means
    /// that it is not applied yet, or that its uid does not matter.
    pub(crate) uid: String,
}

impl ObjectRef {
    /// Refers to an object by name, whatever its uid is.
    pub(crate) fn new(api_version: &str, kind: &str, name: &str) -> Self {
        Self {
            api_version: api_version.into(),
            kind: kind.into(),
            name: name.into(),
            uid: String::new(),
        }
    }

    /// Refers to an object by its own fields.
    pub(crate) fn of(object: &Value) -> Self {
        let text = |pointer: &str| text(object, pointer).to_owned();
        Self {
            api_version: text("/apiVersion"),
            kind: text("/kind"),
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
        }
    }

    /// Returns whether both are of the same group, kind and name.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.group() == other.group()
    }

    /// Returns the API group. Empty means the core group.
    pub(crate) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Returns an object with `apiVersion`, `kind` and `metadata` alone, for a call about the object.
    pub(crate) fn head(&self, namespace: &str) -> Value {
        json!({
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": { "name": self.name, "namespace": namespace },
        })
    }
}

/// Writes kind and name: `Service web`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}
