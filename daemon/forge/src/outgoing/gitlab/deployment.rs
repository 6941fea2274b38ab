//! Deployments of GitLab. They have no mark of ours: the newest of the environment is continued while it is of the same
//! commit and has not ended.

use super::request::meaning;
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

/// Deployments of the environment that are looked at.
const LOOKED_AT: &str = "5";

struct Deployment {
    login: Login,
    deployments: Url,
    state: CommitState,
    is_listed: bool,
}

/// Returns the conversation that sets the state of a deployment.
pub(crate) fn deployment(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    state.id()?;
    let deployments = place.url(["projects", &place.full_name(), "deployments"]);
    let (login, state) = (login.clone(), state.clone());
    Ok(Box::new(Deployment { login, deployments, state, is_listed: false }))
}

impl Exchange for Deployment {
    fn first(&self) -> Call {
        list(&self.deployments, &self.login, &self.state)
    }

    fn read(&mut self, answer: &Answer, now_ms: u64) -> Next {
        if self.is_listed || !answer.is_success() {
            return Next::End(meaning(answer, now_ms));
        }
        self.is_listed = true;
        let list = answer.json();
        let is_same = |one: &&Value| one["sha"] == *self.state.commit;
        let newest = list.as_array().and_then(|list| list.iter().find(is_same));
        let known = newest.and_then(|one| Some((one["id"].as_u64()?, one["status"].as_str()?)));
        let word = word(self.state.moment);
        match known {
            // An answer was lost.
            Some((_, status)) if status == word => Next::End(Meaning::Done),
            // GitLab has no state for what waits, and none goes back.
            Some((_, "created" | "running")) if self.state.moment == Moment::Held => {
                Next::End(Meaning::Done)
            }
            Some((id, "created" | "running")) => Next::Send(Box::new(self.update(id))),
            _ => Next::Send(Box::new(self.make())),
        }
    }
}

/// Returns the request for the deployments of an environment, the newest first.
pub(super) fn list(deployments: &Url, login: &Login, state: &CommitState) -> Call {
    let mut url = deployments.clone();
    url.query_pairs_mut()
        .append_pair("environment", &state.name)
        .append_pair("order_by", "id")
        .append_pair("sort", "desc")
        .append_pair("per_page", LOOKED_AT);
    Call::get(url).with(login.header())
}

impl Deployment {
    fn make(&self) -> Call {
        let body = serde_json::json!({
            "environment": self.state.name,
            "sha": self.state.commit,
            // It is required.
            "ref": self.state.branch.as_deref().unwrap_or(&self.state.commit),
            "tag": false,
            "status": word(self.state.moment),
        });
        Call::json(Method::POST, self.deployments.clone(), &body).with(self.login.header())
    }

    fn update(&self, id: u64) -> Call {
        let mut url = self.deployments.clone();
        // It is an HTTP URL, which has segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&id.to_string());
        }
        let body = serde_json::json!({ "status": word(self.state.moment) });
        Call::json(Method::PUT, url, &body).with(self.login.header())
    }
}

fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Queued | Moment::Held => "created",
        Moment::Running | Moment::Approved => "running",
        Moment::Succeeded => "success",
        Moment::Failed => "failed",
        Moment::Stopped => "canceled",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::{call::tests::answer, report::tests::state};
    use serde_json::json;
    use windlass_model::forge::ForgeKind;

    #[test]
    fn a_deployment_is_continued_until_it_has_ended() {
        let commit = "a".repeat(40);
        let of = |status: &str| json!([{ "id": 9, "sha": commit, "status": status }]).to_string();
        let other = json!([{ "id": 8, "sha": "b".repeat(40), "status": "running" }]).to_string();
        let place =
            Place::new(ForgeKind::Gitlab, "https://g.example/api/v4", "https://g.example/a/b");
        let place = place.unwrap();
        let login = Login::new(ForgeKind::Gitlab, "t0ken").unwrap();
        for (moment, list, expected) in [
            (Moment::Queued, "[]".to_owned(), Some(Method::POST)),
            (Moment::Running, of("created"), Some(Method::PUT)),
            (Moment::Running, of("running"), None),
            (Moment::Held, of("running"), None),
            (Moment::Held, of("success"), Some(Method::POST)),
            (Moment::Approved, of("running"), None),
            (Moment::Succeeded, of("running"), Some(Method::PUT)),
            (Moment::Succeeded, of("success"), None),
            // Another job of the same commit.
            (Moment::Queued, of("success"), Some(Method::POST)),
            (Moment::Running, other, Some(Method::POST)),
        ] {
            let mut exchange = deployment(&place, &login, &state(moment)).unwrap();
            let sent = match exchange.read(&answer(200, &[], &list), 0) {
                Next::Send(call) => Some(call.method),
                Next::End(_) => None,
            };
            assert_eq!(sent, expected, "{moment:?} after {list}");
        }
    }
}
