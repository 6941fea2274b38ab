//! Commit statuses and Deployments of GitHub.

mod deployment;
mod deployment_end;
mod request;

pub(crate) use deployment::deployment;
pub(crate) use deployment_end::deployment_end;

use super::{
    call::{Exchange, Single, Unsendable},
    login::Login,
    place::Place,
    report::CommitState,
};
use http::Method;
use request::{DESCRIPTION, json};
pub(crate) use request::{get, meaning};
use windlass_model::outbox::Moment;

/// Returns the conversation that sets a status. The last one written wins, whatever its state.
pub(crate) fn status(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    let (owner, name) = place.owner_and_name();
    let url = place.url(["repos", owner, name, "statuses", state.id()?]);
    let body = serde_json::json!({
        "state": word(state.moment),
        "context": state.name,
        "description": state.line(DESCRIPTION),
        "target_url": state.link,
    });
    let call = json(Method::POST, url, login, &body);
    Ok(Box::new(Single { call, meaning }))
}

fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Queued | Moment::Running | Moment::Held | Moment::Approved => "pending",
        Moment::Succeeded => "success",
        Moment::Failed => "failure",
        Moment::Stopped => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::{
        call::{Meaning, Next, tests::answer},
        report::tests::state,
    };
    use windlass_model::forge::ForgeKind;

    #[test]
    fn a_status_is_posted_and_its_answers_are_read() {
        let (api, url) = ("https://api.github.com", "https://github.com/acme/shop");
        let place = Place::new(ForgeKind::Github, api, url).unwrap();
        let login = Login::new(ForgeKind::Github, &"t".repeat(500)).unwrap();
        let long =
            CommitState { description: "x".repeat(141), link: None, ..state(Moment::Stopped) };
        let mut exchange = status(&place, &login, &long).unwrap();
        let call = exchange.first();
        let commit = "a".repeat(40);
        let expected = format!("{api}/repos/acme/shop/statuses/{commit}");
        assert_eq!((&call.method, call.url.as_str()), (&Method::POST, &*expected));
        assert_eq!(call.headers["accept"], "application/vnd.github+json");
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(body["state"], "error");
        assert_eq!(body["target_url"], serde_json::Value::Null);
        assert_eq!(body["description"].as_str().unwrap().chars().count(), 140);
        let done = exchange.read(&answer(201, &[], "{}"), 0);
        assert!(matches!(done, Next::End(Meaning::Done)), "{done:?}");
    }

    #[test]
    fn a_limit_of_rates_is_no_lack_of_rights() {
        let limited = [
            answer(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "60")], "{}"),
            answer(403, &[("retry-after", "60")], "{}"),
            answer(429, &[("retry-after", "60")], "{}"),
        ];
        for answer in limited {
            let meaning = meaning(&answer, 0);
            assert!(
                matches!(meaning, Meaning::RateLimited { until_ms: Some(60_000), .. }),
                "{meaning:?}"
            );
        }
        let body = r#"{"message":"You have exceeded a secondary rate limit"}"#;
        let unnamed = meaning(&answer(403, &[], body), 0);
        assert!(matches!(unnamed, Meaning::RateLimited { until_ms: None, .. }), "{unnamed:?}");
        let body = r#"{"message":"Resource not accessible by integration"}"#;
        let remaining = [("x-ratelimit-remaining", "4999"), ("x-ratelimit-reset", "60")];
        let refused = meaning(&answer(403, &remaining, body), 0);
        assert!(matches!(refused, Meaning::Refused(_)), "{refused:?}");
    }
}
