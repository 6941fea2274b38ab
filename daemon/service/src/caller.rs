//! Callers and their rights, whichever door they come through.

use crate::{error::ServiceError, verb::Verb};

/// Name that means all projects, among those of a caller.
const ALL: &str = "*";

/// A caller that a door has identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Name that is recorded with each job.
    pub name: String,
    /// Projects in which the caller has rights. `*` means all projects.
    pub projects: Vec<String>,
    /// Rights in these projects.
    pub verbs: Vec<Verb>,
}

impl Caller {
    /// Returns a caller that has all rights in all projects.
    #[must_use]
    pub fn with_all_rights(name: String) -> Self {
        Self { name, projects: vec![ALL.into()], verbs: Verb::ALL.to_vec() }
    }

    /// Checks a right in a project.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for a caller without this right.
    pub fn may(&self, verb: Verb, project: &str) -> Result<(), ServiceError> {
        let is_known = self.sees_all() || self.projects.iter().any(|own| own == project);
        if is_known && self.verbs.contains(&verb) {
            return Ok(());
        }
        let (caller, project) = (self.name.clone(), project.to_owned());
        Err(ServiceError::Forbidden { caller, verb, project })
    }

    /// Checks a right to something that belongs to no project.
    ///
    /// # Errors
    /// [`ServiceError::NotOperator`] for a caller of some projects only, [`ServiceError::Forbidden`] for one
    /// without the verb.
    pub fn may_operate(&self, verb: Verb) -> Result<(), ServiceError> {
        if self.sees_all() {
            return self.may(verb, ALL);
        }
        Err(ServiceError::NotOperator { caller: self.name.clone() })
    }

    /// Returns the projects that a list may show. `None` means all projects.
    pub(crate) fn visible(&self) -> Option<Vec<String>> {
        (!self.sees_all()).then(|| self.projects.clone())
    }

    fn sees_all(&self) -> bool {
        self.projects.iter().any(|project| project == ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::caller;

    #[test]
    fn a_right_is_of_a_verb_in_a_project() {
        let reader = caller("reader", &["shop"], &[Verb::Read]);
        reader.may(Verb::Read, "shop").unwrap();
        for (verb, project, message) in [
            (Verb::Deploy, "shop", "reader lacks the verb \"deploy\" in project `shop`"),
            (Verb::Secrets, "shop", "reader lacks the verb \"secrets\" in project `shop`"),
            (Verb::Read, "other", "reader lacks the verb \"read\" in project `other`"),
            (Verb::Read, "*", "reader lacks the verb \"read\" in project `*`"),
        ] {
            let error = reader.may(verb, project).unwrap_err();
            assert_eq!((error.reason(), &*error.to_string()), ("permission-denied", message));
        }
        assert_eq!(reader.visible(), Some(vec!["shop".into()]));
    }

    #[test]
    fn an_operator_has_its_verbs_in_all_projects_and_in_none() {
        let operator = caller("operator", &["*"], &[Verb::Read]);
        operator.may(Verb::Read, "any").unwrap();
        operator.may_operate(Verb::Read).unwrap();
        assert_eq!(operator.visible(), None);
        let error = operator.may_operate(Verb::Deploy).unwrap_err().to_string();
        assert_eq!(error, "operator lacks the verb \"deploy\" in project `*`");
        let reader = caller("reader", &["shop"], &[Verb::Read, Verb::Deploy]);
        let error = reader.may_operate(Verb::Read).unwrap_err().to_string();
        assert_eq!(error, "reader is no operator of all projects");
        for verb in Verb::ALL {
            Caller::with_all_rights("uid:0".into()).may_operate(verb).unwrap();
        }
    }
}
