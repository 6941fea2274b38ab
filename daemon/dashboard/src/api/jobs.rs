//! Jobs: lists, one, its events, and what a person may do with it.

use super::{
    answer::{Answer, Door, Page, given},
    body::{Body, Empty},
};
use crate::{
    event::{PageEvent, for_page},
    identify::Known,
    problem::Problem,
};
use axum::{
    Json,
    extract::{Path, Query, State},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use windlass_api::shown;
use windlass_model::{job::Source, replay::JobState};
use windlass_proto::v1;
use windlass_service::JobsRequest;

/// Choice of jobs, as the page's own address has it.
#[derive(Deserialize)]
pub(super) struct Choice {
    project: Option<String>,
    app: Option<String>,
    /// Words of states with commas between them.
    state: Option<String>,
    before: Option<String>,
    #[serde(default)]
    limit: u32,
}

/// A page of jobs.
#[derive(Serialize)]
pub(super) struct Jobs {
    #[serde(flatten)]
    page: Page<v1::Job>,
    unreadable: Vec<v1::UnreadableJob>,
}

/// Returns a page of jobs, newest first.
pub(super) async fn list(
    State(door): Door,
    known: Known,
    Query(choice): Query<Choice>,
) -> Answer<Jobs> {
    let request = JobsRequest {
        project: given(choice.project),
        app: given(choice.app),
        states: states(choice.state.as_deref().unwrap_or_default())?,
        before: given(choice.before),
        page_size: choice.limit,
    };
    let found = door.services.list_jobs(known.caller(), request).await?;
    let items = shown::jobs(&door.services, found.jobs);
    let unreadable = found.unreadable.into_iter().map(shown::unreadable).collect();
    Ok(Json(Jobs { page: Page { items, next: found.next }, unreadable }))
}

fn states(words: &str) -> Result<Vec<JobState>, Problem> {
    words.split(',').filter(|word| !word.is_empty()).map(state).collect()
}

fn state(word: &str) -> Result<JobState, Problem> {
    JobState::parse(word).ok_or_else(|| Problem::field("state", word, "is no state of a job"))
}

/// Returns one job.
pub(super) async fn one(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
) -> Answer<v1::Job> {
    let record = door.services.get_job(known.caller(), &id).await?;
    Ok(Json(shown::job(&door.services, record)))
}

/// Choice of events.
#[derive(Deserialize)]
pub(super) struct Events {
    /// Number of an event: only later ones are returned.
    #[serde(default)]
    after: u64,
    #[serde(default)]
    limit: u32,
}

/// A page of events, oldest first.
#[derive(Serialize)]
pub(super) struct EventPage {
    events: Vec<PageEvent>,
}

/// Returns events of a job. An empty page means that there are no more yet.
pub(super) async fn events(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
    Query(choice): Query<Events>,
) -> Answer<EventPage> {
    let Events { after, limit } = choice;
    let found = door.services.job_events(known.caller(), &id, after, limit).await?;
    Ok(Json(EventPage { events: found.into_iter().map(for_page).collect() }))
}

/// Asks a job to stop.
pub(super) async fn cancel(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
    Body(Empty {}): Body<Empty>,
) -> Answer<v1::Job> {
    let record = door.services.cancel(known.caller(), &id).await?;
    Ok(Json(shown::job(&door.services, record)))
}

/// Body of a job that is submitted again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Again {
    /// Id that the page made before it sent the request: a repeat is the same job.
    request_id: String,
}

/// Submits a job again, as it was. A removal is not: what goes by now is listed first, and asked for by name.
pub(super) async fn again(
    State(door): Door,
    known: Known,
    Path(id): Path<String>,
    Body(body): Body<Again>,
) -> Answer<v1::Job> {
    let known_job = door.services.get_job(known.caller(), &id).await?.job;
    if matches!(known_job.source, Source::Removal(_)) {
        let message = format!("job {id} removes {}, which is asked for by name", known_job.app);
        let problem = Problem::new(StatusCode::CONFLICT, "removal-needs-name", message);
        return Err(problem.with_fix("remove the app from its own page, which lists what goes"));
    }
    let record = door.services.submit_again(known.caller(), body.request_id, &id).await?;
    Ok(Json(shown::job(&door.services, record)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_the_words_of_the_api() {
        let found = states("running,,failed").unwrap();
        assert_eq!(found, [JobState::Running, JobState::Failed]);
        for state in JobState::ALL {
            assert_eq!(states(state.as_str()).unwrap(), [state]);
        }
        assert!(states("").unwrap().is_empty());
        let problem = states("Running").unwrap_err();
        assert_eq!(problem.message(), "state: `Running` is no state of a job");
    }
}
