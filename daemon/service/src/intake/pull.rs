//! Pull requests: each gets a preview of its own, which ends with it.
//!
//! The commit comes from the forge's ref of the pull request in the configured repository, and so does the proof that it
//! is no fork: a branch of that repository leads to the very commit. A fork's job waits for an approval before anything of
//! it is fetched, also where its commit would be compared.

use super::{
    PULL,
    accept::Cause,
    fork, nothing,
    pass::{Decided, ForTrigger, One, Passed, Repository, already, no_match, refused},
    triggers_of,
};
use crate::{
    error::ServiceError,
    preview_push::{NewPreview, PullOrigin},
    previews::Ending,
    services::Services,
    source::SourceRequest,
};
use std::collections::BTreeMap;
use windlass_model::{
    app::App,
    delivery::{PullAction, PullMove, Verdict, VerdictOutcome},
    job::{Commit, Gate},
    preview::{PreviewRecord, PreviewState, environment},
    project::{Forks, PullRule, TriggerSpec, matches_pull, touched},
};

/// Characters of a commit's id that a forge gives at least.
const SHORTEST: usize = 12;

/// Commit at the head of a pull request, as the repository has it.
enum Head<'a> {
    /// A branch of the repository leads to the commit.
    Own { commit: &'a str, branch: &'a str },
    /// No branch does.
    Fork { commit: &'a str },
    /// It is not the one that was reported, and may not be visible yet.
    NotYet,
    /// The repository has no such pull request.
    Gone,
}

impl Services {
    /// Decides a change of a pull request, for all triggers of its repository.
    pub(super) async fn decided_pull(
        &self,
        one: &One<'_>,
        pull: &PullMove,
    ) -> Result<Decided, ServiceError> {
        let Repository { name, project, .. } = *one.repository;
        let subject = format!("{PULL}{}", pull.number);
        let rules = triggers_of(project, name)
            .filter_map(|(trigger, spec)| spec.pull.as_ref().map(|rule| (trigger, spec, rule)));
        let rules: Vec<_> = rules.collect();
        if pull.action == PullAction::Closed {
            let apps = rules.iter().map(|(_, spec, _)| spec.app.as_str());
            return self.closed(one, pull, apps.collect()).await;
        }
        if rules.is_empty() {
            let sentence = "no trigger deploys pull requests; what is merged comes as a push";
            return Ok(Decided::Verdicts(vec![nothing(&subject, "", sentence.to_owned())]));
        }
        let mut verdicts = Vec::new();
        let mut mismatches = Vec::new();
        let mut later = None;
        for (trigger, spec, rule) in rules {
            match self.decided_rule(one, pull, &subject, trigger, spec, rule).await {
                Ok(Some(ForTrigger::Verdict(verdict))) => verdicts.push(verdict),
                Ok(Some(ForTrigger::Mismatch(why))) => mismatches.push(format!("{trigger}: {why}")),
                Ok(None) => later = Some(Passed::Lags),
                Err(ServiceError::Exhausted { .. }) => later = Some(Passed::NoRoom),
                Err(error @ (ServiceError::Full(_) | ServiceError::Unavailable(_))) => {
                    return Err(error);
                }
                // A late event does not make again what the end has removed.
                Err(error) if error.reason() == "preview-closed" => {
                    verdicts.push(nothing(&subject, trigger, error.to_string()));
                }
                Err(error) => verdicts.push(refused(&error, one.delivery, &subject, trigger)),
            }
        }
        if let Some(later) = later {
            return Ok(Decided::Later(later));
        }
        if verdicts.is_empty() {
            verdicts.push(nothing(&subject, "", no_match(name, &mismatches)));
        }
        Ok(Decided::Verdicts(verdicts))
    }

    /// Asks one trigger about a pull request. `None` means that the forge does not show it yet.
    async fn decided_rule(
        &self,
        one: &One<'_>,
        pull: &PullMove,
        subject: &str,
        name: &str,
        trigger: &TriggerSpec,
        rule: &PullRule,
    ) -> Result<Option<ForTrigger>, ServiceError> {
        let Repository { spec: repository, project, refs, .. } = *one.repository;
        let verdict = |verdict: Verdict| Ok(Some(ForTrigger::Verdict(verdict)));
        let cause = Cause { delivery: one.delivery, trigger: name, name: subject };
        // A crash came between the job and the verdict.
        if let Some(known) = self.job_of(cause).await? {
            return self.made(cause, &known, &fork::note(&known)).await.map(Some);
        }
        if let Err(mismatch) = matches_pull(rule, pull) {
            return Ok(Some(ForTrigger::Mismatch(mismatch.to_string())));
        }
        let kind = repository.forge.as_ref().map(|forge| forge.kind);
        let pull_ref = kind.and_then(|kind| kind.pull_ref(pull.number));
        let last = self.deliveries.last_accepted(&project.project, name, subject).await?;
        let before = last.as_ref().map(|last| last.commit.as_str());
        let (commit, branch) = match head(pull, pull_ref.as_deref(), before, refs, one.is_patient) {
            Head::Own { commit, branch } => (commit, Some(branch)),
            Head::NotYet => return Ok(None),
            Head::Fork { commit } => match rule.forks.unwrap_or_default() {
                Forks::Never => return verdict(nothing(subject, name, fork::never(commit))),
                Forks::Approval => (commit, None),
            },
            Head::Gone => {
                let sentence = "the repository has no such pull request any more".to_owned();
                return verdict(nothing(subject, name, sentence));
            }
        };
        let environment = environment(&pull.number.to_string());
        let app = App::new(&project.project, &trigger.app, &environment)?;
        let known = self.previews.preview(&app).await?;
        let is_open = known.is_some_and(|known| known.state == PreviewState::Open);
        if let Some(last) = last.filter(|last| is_open && last.commit == commit)
            && !one.is_forced
            && !last.job.is_empty()
        {
            return verdict(already(subject, name, commit, last.job));
        }
        let rules = project.apps.get(&trigger.app).cloned().unwrap_or_default();
        let source = SourceRequest {
            repository: repository.url.clone(),
            commit: commit.to_owned(),
            branch: branch.unwrap_or_default().to_owned(),
            directory: rules.folder.clone().unwrap_or_default(),
            credential: repository.credential.clone().unwrap_or_default(),
            ..SourceRequest::default()
        };
        let (checked, _) = source.checked()?;
        // A fork's commit is fetched from the ref of the pull request, in the configured repository.
        let revision = branch.map(|branch| format!("refs/heads/{branch}")).or(pull_ref);
        let commit = Commit { revision: revision.unwrap_or_default(), ..checked };
        let is_fork = branch.is_none();
        // Once there is a preview, each push comes to it. Of a fork nothing is fetched to be compared.
        if !one.is_forced && !is_open && !is_fork && !rules.paths.is_empty() {
            let base = refs.get(&format!("refs/heads/{}", pull.into));
            if let Some(base) = base
                && !self.touches(&project.project, base, &commit, &rules.paths).await
            {
                let sentence =
                    format!("none of the files that differ from {} is in `paths`", pull.into);
                return verdict(nothing(subject, name, sentence));
            }
        }
        let origin = PullOrigin {
            repository: one.repository.name,
            number: pull.number,
            reopens: pull.action == PullAction::Reopened,
        };
        let preview = self.new_preview(&app, &commit.id, Some(origin), true).await?;
        let (preview, gates) = if is_fork {
            (preview.map(NewPreview::of_fork), vec![Gate::Clone])
        } else {
            (preview, Vec::new())
        };
        let record = self.deploy(cause, app, commit, preview, gates).await?;
        self.made(cause, &record, &fork::note(&record)).await.map(Some)
    }

    /// Returns whether a commit differs from another in files of an app. It does where that is not known.
    async fn touches(&self, project: &str, base: &str, commit: &Commit, paths: &[String]) -> bool {
        let changed = self.remotes.changed_paths(project, base, commit).await;
        changed.map_or(true, |changed| touched(paths, &changed))
    }

    /// Ends the previews of a pull request that was closed. `apps` are those that may have one.
    async fn closed(
        &self,
        one: &One<'_>,
        pull: &PullMove,
        apps: Vec<&str>,
    ) -> Result<Decided, ServiceError> {
        let Repository { name, project, .. } = *one.repository;
        let subject = format!("{PULL}{}", pull.number);
        let mut verdicts = Vec::new();
        for record in self.previews_of(&project.project, name, pull.number).await? {
            match self.close(&record, &one.delivery.id).await {
                Ok(Some((id, sentence))) => {
                    let (app, commit) = (record.app, String::new());
                    let outcome = VerdictOutcome::Job { id, app, commit };
                    let (subject, trigger) = (subject.clone(), String::new());
                    verdicts.push(Verdict { subject, trigger, outcome, sentence });
                }
                Ok(None) => {
                    let sentence = format!("the preview {} ended before", record.app);
                    verdicts.push(nothing(&subject, "", sentence));
                }
                Err(ServiceError::Exhausted { .. }) => return Ok(Decided::Later(Passed::NoRoom)),
                Err(error @ (ServiceError::Full(_) | ServiceError::Unavailable(_))) => {
                    return Err(error);
                }
                Err(error) => verdicts.push(refused(&error, one.delivery, &subject, "")),
            }
        }
        // The event of its opening may come after that of its end.
        for app in apps {
            let environment = environment(&pull.number.to_string());
            let app = App::new(&project.project, app, &environment)?;
            if self.previews.preview(&app).await?.is_none() {
                let at_ms = one.delivery.at_ms;
                let record = PreviewRecord {
                    app,
                    state: PreviewState::Closed,
                    repository: name.to_owned(),
                    number: Some(pull.number),
                    head: String::new(),
                    last_push_ms: at_ms,
                    until_ms: at_ms,
                    removal: String::new(),
                };
                self.previews.end_preview(&record, PreviewState::Closed, "").await?;
            }
        }
        if verdicts.is_empty() {
            let sentence = "the pull request was closed, and has no preview".to_owned();
            verdicts.push(nothing(&subject, "", sentence));
        }
        Ok(Decided::Verdicts(verdicts))
    }

    /// Returns the previews of a pull request.
    async fn previews_of(
        &self,
        project: &str,
        repository: &str,
        number: u64,
    ) -> Result<Vec<PreviewRecord>, ServiceError> {
        let mut all = self.previews.previews(Some(project)).await?;
        all.retain(|one| one.number == Some(number) && one.repository == repository);
        Ok(all)
    }

    /// Closes a preview, and returns the job that removes it, with a sentence. `None` means that nothing is there.
    async fn close(
        &self,
        record: &PreviewRecord,
        key: &str,
    ) -> Result<Option<(String, String)>, ServiceError> {
        if record.head.is_empty() {
            return Ok(None);
        }
        let by = "the end of the pull request";
        let ending = Ending { state: PreviewState::Closed, by, idle: false };
        if record.state != PreviewState::Open && !record.removal.is_empty() {
            // It was removed before: from now on nothing opens it but the pull request itself.
            self.previews.end_preview(record, PreviewState::Closed, "").await?;
            return Ok(None);
        }
        let removal = self.end_preview(record, &ending, key).await?;
        let sentence =
            format!("the pull request was closed: the preview {} is removed", record.app);
        Ok(removal.map(|removal| (removal.job.id, sentence)))
    }
}

/// Returns the commit at the head of a pull request. `before` is the one that was deployed last, which a forge that lags
/// may still show.
fn head<'a>(
    pull: &PullMove,
    pull_ref: Option<&str>,
    before: Option<&str>,
    refs: &'a BTreeMap<String, String>,
    is_patient: bool,
) -> Head<'a> {
    let is_head = |commit: &str| pull.head.len() >= SHORTEST && commit.starts_with(&*pull.head);
    let branches = || {
        let branch = |(name, commit): (&'a String, &'a String)| {
            Some((name.strip_prefix("refs/heads/")?, commit.as_str()))
        };
        refs.iter().filter_map(branch)
    };
    let Some(pull_ref) = pull_ref else {
        // Without a ref of its own, only a branch shows it.
        return match branches().find(|(_, commit)| is_head(commit)) {
            Some((branch, commit)) => Head::Own { commit, branch },
            None if is_patient && !pull.fork => Head::NotYet,
            None => Head::Gone,
        };
    };
    let Some(commit) = refs.get(pull_ref) else {
        return if is_patient { Head::NotYet } else { Head::Gone };
    };
    let is_old = !is_head(commit) && before == Some(commit.as_str());
    if is_patient && is_old {
        return Head::NotYet;
    }
    match branches().find(|(_, other)| other == commit) {
        Some((branch, commit)) => Head::Own { commit, branch },
        // Servers of a forge may show one of both refs before the other, and of a fork an older commit.
        None if is_patient && (!pull.fork || !is_head(commit)) => Head::NotYet,
        None => Head::Fork { commit },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_says_which_commit_it_is_and_whether_it_is_a_forks() {
        let (old, new, foreign) = ("a".repeat(40), "b".repeat(40), "c".repeat(40));
        let refs = |pairs: &[(&str, &String)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, id)| ((*name).to_owned(), (*id).clone())).collect()
        };
        let pull = |head: &str, fork| PullMove {
            number: 7,
            action: PullAction::Updated,
            head: head.into(),
            into: "main".into(),
            draft: false,
            fork,
            title: String::new(),
        };
        let shown = |pull: &PullMove, pull_ref, before, refs: &BTreeMap<_, _>, patient| match head(
            pull, pull_ref, before, refs, patient,
        ) {
            Head::Own { commit, branch } => format!("own {} {branch}", &commit[..1]),
            Head::Fork { commit } => format!("fork {}", &commit[..1]),
            Head::NotYet => "not yet".into(),
            Head::Gone => "gone".into(),
        };
        let own = Some("refs/pull/7/head");
        let here = refs(&[("refs/heads/x", &new), ("refs/pull/7/head", &new)]);
        let lags = refs(&[("refs/heads/x", &new), ("refs/pull/7/head", &old)]);
        let fork = refs(&[("refs/heads/x", &new), ("refs/pull/7/head", &foreign)]);
        let same = pull(&new, false);
        assert_eq!(shown(&same, own, None, &here, true), "own b x");
        assert_eq!(shown(&same, own, Some(&*old), &lags, true), "not yet");
        assert_eq!(shown(&same, own, None, &lags, true), "not yet");
        // What the body says of a fork changes nothing.
        assert_eq!(shown(&pull(&foreign, false), own, None, &fork, false), "fork c");
        assert_eq!(shown(&pull(&foreign, true), own, None, &fork, true), "fork c");
        assert_eq!(shown(&pull(&new, true), own, None, &here, true), "own b x");
        // An approval is asked of the newest commit, and not of one that a server still shows.
        assert_eq!(shown(&pull(&old, true), own, None, &fork, true), "not yet");
        assert_eq!(shown(&pull(&old, true), own, None, &fork, false), "fork c");
        assert_eq!(shown(&same, own, None, &refs(&[]), true), "not yet");
        assert_eq!(shown(&same, own, None, &refs(&[]), false), "gone");
        // Bitbucket Cloud has no such ref, and shortens ids.
        assert_eq!(shown(&pull(&new[..12], false), None, None, &here, false), "own b x");
        assert_eq!(shown(&pull("", false), None, None, &here, false), "gone");
    }
}
