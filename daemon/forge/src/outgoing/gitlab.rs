//! Commit statuses and Deployments of GitLab.

mod deployment;
mod deployment_end;
mod request;

pub(crate) use deployment::deployment;
pub(crate) use deployment_end::deployment_end;

use super::{
    call::{Answer, Call, Exchange, Next, Unsendable},
    login::Login,
    place::Place,
    report::CommitState,
};
use http::Method;
use request::{DESCRIPTION, meaning};
use serde_json::Value;
use url::Url;
use windlass_model::outbox::Moment;

/// Statuses of a commit that are looked at for the pipeline of ours. They have our name.
const LOOKED_AT: &str = "20";

/// State of GitLab from which no status goes back to `pending`.
const RUNNING: &str = "running";

/// A status. It stands in a pipeline, and GitLab puts it into the newest of the commit: a state that follows is sent
/// with the pipeline of the state before.
struct Status {
    login: Login,
    /// Address that lists statuses. `None` means that there is none before.
    list: Option<Url>,
    set: Url,
    state: CommitState,
    is_listed: bool,
}

/// Returns the conversation that sets a status.
pub(crate) fn status(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    let (project, commit) = (place.full_name(), state.id()?);
    let set = place.url(["projects", &project, "statuses", commit]);
    let mut list = place.url(["projects", &project, "repository", "commits", commit, "statuses"]);
    list.query_pairs_mut().append_pair("name", &state.name).append_pair("per_page", LOOKED_AT);
    let list = Some(list).filter(|_| state.moment != Moment::Queued);
    let (login, state) = (login.clone(), state.clone());
    Ok(Box::new(Status { login, list, set, state, is_listed: false }))
}

impl Exchange for Status {
    fn first(&self) -> Call {
        match &self.list {
            Some(list) => Call::get(list.clone()).with(self.login.header()),
            None => self.set(None),
        }
    }

    fn read(&mut self, answer: &Answer, now_ms: u64) -> Next {
        if self.is_listed || self.list.is_none() {
            return Next::End(meaning(answer, now_ms));
        }
        self.is_listed = true;
        // A token that may not list may still set.
        if !answer.is_success() && answer.status != 403 {
            return Next::End(meaning(answer, now_ms));
        }
        let list = answer.json();
        Next::Send(Box::new(self.set(newest(&list, &self.state.name))))
    }
}

impl Status {
    /// Returns the request for the state. `before` is the status that there is.
    fn set(&self, before: Option<&Value>) -> Call {
        let pipeline = before.and_then(|before| before["pipeline_id"].as_u64());
        // What runs and waits for an approval goes on to run here: GitLab refuses a lower state.
        let is_running = before.is_some_and(|before| before["status"] == RUNNING);
        let word = match self.state.moment {
            Moment::Held if is_running => RUNNING,
            moment => word(moment),
        };
        let mut body = serde_json::json!({
            "state": word,
            "name": self.state.name,
            "description": self.state.line(DESCRIPTION),
        });
        if let Some(fields) = body.as_object_mut() {
            let link = self.state.link.as_deref().map(Value::from);
            let branch = self.state.branch.as_deref().map(Value::from);
            let known =
                [("target_url", link), ("ref", branch), ("pipeline_id", pipeline.map(Value::from))];
            let known =
                known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            fields.extend(known);
        }
        Call::json(Method::POST, self.set.clone(), &body).with(self.login.header())
    }
}

/// Returns the newest status with a name. `None` means that there is none.
fn newest<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    let named = list.as_array()?.iter().filter(|one| one["name"] == name);
    named.max_by_key(|one| one["id"].as_u64())
}

fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Queued | Moment::Held => "pending",
        Moment::Running | Moment::Approved => RUNNING,
        Moment::Succeeded => "success",
        Moment::Failed => "failed",
        Moment::Stopped => "canceled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::{
        call::{Meaning, tests::answer},
        report::tests::state,
    };
    use serde_json::json;
    use windlass_model::forge::ForgeKind;

    fn begun(moment: Moment) -> Box<dyn Exchange> {
        let (api, url) = ("https://gitlab.com/api/v4", "https://gitlab.com/a/b/c.git");
        let place = Place::new(ForgeKind::Gitlab, api, url).unwrap();
        let login = Login::new(ForgeKind::Gitlab, "t0ken").unwrap();
        status(&place, &login, &state(moment)).unwrap()
    }

    #[test]
    fn the_first_state_is_posted_at_once() {
        let mut exchange = begun(Moment::Queued);
        let call = exchange.first();
        let commit = "a".repeat(40);
        let expected = format!("https://gitlab.com/api/v4/projects/a%2Fb%2Fc/statuses/{commit}");
        assert_eq!((&call.method, call.url.as_str()), (&Method::POST, &*expected));
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!((&body["state"], &body["ref"]), (&json!("pending"), &json!("main")));
        assert!(matches!(exchange.read(&answer(201, &[], "{}"), 0), Next::End(Meaning::Done)));
    }

    #[test]
    fn a_later_state_goes_to_the_pipeline_of_the_one_before() {
        let mut exchange = begun(Moment::Succeeded);
        assert_eq!(exchange.first().method, Method::GET);
        let list = json!([
            { "id": 5, "name": "windlass/web/production", "pipeline_id": 50 },
            { "id": 6, "name": "windlass/web/production", "pipeline_id": 60 },
            { "id": 7, "name": "build", "pipeline_id": 70 },
        ]);
        let next = exchange.read(&answer(200, &[], &list.to_string()), 0);
        let Next::Send(call) = next else { panic!("{next:?}") };
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!((&body["state"], &body["pipeline_id"]), (&json!("success"), &json!(60)));
        assert!(matches!(exchange.read(&answer(201, &[], "{}"), 0), Next::End(Meaning::Done)));
    }

    #[test]
    fn what_waits_for_an_approval_never_goes_back_from_running() {
        for (before, expected) in [
            (json!([]), "pending"),
            (
                json!([{ "id": 5, "name": "windlass/web/production", "status": "pending" }]),
                "pending",
            ),
            (
                json!([{ "id": 5, "name": "windlass/web/production", "status": "running" }]),
                "running",
            ),
            (json!([{ "id": 5, "name": "build", "status": "running" }]), "pending"),
            // Of an earlier job.
            (
                json!([{ "id": 5, "name": "windlass/web/production", "status": "success" }]),
                "pending",
            ),
        ] {
            let mut exchange = begun(Moment::Held);
            let next = exchange.read(&answer(200, &[], &before.to_string()), 0);
            let Next::Send(call) = next else { panic!("{next:?}") };
            let body: Value = serde_json::from_slice(&call.body).unwrap();
            assert_eq!(body["state"], expected, "{before}");
        }
    }

    #[test]
    fn a_repeat_counts_as_done_and_a_commit_of_a_fork_as_void() {
        let repeat = r#"{"message":"Cannot transition status via :enqueue from :pending"}"#;
        let fork = r#"{"message":"404 Commit Not Found"}"#;
        let project = r#"{"message":"404 Project Not Found"}"#;
        let mut exchange = begun(Moment::Queued);
        let mut read = |status, body: &str| match exchange.read(&answer(status, &[], body), 0) {
            Next::End(meaning) => meaning,
            Next::Send(call) => panic!("{call:?}"),
        };
        assert_eq!(read(400, repeat), Meaning::Done);
        assert!(matches!(read(404, fork), Meaning::Void(_)));
        assert!(matches!(read(404, project), Meaning::Refused(_)));
        assert!(matches!(read(400, r#"{"message":"bad state"}"#), Meaning::Refused(_)));
    }
}
