//! Rights that callers have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A right of a principal in its projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// See jobs, events, releases, what serves and what it prints, names of secrets.
    Read,
    /// Submit, plan, cancel and roll back; pause, resume and abort a release.
    Deploy,
    /// Put and delete secrets.
    Secrets,
    /// Apply and delete projects, make and rotate hooks, replay deliveries, replay and drop messages: with all projects,
    /// the dead ones of the queue too.
    Projects,
    /// Approve and reject what jobs wait for.
    Approve,
    /// Put, test and delete registries of the project's own.
    Registries,
    /// Put, test and remove clusters of a project's own.
    Clusters,
}

impl Verb {
    /// All verbs.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Deploy,
        Self::Secrets,
        Self::Projects,
        Self::Approve,
        Self::Registries,
        Self::Clusters,
    ];
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Deploy => "deploy",
            Self::Secrets => "secrets",
            Self::Projects => "projects",
            Self::Approve => "approve",
            Self::Registries => "registries",
            Self::Clusters => "clusters",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::{
        IntoDeserializer,
        value::{Error, StrDeserializer},
    };

    #[test]
    fn a_verb_is_written_as_in_the_configuration() {
        for verb in Verb::ALL {
            let text = verb.to_string();
            let text: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
            let read = Verb::deserialize(text).unwrap();
            assert_eq!(read, verb);
        }
    }
}
