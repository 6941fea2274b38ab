//! Deployments of GitHub: one for each job, and a status of it for each moment.
//!
//! Making one is not idempotent: a lost answer would leave two. So it is looked for first, by commit, environment, our
//! task, and the job in its payload.

use super::request::{DESCRIPTION, get, json, meaning};
use crate::outgoing::{
    call::{Answer, Call, Exchange, Meaning, Next, Unsendable},
    login::Login,
    place::Place,
    report::CommitState,
};
use http::Method;
use serde_json::Value;
use url::Url;
use windlass_model::outbox::Moment;

/// Task of our deployments, which tells them from those of others.
const TASK: &str = "deploy:windlass";

/// Field of the payload that holds the job's id.
const MARKER: &str = "windlass_job";

/// Deployments that are looked at. Those of one commit and environment are sent one after the other, so that ours is
/// the newest or was not made.
const LOOKED_AT: &str = "5";

/// Step of the conversation.
enum Step {
    Find,
    Make,
    SetState,
}

struct Deployment {
    step: Step,
    login: Login,
    deployments: Url,
    state: CommitState,
}

/// Returns the conversation that sets the state of a deployment.
pub(crate) fn deployment(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    state.id()?;
    let (owner, name) = place.owner_and_name();
    let deployments = place.url(["repos", owner, name, "deployments"]);
    let (login, state) = (login.clone(), state.clone());
    Ok(Box::new(Deployment { step: Step::Find, login, deployments, state }))
}

impl Exchange for Deployment {
    fn first(&self) -> Call {
        list(&self.deployments, &self.login, &self.state)
    }

    fn read(&mut self, answer: &Answer, now_ms: u64) -> Next {
        if !answer.is_success() {
            return Next::End(meaning(answer, now_ms));
        }
        let found = match self.step {
            Step::Find => match self.found(&answer.json()) {
                Some(found) => found,
                None => {
                    self.step = Step::Make;
                    return Next::Send(Box::new(self.make()));
                }
            },
            Step::Make => match answer.json().get("id").and_then(Value::as_u64) {
                Some(made) => made,
                None => {
                    let why = format!("{}; the answer names no deployment", answer.excerpt());
                    return Next::End(Meaning::Retry { after: None, why });
                }
            },
            Step::SetState => return Next::End(Meaning::Done),
        };
        self.step = Step::SetState;
        let word = word(self.state.moment);
        Next::Send(Box::new(set_state(&self.deployments, &self.login, &self.state, found, word)))
    }
}

/// Returns the request for the deployments of a commit in an environment that have our task, the newest first.
pub(super) fn list(deployments: &Url, login: &Login, state: &CommitState) -> Call {
    let mut url = deployments.clone();
    url.query_pairs_mut()
        .append_pair("sha", &state.commit)
        .append_pair("environment", &state.name)
        .append_pair("task", TASK)
        .append_pair("per_page", LOOKED_AT);
    get(url, login)
}

/// Returns the id of the job that made a deployment. `None` means that the deployment is not ours.
pub(super) fn job_of(deployment: &Value) -> Option<&str> {
    deployment.get("payload")?.get(MARKER)?.as_str()
}

/// Returns the request that adds a status to a deployment.
pub(super) fn set_state(
    deployments: &Url,
    login: &Login,
    state: &CommitState,
    id: u64,
    word: &str,
) -> Call {
    let mut url = deployments.clone();
    // It is an HTTP URL, which has segments.
    if let Ok(mut path) = url.path_segments_mut() {
        path.push(&id.to_string()).push("statuses");
    }
    let body = serde_json::json!({
        "state": word,
        "description": state.line(DESCRIPTION),
        "log_url": state.link.as_deref().unwrap_or_default(),
    });
    json(Method::POST, url, login, &body)
}

impl Deployment {
    /// Returns the id of the job's own deployment in a list. `None` means that there is none.
    fn found(&self, list: &Value) -> Option<u64> {
        let is_own = |one: &&Value| job_of(one) == Some(&*self.state.job);
        list.as_array()?.iter().find(is_own)?.get("id")?.as_u64()
    }

    fn make(&self) -> Call {
        let mut payload = serde_json::Map::new();
        payload.insert(MARKER.into(), self.state.job.as_str().into());
        let body = serde_json::json!({
            "ref": self.state.commit,
            "task": TASK,
            "environment": self.state.name,
            "description": self.state.line(DESCRIPTION),
            "payload": payload,
            "auto_merge": false,
            // The tests have run here: GitHub need not wait for others.
            "required_contexts": [],
            "transient_environment": false,
            // The name is `app/environment`.
            "production_environment": self.state.name.rsplit('/').next() == Some("production"),
        });
        json(Method::POST, self.deployments.clone(), &self.login, &body)
    }
}

fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Queued | Moment::Held => "queued",
        Moment::Running | Moment::Approved => "in_progress",
        Moment::Succeeded => "success",
        Moment::Failed => "failure",
        Moment::Stopped => "inactive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::{call::tests::answer, report::tests::state};
    use windlass_model::forge::ForgeKind;

    fn begun(moment: Moment) -> Box<dyn Exchange> {
        let (api, url) = ("https://api.github.com", "https://github.com/acme/shop");
        let place = Place::new(ForgeKind::Github, api, url).unwrap();
        let login = Login::new(ForgeKind::Github, "t0ken").unwrap();
        let state = CommitState { name: "web/production".into(), ..state(moment) };
        deployment(&place, &login, &state).unwrap()
    }

    fn sent(next: Next) -> Call {
        match next {
            Next::Send(call) => *call,
            Next::End(meaning) => panic!("{meaning:?}"),
        }
    }

    #[test]
    fn a_deployment_is_made_once_and_then_gets_states() {
        let mut exchange = begun(Moment::Queued);
        let list = exchange.first();
        let commit = "a".repeat(40);
        let query =
            format!("sha={commit}&environment=web%2Fproduction&task=deploy%3Awindlass&per_page=5");
        assert_eq!(list.url.query(), Some(&*query));
        let others = r#"[{"id":1,"payload":""},{"id":2,"payload":{"windlass_job":"8"}},{"id":3}]"#;
        let made = sent(exchange.read(&answer(200, &[], others), 0));
        let body: Value = serde_json::from_slice(&made.body).unwrap();
        assert_eq!(body["payload"]["windlass_job"], "7");
        assert_eq!(body["required_contexts"], serde_json::json!([]));
        assert_eq!(body["production_environment"], true);
        let state = sent(exchange.read(&answer(201, &[], r#"{"id":42}"#), 0));
        assert!(state.url.path().ends_with("/deployments/42/statuses"), "{}", state.url);
        let done = exchange.read(&answer(201, &[], "{}"), 0);
        assert!(matches!(done, Next::End(Meaning::Done)), "{done:?}");
    }

    #[test]
    fn what_was_made_before_a_lost_answer_is_found() {
        let mut exchange = begun(Moment::Stopped);
        let own = r#"[{"id":9,"payload":{"windlass_job":"7"}}]"#;
        let state = sent(exchange.read(&answer(200, &[], own), 0));
        assert!(state.url.path().ends_with("/deployments/9/statuses"), "{}", state.url);
        let body: Value = serde_json::from_slice(&state.body).unwrap();
        assert_eq!(body["state"], "inactive");
    }

    #[test]
    fn an_answer_that_makes_no_sense_ends_the_conversation() {
        for (status, body) in [(200, "<html>"), (404, "{}"), (500, ""), (200, "[null]")] {
            let mut exchange = begun(Moment::Running);
            let next = exchange.read(&answer(status, &[], body), 0);
            let next = match next {
                Next::Send(_) => exchange.read(&answer(201, &[], "[]"), 0),
                end @ Next::End(_) => end,
            };
            assert!(matches!(next, Next::End(_)), "{status} {body}: {next:?}");
        }
    }
}
