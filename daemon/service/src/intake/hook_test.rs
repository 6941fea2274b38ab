//! Test of a hook: what a push would deploy, without a push.

use super::{
    answer::{Answer, Question},
    nothing,
    pass::deployed,
    triggers_of, whole,
};
use crate::{
    caller::Caller, error::ServiceError, projects::repository_named, services::Services, verb::Verb,
};
use std::collections::BTreeMap;
use windlass_model::{
    app::label,
    delivery::{RefMove, Verdict, VerdictOutcome},
    revision::is_ref_name,
};

/// Number of characters of a project's longest name.
const LONGEST_PROJECT: usize = 30;

impl Services {
    /// Returns what each trigger of a repository would deploy from a ref as it is now. The empty repository means the
    /// project's only one. Changes nothing.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a name that no branch and no tag has, or both; [`ServiceError::Failed`] for a
    /// repository that does not answer.
    pub async fn test_hook(
        &self,
        caller: &Caller,
        project: &str,
        repository: &str,
        name: &str,
    ) -> Result<Vec<Verdict>, ServiceError> {
        label("project", project, LONGEST_PROJECT)?;
        caller.may(Verb::Read, project)?;
        let shown: String = name.chars().take(80).collect();
        if !is_ref_name(name) {
            let expected = "must be a branch, a tag or a full name such as refs/heads/main";
            return Err(ServiceError::invalid("ref", shown, expected));
        }
        let record = self.find_project(project).await?;
        let spec = &record.spec;
        let (own, repository) = repository_named(spec, repository)?;
        let whole = whole(repository);
        let tested = async {
            let refs = self.remotes.refs(project, &whole).await?;
            let (name, commit) = full_name(name, &refs)
                .map_err(|expected| ServiceError::invalid("ref", shown, expected))?;
            let after = Some(commit.clone());
            let (summary, skips_checks) = (String::new(), false);
            let moved = RefMove { name, before: None, after, summary, skips_checks };
            let mut verdicts = Vec::new();
            for (name, trigger) in triggers_of(spec, own) {
                let question = Question {
                    project: spec,
                    repository,
                    name,
                    trigger,
                    moved: &moved,
                    commit: &commit,
                    is_forced: false,
                };
                verdicts.push(self.tested(&question).await?);
            }
            if verdicts.is_empty() {
                let sentence = format!("no trigger deploys an app of repository `{own}`");
                verdicts.push(nothing(&moved.name, "", sentence));
            }
            Ok(verdicts)
        };
        self.plan_slots.run(project, tested).await
    }

    /// Returns the verdict of one trigger. What somebody has to mend is a verdict, too.
    async fn tested(&self, question: &Question<'_>) -> Result<Verdict, ServiceError> {
        let (name, trigger) = (&question.moved.name, question.name);
        let answered = async {
            let answer = self.answer(question).await?;
            if let Answer::Deploy { app, .. } = &answer {
                self.clusters(app, &[], None).await?;
            }
            Ok::<_, ServiceError>(answer)
        };
        match answered.await {
            Ok(Answer::Mismatch(why) | Answer::Nothing(why)) => Ok(nothing(name, trigger, why)),
            Ok(Answer::Deploy { app, commit, note }) => {
                Ok(deployed(name, trigger, "", &app, &commit.id, &note))
            }
            Err(error @ (ServiceError::Full(_) | ServiceError::Unavailable(_))) => Err(error),
            Err(error) => {
                let fix = error.fixes().into_iter().next().unwrap_or_default();
                let outcome = VerdictOutcome::Failed { code: error.reason().to_owned(), fix };
                let (subject, trigger) = (name.clone(), trigger.to_owned());
                Ok(Verdict { subject, trigger, outcome, sentence: error.to_string() })
            }
        }
    }
}

/// Returns the full name that a branch or a tag has, and its commit. An error is a sentence for people.
fn full_name(name: &str, refs: &BTreeMap<String, String>) -> Result<(String, String), String> {
    let found = |full: String| refs.get(&full).cloned().map(|commit| (full, commit));
    if name.starts_with("refs/") {
        return found(name.to_owned()).ok_or_else(|| "is not in the repository".to_owned());
    }
    match (found(format!("refs/heads/{name}")), found(format!("refs/tags/{name}"))) {
        (Some(_), Some(_)) => {
            Err(format!("is a branch and a tag: give refs/heads/{name} or refs/tags/{name}"))
        }
        (Some(found), None) | (None, Some(found)) => Ok(found),
        (None, None) => Err("is no branch and no tag of the repository".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_of_one_ref() {
        let refs = ["refs/heads/main", "refs/heads/v1", "refs/tags/v1", "refs/tags/v2"];
        let refs = refs.map(|name| (name.to_owned(), format!("commit of {name}"))).into();
        for (name, full) in
            [("main", "refs/heads/main"), ("v2", "refs/tags/v2"), ("refs/tags/v1", "refs/tags/v1")]
        {
            let expected = (full.to_owned(), format!("commit of {full}"));
            assert_eq!(full_name(name, &refs).unwrap(), expected);
        }
        for (name, word) in [("v1", "a branch and a tag"), ("x", "no branch"), ("refs/x", "not in")]
        {
            assert!(full_name(name, &refs).unwrap_err().contains(word), "{name}");
        }
    }
}
