//! End of GitHub's Deployments of a commit whose app was removed: they become `inactive`.
//!
//! The commit may have been deployed several times, and GitHub makes earlier deployments inactive by itself in no
//! environment of production. So the newest ones of earlier jobs are all set.

use super::{
    deployment::{job_of, list, set_state},
    request::meaning,
};
use crate::outgoing::{
    call::{Answer, Call, Exchange, Meaning, Next, Unsendable},
    login::Login,
    place::Place,
    report::CommitState,
};
use serde_json::Value;
use url::Url;

/// Deployments that are set. One attempt has so many requests beside the list.
const MOST: usize = 3;

struct DeploymentEnd {
    login: Login,
    deployments: Url,
    state: CommitState,
    is_listed: bool,
    /// Ids of deployments that are still to be set, the next one last.
    left: Vec<u64>,
}

/// Returns the conversation that ends the deployments of a commit in an environment.
pub(crate) fn deployment_end(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    state.id()?;
    let (owner, name) = place.owner_and_name();
    let deployments = place.url(["repos", owner, name, "deployments"]);
    let (login, state) = (login.clone(), state.clone());
    Ok(Box::new(DeploymentEnd { login, deployments, state, is_listed: false, left: Vec::new() }))
}

impl Exchange for DeploymentEnd {
    fn first(&self) -> Call {
        list(&self.deployments, &self.login, &self.state)
    }

    fn read(&mut self, answer: &Answer, now_ms: u64) -> Next {
        if !answer.is_success() {
            return Next::End(meaning(answer, now_ms));
        }
        if !self.is_listed {
            self.is_listed = true;
            self.left = self.earlier(&answer.json());
            if self.left.is_empty() {
                let why = "GitHub has no deployment of this commit that Windlass made".to_owned();
                return Next::End(Meaning::Void(why));
            }
        }
        match self.left.pop() {
            Some(id) => {
                let call = set_state(&self.deployments, &self.login, &self.state, id, "inactive");
                Next::Send(Box::new(call))
            }
            None => Next::End(Meaning::Done),
        }
    }
}

impl DeploymentEnd {
    /// Returns the ids of the newest deployments of jobs before the removal, the newest last. Ids of jobs sort by age.
    fn earlier(&self, list: &Value) -> Vec<u64> {
        let is_earlier = |one: &&Value| job_of(one).is_some_and(|job| *job < *self.state.job);
        let all = list.as_array().into_iter().flatten().filter(is_earlier);
        let mut ids: Vec<_> = all.filter_map(|one| one.get("id")?.as_u64()).take(MOST).collect();
        ids.reverse();
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::{call::tests::answer, report::tests::state};
    use http::Method;
    use windlass_model::{forge::ForgeKind, outbox::Moment};

    fn begun() -> Box<dyn Exchange> {
        let (api, url) = ("https://api.github.com", "https://github.com/acme/shop");
        let place = Place::new(ForgeKind::Github, api, url).unwrap();
        let login = Login::new(ForgeKind::Github, "t0ken").unwrap();
        let state = CommitState { name: "web/production".into(), ..state(Moment::Succeeded) };
        deployment_end(&place, &login, &state).unwrap()
    }

    #[test]
    fn all_deployments_of_earlier_jobs_become_inactive_the_newest_first() {
        let mut exchange = begun();
        let list = exchange.first();
        let commit = "a".repeat(40);
        let query =
            format!("sha={commit}&environment=web%2Fproduction&task=deploy%3Awindlass&per_page=5");
        assert_eq!((&list.method, list.url.query()), (&Method::GET, Some(&*query)));
        // The state's own job, 7, is the removal. 8 deployed again since then, and others are not ours.
        let found = r#"[{"id":48,"payload":{"windlass_job":"8"}},{"id":46,"payload":{"windlass_job":"6"}},
            {"id":45,"payload":""},{"id":44,"payload":{"windlass_job":"4"}}]"#;
        let mut next = exchange.read(&answer(200, &[], found), 0);
        let mut set = Vec::new();
        while let Next::Send(call) = next {
            let body: Value = serde_json::from_slice(&call.body).unwrap();
            assert_eq!((&call.method, &body["state"]), (&Method::POST, &"inactive".into()));
            set.push(call.url.path().to_owned());
            next = exchange.read(&answer(201, &[], "{}"), 0);
        }
        let path = |id: u64| format!("/repos/acme/shop/deployments/{id}/statuses");
        assert_eq!(set, [path(46), path(44)]);
        assert!(matches!(next, Next::End(Meaning::Done)), "{next:?}");
    }

    #[test]
    fn an_attempt_has_no_more_requests_than_it_may() {
        let all: Vec<_> = (1..=6)
            .map(|id| serde_json::json!({ "id": id, "payload": { "windlass_job": "6" } }))
            .collect();
        let mut exchange = begun();
        let mut next = exchange.read(&answer(200, &[], &Value::from(all).to_string()), 0);
        let mut count = 0;
        while matches!(next, Next::Send(_)) {
            count += 1;
            next = exchange.read(&answer(201, &[], "{}"), 0);
        }
        assert_eq!(count, MOST);
    }

    #[test]
    fn where_nothing_was_deployed_nothing_is_made() {
        for list in ["[]", "<html>", "[null]", r#"[{"id":1,"payload":{"windlass_job":"9"}}]"#] {
            let next = begun().read(&answer(200, &[], list), 0);
            assert!(matches!(next, Next::End(Meaning::Void(_))), "{list}: {next:?}");
        }
        let next = begun().read(&answer(403, &[("retry-after", "60")], "{}"), 0);
        assert!(matches!(next, Next::End(Meaning::RateLimited { .. })), "{next:?}");
    }
}
