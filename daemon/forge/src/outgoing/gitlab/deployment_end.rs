//! End of GitLab's environment of an app that was removed: it is stopped. Its deployments have no state for that.
//!
//! The environment is one for all commits. So the newest deployment is looked at first: if it is of another commit,
//! something else was deployed since then, or another message says the same.

use super::{deployment::list, request::meaning};
use crate::outgoing::{
    call::{Answer, Call, Exchange, Meaning, Next, Unsendable},
    login::Login,
    place::Place,
    report::CommitState,
};
use http::Method;
use serde_json::{Value, json};
use url::Url;

/// Step of the conversation.
enum Step {
    /// Asks for the newest deployment.
    Deployments,
    /// Asks for the environment's id.
    Find,
    /// Stops the environment.
    Stop,
}

struct DeploymentEnd {
    step: Step,
    login: Login,
    deployments: Url,
    environments: Url,
    state: CommitState,
}

/// Returns the conversation that stops the environment in which a commit was deployed last.
pub(crate) fn deployment_end(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    state.id()?;
    let project = place.full_name();
    let deployments = place.url(["projects", &project, "deployments"]);
    let environments = place.url(["projects", &project, "environments"]);
    let (login, state) = (login.clone(), state.clone());
    let step = Step::Deployments;
    Ok(Box::new(DeploymentEnd { step, login, deployments, environments, state }))
}

impl Exchange for DeploymentEnd {
    fn first(&self) -> Call {
        list(&self.deployments, &self.login, &self.state)
    }

    fn read(&mut self, answer: &Answer, now_ms: u64) -> Next {
        if !answer.is_success() {
            return Next::End(meaning(answer, now_ms));
        }
        match self.step {
            Step::Deployments => self.read_deployments(&answer.json()),
            Step::Find => self.read_environments(&answer.json()),
            Step::Stop => Next::End(Meaning::Done),
        }
    }
}

impl DeploymentEnd {
    fn read_deployments(&mut self, list: &Value) -> Next {
        let void = |why: &str| Next::End(Meaning::Void(why.to_owned()));
        let came = |one: &&Value| !matches!(one["status"].as_str(), Some("failed" | "canceled"));
        match list.as_array().and_then(|list| list.iter().find(came)) {
            None => void("GitLab has no deployment in this environment"),
            Some(newest) if newest["sha"] != *self.state.commit => {
                void("the newest deployment in this environment is of another commit")
            }
            Some(_) => {
                self.step = Step::Find;
                let mut url = self.environments.clone();
                url.query_pairs_mut().append_pair("name", &self.state.name);
                Next::Send(Box::new(Call::get(url).with(self.login.header())))
            }
        }
    }

    fn read_environments(&mut self, list: &Value) -> Next {
        let is_it = |one: &&Value| one["name"] == *self.state.name;
        let found = list.as_array().and_then(|list| list.iter().find(is_it));
        let Some(id) = found.and_then(|one| one["id"].as_u64()) else {
            let why = "GitLab has no such environment any more".to_owned();
            return Next::End(Meaning::Void(why));
        };
        let state = found.and_then(|one| one["state"].as_str());
        if matches!(state, Some("stopped" | "stopping")) {
            return Next::End(Meaning::Done);
        }
        self.step = Step::Stop;
        let mut url = self.environments.clone();
        // It is an HTTP URL, which has segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&id.to_string()).push("stop");
        }
        let call = Call::json(Method::POST, url, &json!({})).with(self.login.header());
        Next::Send(Box::new(call))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::{call::tests::answer, report::tests::state};
    use windlass_model::{forge::ForgeKind, outbox::Moment};

    fn begun() -> Box<dyn Exchange> {
        let (api, url) = ("https://g.example/api/v4", "https://g.example/a/b");
        let place = Place::new(ForgeKind::Gitlab, api, url).unwrap();
        let login = Login::new(ForgeKind::Gitlab, "t0ken").unwrap();
        let state = CommitState { name: "web/pr-7".into(), ..state(Moment::Succeeded) };
        deployment_end(&place, &login, &state).unwrap()
    }

    fn sent(next: Next) -> Call {
        match next {
            Next::Send(call) => *call,
            Next::End(meaning) => panic!("{meaning:?}"),
        }
    }

    fn deployments(all: &[(&str, &str)]) -> Answer {
        let all = all
            .iter()
            .map(|(letter, status)| json!({ "id": 9, "sha": letter.repeat(40), "status": status }));
        answer(200, &[], &Value::from_iter(all).to_string())
    }

    #[test]
    fn the_environment_is_found_by_its_name_and_stopped() {
        let mut exchange = begun();
        let list = exchange.first();
        let query = "environment=web%2Fpr-7&order_by=id&sort=desc&per_page=5";
        assert_eq!(list.url.query(), Some(query));
        // One that failed since then left the one before as it was.
        let newest = deployments(&[("b", "failed"), ("a", "success"), ("c", "success")]);
        let find = sent(exchange.read(&newest, 0));
        assert_eq!(find.url.path(), "/api/v4/projects/a%2Fb/environments");
        assert_eq!(find.url.query(), Some("name=web%2Fpr-7"));
        let found = r#"[{"id":33,"name":"web/pr-7","slug":"web-pr-7","state":"available"}]"#;
        let stop = sent(exchange.read(&answer(200, &[], found), 0));
        assert_eq!(stop.method, Method::POST);
        assert_eq!(stop.url.path(), "/api/v4/projects/a%2Fb/environments/33/stop");
        assert_eq!(stop.url.query(), None);
        let stopped = r#"{"id":33,"name":"web/pr-7","state":"stopped"}"#;
        let done = exchange.read(&answer(200, &[], stopped), 0);
        assert!(matches!(done, Next::End(Meaning::Done)), "{done:?}");
    }

    #[test]
    fn what_another_commit_was_deployed_to_is_not_stopped() {
        for newest in [
            deployments(&[("b", "success"), ("a", "success")]),
            deployments(&[("b", "running"), ("a", "success")]),
            deployments(&[("a", "canceled")]),
            deployments(&[]),
            answer(200, &[], "<html>"),
        ] {
            let next = begun().read(&newest, 0);
            assert!(matches!(next, Next::End(Meaning::Void(_))), "{next:?}");
        }
    }

    #[test]
    fn an_environment_that_is_stopped_or_gone_is_let_be() {
        let read = |environments: &str| {
            let mut exchange = begun();
            sent(exchange.read(&deployments(&[("a", "success")]), 0));
            match exchange.read(&answer(200, &[], environments), 0) {
                Next::End(meaning) => meaning,
                Next::Send(call) => panic!("{call:?}"),
            }
        };
        for state in ["stopped", "stopping"] {
            let list = json!([{ "id": 33, "name": "web/pr-7", "state": state }]);
            assert_eq!(read(&list.to_string()), Meaning::Done);
        }
        for list in ["[]", "{}", r#"[{"id":1,"name":"web/pr-77","state":"available"}]"#] {
            assert!(matches!(read(list), Meaning::Void(_)), "{list}");
        }
    }
}
