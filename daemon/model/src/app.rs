//! The name of an app, and the rules for names.

use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// One app of one tenant in one environment. There is one job at a time per app.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct App {
    /// Name of the tenant. Secrets, caches and credentials are separate for each.
    pub project: String,
    /// Name of the app, and of its Kubernetes objects.
    pub name: String,
    /// Name of the environment. The default is `production`.
    pub environment: String,
}

/// A name that Kubernetes or Windlass would refuse.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field}: `{value}` {problem}")]
pub struct NameError {
    /// The field's path as in the request: `app.name`.
    pub field: String,
    /// The value that was given, of a long one the beginning.
    pub value: String,
    /// The fault of the value, and what is expected.
    pub problem: String,
}

impl App {
    /// Checks all three names. An empty environment means `production`.
    ///
    /// # Errors
    /// [`NameError`] for the first that breaks the rules of [`label`].
    pub fn new(project: &str, name: &str, environment: &str) -> Result<Self, NameError> {
        let environment = if environment.is_empty() { "production" } else { environment };
        label("app.project", project, 30)?;
        label("app.name", name, 30)?;
        label("app.environment", environment, 20)?;
        Ok(Self { project: project.into(), name: name.into(), environment: environment.into() })
    }

    /// Returns whether the app is in one of these projects and environments. An empty list means all.
    #[must_use]
    pub fn is_of(&self, projects: &[String], environments: &[String]) -> bool {
        let among = |list: &[String], name| list.is_empty() || list.contains(name);
        among(projects, &self.project) && among(environments, &self.environment)
    }

    /// Returns the app's namespace, `project--environment`. Since no name holds `--`, no two tenants
    /// share one.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("{}--{}", self.project, self.environment)
    }
}

impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.name, self.environment)
    }
}

/// Checks for a DNS label (RFC 1123) that starts with a letter, holds no `--`, and has at most `longest`
/// characters.
///
/// # Errors
/// [`NameError`] that quotes the value and names the rule that it breaks.
pub fn label(field: &str, value: &str, longest: usize) -> Result<(), NameError> {
    let problem = if value.is_empty() {
        "is empty; a name is required".to_owned()
    } else if value.len() > longest {
        format!("has {} characters; at most {longest} are allowed", value.len())
    } else if !value.starts_with(|c: char| c.is_ascii_lowercase()) {
        "must start with a letter a-z".to_owned()
    } else if !value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        "may hold only a-z, 0-9 and `-`".to_owned()
    } else if value.ends_with('-') || value.contains("--") {
        "may neither end with `-` nor hold `--`".to_owned()
    } else {
        return Ok(());
    };
    Err(NameError { field: field.into(), value: value.chars().take(80).collect(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels_from_a_letter() {
        for good in ["a", "web", "web-2", "a1b2"] {
            label("app.name", good, 30).unwrap();
        }
        for bad in ["", "Web", "2web", "-web", "web-", "we--b", "we.b", "web_1", "wéb"] {
            label("app.name", bad, 30).unwrap_err();
        }
        assert!(label("app.name", &"a".repeat(31), 30).is_err());
    }

    #[test]
    fn the_environment_defaults_to_production() {
        let app = App::new("shop", "web", "").unwrap();
        assert_eq!(app.namespace(), "shop--production");
        assert_eq!(app.to_string(), "shop/web/production");
    }

    #[test]
    fn an_error_names_field_value_and_rule() {
        let error = App::new("shop", "Web!", "").unwrap_err();
        assert_eq!(error.to_string(), "app.name: `Web!` must start with a letter a-z");
    }
}
