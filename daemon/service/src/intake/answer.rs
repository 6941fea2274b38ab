//! Answer of one trigger about one ref: deploys it, or why not.

use crate::{error::ServiceError, services::Services, source::SourceRequest};
use windlass_model::{
    app::App,
    delivery::RefMove,
    job::Commit,
    project::{ProjectSpec, RepositorySpec, TriggerSpec, is_newer, matches, touched},
};

/// A ref that a trigger is asked about.
pub(super) struct Question<'a> {
    pub(super) project: &'a ProjectSpec,
    pub(super) repository: &'a RepositorySpec,
    /// Name of the trigger.
    pub(super) name: &'a str,
    pub(super) trigger: &'a TriggerSpec,
    /// The move, with the commit that the repository shows.
    pub(super) moved: &'a RefMove,
    pub(super) commit: &'a str,
    /// Somebody asked for this ref: what serves already, path filters and `auto-deploy` do not count.
    pub(super) is_forced: bool,
}

/// Answer of a trigger.
#[derive(Debug)]
pub(super) enum Answer {
    /// The ref is to be deployed.
    Deploy {
        app: App,
        commit: Box<Commit>,
        /// Reason for which no path filter was applied, for people. Empty means that there is none to name.
        note: String,
    },
    /// The ref is not for this trigger.
    Mismatch(String),
    /// The ref is for this trigger, and nothing is to be deployed.
    Nothing(String),
}

/// Answer of a path filter.
enum Filtered {
    /// Deploys, with a note for people.
    Deploy(String),
    Nothing(String),
}

impl Services {
    /// Returns whether a trigger deploys a ref.
    ///
    /// # Errors
    /// [`ServiceError`] for what somebody has to mend, or for a store that fails.
    pub(super) async fn answer(&self, question: &Question<'_>) -> Result<Answer, ServiceError> {
        let Question { project, name, trigger, moved, commit, is_forced, .. } = *question;
        if let Err(mismatch) = matches(trigger, moved) {
            // A mark in the commit's message is no mismatch: the same ref without it would be deployed.
            let (summary, skips_checks) = (String::new(), false);
            let unmarked = RefMove { summary, skips_checks, ..moved.clone() };
            let why = mismatch.to_string();
            let is_marked = matches(trigger, &unmarked).is_ok();
            return Ok(if is_marked { Answer::Nothing(why) } else { Answer::Mismatch(why) });
        }
        let environment = trigger.environment.as_deref().unwrap_or_default();
        let app = App::new(&project.project, &trigger.app, environment)?;
        let rules = project.environments.get(&app.environment);
        if !is_forced && rules.and_then(|rules| rules.auto_deploy) == Some(false) {
            let environment = &app.environment;
            return Ok(Answer::Nothing(format!(
                "`auto-deploy` is off in environment {environment}"
            )));
        }
        if let Some(why) = self.older(question).await? {
            return Ok(Answer::Nothing(why));
        }
        let spec = project.apps.get(&trigger.app).cloned().unwrap_or_default();
        let source = SourceRequest {
            repository: question.repository.url.clone(),
            commit: commit.to_owned(),
            branch: moved.branch().unwrap_or_default().to_owned(),
            directory: spec.folder.clone().unwrap_or_default(),
            credential: question.repository.credential.clone().unwrap_or_default(),
            ..SourceRequest::default()
        };
        let (checked, _) = source.checked()?;
        let commit = Commit { revision: moved.name.clone(), ..checked };
        // A tag is a wish to deploy, whatever it changes.
        if is_forced || spec.paths.is_empty() || moved.tag().is_some() {
            return Ok(Answer::Deploy { app, commit: Box::new(commit), note: String::new() });
        }
        tracing::debug!(%app, trigger = name, "the path filter is asked");
        Ok(match self.filtered(&app, &commit, &spec.paths).await? {
            Filtered::Deploy(note) => Answer::Deploy { app, commit: Box::new(commit), note },
            Filtered::Nothing(why) => Answer::Nothing(why),
        })
    }

    /// Returns why a tag is not newer than one that the trigger has seen. `None` means that it is, or that it may be
    /// older.
    async fn older(&self, question: &Question<'_>) -> Result<Option<String>, ServiceError> {
        let rule = question.trigger.tag.as_ref().and_then(|rule| rule.only_newer);
        let (Some(true), Some(tag)) = (rule, question.moved.tag()) else { return Ok(None) };
        let seen = self.deliveries.accepted_by(&question.project.project, question.name).await?;
        let tags = seen.iter().filter_map(|accepted| accepted.name.strip_prefix("refs/tags/"));
        let others: Vec<_> = tags.filter(|other| *other != tag).collect();
        let why = match is_newer(tag, &others) {
            Some(true) => return Ok(None),
            None => format!("{tag} is no version, and `only-newer` is on"),
            Some(false) => {
                let higher = others.iter().find(|other| is_newer(tag, &[**other]) != Some(true));
                let higher = higher.copied().unwrap_or_default();
                format!("{tag} is no newer version than {higher}, and `only-newer` is on")
            }
        };
        Ok(Some(why))
    }

    /// Asks whether the app's files differ from those that serve, in any of its clusters.
    async fn filtered(
        &self,
        app: &App,
        commit: &Commit,
        paths: &[String],
    ) -> Result<Filtered, ServiceError> {
        let mut baselines = Vec::new();
        for cluster in self.clusters(app, &[], None).await?.names {
            let Some(release) = self.releases.last_release(app, &cluster).await? else {
                return Ok(Filtered::Deploy("nothing of the app serves yet".into()));
            };
            if self.repository_of(&release).await.is_some_and(|url| url != commit.repository) {
                return Ok(Filtered::Deploy("what serves is of another repository".into()));
            }
            if !baselines.contains(&release.commit) {
                baselines.push(release.commit);
            }
        }
        let mut sentences = Vec::new();
        for baseline in baselines {
            let short: String = baseline.chars().take(12).collect();
            if baseline == commit.id {
                sentences.push(format!("commit {short} serves"));
                continue;
            }
            let changed = self.remotes.changed_paths(&app.project, &baseline, commit).await;
            match changed {
                Err(diagnosis) => {
                    let what = diagnosis.what;
                    return Ok(Filtered::Deploy(format!(
                        "the files that changed since {short}, which serves, are not known: {what}"
                    )));
                }
                Ok(changed) if touched(paths, &changed) => {
                    return Ok(Filtered::Deploy(String::new()));
                }
                Ok(changed) => sentences.push(format!(
                    "{} files changed since {short}, which serves, and none of them is in `paths`",
                    changed.len()
                )),
            }
        }
        Ok(Filtered::Nothing(sentences.join("; ")))
    }
}
