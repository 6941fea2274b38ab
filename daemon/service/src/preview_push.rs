//! Pushes to preview environments: what a job there is bound by, and what is recorded of it.

use crate::{error::ServiceError, services::Services};
use windlass_engine::ports::store::{PreviewPush, Previews, Pushed};
use windlass_model::{
    app::{App, label},
    clock::now_ms,
    preview::{Preview, PreviewRecord, PreviewState, environment, name_of},
};

/// Number of characters of an environment's longest name.
const LONGEST: usize = 20;

/// Environment of an app for which none is given.
const PRODUCTION: &str = "production";

/// A pull request, as the origin of a preview.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PullOrigin<'a> {
    /// Name of the repository in the project's file.
    pub(crate) repository: &'a str,
    pub(crate) number: u64,
    /// It was closed, and is open again.
    pub(crate) reopens: bool,
}

/// Part of a job that is to be accepted: the preview that it deploys to.
#[derive(Clone, Debug)]
pub(crate) struct NewPreview {
    pub(crate) push: PreviewPush,
    pub(crate) limits: Preview,
    /// Names of the project's other repositories: their pull requests have numbers of their own.
    pub(crate) rivals: Vec<String>,
}

impl NewPreview {
    /// Returns the push as one of a fork: without secrets, and with places for half as many previews, so that strangers
    /// leave some to the project's own pull requests.
    pub(crate) fn of_fork(self) -> Self {
        let Self { push, limits, rivals } = self;
        let limit = push.limit.div_ceil(2);
        Self {
            push: PreviewPush { limit, ..push },
            limits: Preview { secrets: Vec::new(), fork: true, ..limits },
            rivals,
        }
    }
}

/// Returns the app in the preview environment with this name.
pub(crate) fn preview_app(app: App, name: &str) -> Result<App, ServiceError> {
    if app.environment != PRODUCTION {
        let expected = "stands beside `preview`, which has an environment of its own: leave it out";
        return Err(ServiceError::invalid("app.environment", app.environment, expected));
    }
    let environment = environment(name);
    if label("preview", &environment, LONGEST).is_err() {
        let shown: String = name.chars().take(80).collect();
        let expected =
            "must be 1 to 17 of a-z, 0-9 and `-`, without `--` and without `-` at its ends";
        return Err(ServiceError::invalid("preview", shown, expected));
    }
    Ok(App { environment, ..app })
}

/// Records the push of a job that is about to be stored. The caller has the turn: of two at once, both would find the
/// namespace free.
pub(crate) async fn open(
    previews: &dyn Previews,
    preview: &NewPreview,
) -> Result<(), ServiceError> {
    let NewPreview { push, limits, rivals } = preview;
    let app = &push.record.app;
    if push.record.number.is_some() && !rivals.is_empty() {
        let all = previews.previews(Some(&app.project)).await?;
        // Two that shared a namespace before would name each other, and neither would be deployed any more.
        let is_open = all.iter().any(|one| {
            let is_own = one.app == *app && one.repository == push.record.repository;
            is_own && one.state == PreviewState::Open
        });
        let first = all.iter().find(|one| push.record.is_beside(one, rivals));
        if let Some(first) = first.filter(|_| !is_open) {
            return Err(taken(app, first));
        }
    }
    match previews.push_preview(push).await? {
        Pushed::Open => Ok(()),
        Pushed::Closed => Err(ServiceError::Conflict {
            reason: "preview-closed",
            message: format!("the pull request of the preview {app} is closed"),
            fix: "open the pull request again; then its next push deploys".into(),
        }),
        Pushed::Full(count) => Err(ServiceError::Conflict {
            reason: "too-many-previews",
            message: full(app, count, push.limit, limits.fork),
            fix: format!(
                "end one (windlass previews {project}; windlass remove APP), or raise `previews.limit`",
                project = app.project
            ),
        }),
    }
}

/// Checks that an app is in no preview that ended: its removal may still wait, and an earlier release would take its place
/// and stay for good.
pub(crate) async fn check_not_ended(
    previews: &dyn Previews,
    app: &App,
) -> Result<(), ServiceError> {
    if name_of(&app.environment).is_none() {
        return Ok(());
    }
    match previews.preview(app).await? {
        Some(known) if known.state != PreviewState::Open => Err(ServiceError::Conflict {
            reason: "preview-ended",
            message: format!("the preview {app} ended: its releases do not come back"),
            fix:
                "deploy a commit there: windlass submit --preview NAME, or push to its pull request"
                    .into(),
        }),
        _ => Ok(()),
    }
}

/// Returns the error for a pull request whose number has a preview of another repository.
fn taken(app: &App, first: &PreviewRecord) -> ServiceError {
    let (namespace, repository) = (app.namespace(), &first.repository);
    let number = first.number.unwrap_or_default();
    ServiceError::Conflict {
        reason: "preview-taken",
        message: format!(
            "the namespace {namespace} has the preview {} of pull request {number} of repository `{repository}`, \
             and those of two repositories do not share one",
            first.app
        ),
        fix: format!(
            "close that pull request, or deploy to a name of your own: windlass submit {}/{} --preview NAME",
            app.project, app.name
        ),
    }
}

/// Returns the URL of a repository without the end that forges take or leave.
fn bare(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url)
}

/// Returns the sentence for a project with as many previews as it may have.
fn full(app: &App, count: u32, limit: u32, is_fork: bool) -> String {
    let project = &app.project;
    if is_fork {
        format!(
            "project `{project}` has {count} previews, and forks open no more than {limit}: half of `previews.limit`"
        )
    } else {
        format!("project `{project}` has {count} previews, and `previews.limit` is {limit}")
    }
}

impl Services {
    /// Returns the preview that a job of an app deploys to. `None` means that its environment is none. `is_wished` means
    /// that the caller asks for a preview, `head` is the commit.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] for a project without previews, [`ServiceError::Invalid`] for an app that may have
    /// none.
    pub(crate) async fn new_preview(
        &self,
        app: &App,
        head: &str,
        pull: Option<PullOrigin<'_>>,
        is_wished: bool,
    ) -> Result<Option<NewPreview>, ServiceError> {
        let Some(name) = name_of(&app.environment) else { return Ok(None) };
        let project = self.projects.project(&app.project).await?.map(|record| record.spec);
        let repositories = project.as_ref().map(|spec| spec.repositories.clone());
        let Some(rules) = project.and_then(|spec| spec.previews) else {
            if !is_wished {
                return Ok(None);
            }
            return Err(ServiceError::Conflict {
                reason: "no-previews",
                message: format!("project `{}` has no previews", app.project),
                fix:
                    "add the table `[previews]` to its file: windlass project apply -f project.toml"
                        .into(),
            });
        };
        if !rules.is_for(&app.name) {
            let expected = "is none of `previews.apps` in the project's file";
            return Err(ServiceError::invalid("app.name", app.name.clone(), expected));
        }
        let known = self.previews.preview(app).await?;
        let (repository, number) = match pull {
            Some(pull) => (pull.repository.to_owned(), Some(pull.number)),
            // Of a pull request it stays, whoever deploys there.
            None => known.map(|known| (known.repository, known.number)).unwrap_or_default(),
        };
        let now = now_ms();
        let idle_ms = u64::try_from(rules.idle().as_millis()).unwrap_or(u64::MAX);
        let record = PreviewRecord {
            app: app.clone(),
            state: PreviewState::Open,
            repository,
            number,
            head: head.to_owned(),
            last_push_ms: now,
            until_ms: now.saturating_add(idle_ms),
            removal: String::new(),
        };
        let limits = Preview {
            host: rules.host_of(&app.name, name),
            secrets: rules.secrets.clone(),
            fork: false,
        };
        let repositories = repositories.unwrap_or_default();
        let own = repositories.get(&record.repository).map(|own| bare(&own.url));
        // One repository under two names has the same pull requests.
        let others = repositories.iter().filter(|(_, other)| Some(bare(&other.url)) != own);
        let rivals = others.map(|(name, _)| name.clone()).collect();
        let reopens = pull.is_some_and(|pull| pull.reopens);
        let push = PreviewPush { record, reopens, limit: rules.limit() };
        Ok(Some(NewPreview { push, limits, rivals }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_has_several_urls() {
        for url in ["https://git.example/a/web", "https://git.example/a/web.git/"] {
            assert_eq!(bare(url), "https://git.example/a/web");
        }
        assert_ne!(bare("https://git.example/a/web.git"), bare("https://git.example/a/site.git"));
    }
}
