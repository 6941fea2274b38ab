//! Commit statuses of Gitea and Forgejo. They append: a repeat is one more line with the same state.

use super::{
    call::{Call, Exchange, Meaning, Single, Unsendable},
    login::Login,
    place::Place,
    report::CommitState,
};
use http::Method;
use serde_json::json;
use windlass_model::outbox::Moment;

/// Characters of a description.
const DESCRIPTION: usize = 255;

/// Returns the conversation that sets a status.
pub(crate) fn status(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    let (owner, name) = place.owner_and_name();
    let url = place.url(["repos", owner, name, "statuses", state.id()?]);
    let body = json!({
        "state": word(state.moment),
        "context": state.name,
        "description": state.line(DESCRIPTION),
        "target_url": state.link.as_deref().unwrap_or_default(),
    });
    let call = Call::json(Method::POST, url, &body).with(login.header());
    Ok(Box::new(Single { call, meaning: Meaning::of }))
}

fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Queued | Moment::Running | Moment::Held | Moment::Approved => "pending",
        Moment::Succeeded => "success",
        Moment::Failed => "failure",
        Moment::Stopped => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::report::tests::state;
    use windlass_model::forge::ForgeKind;

    #[test]
    fn a_status_is_posted_to_the_commit() {
        let place = Place::new(
            ForgeKind::Forgejo,
            "https://git.corp/api/v1",
            "https://git.corp/me/shop.git",
        );
        let login = Login::new(ForgeKind::Forgejo, "t0ken").unwrap();
        let call = status(&place.unwrap(), &login, &state(Moment::Stopped)).unwrap().first();
        let commit = "a".repeat(40);
        let expected = format!("https://git.corp/api/v1/repos/me/shop/statuses/{commit}");
        assert_eq!((call.method, call.url.as_str()), (Method::POST, &*expected));
        assert_eq!(call.headers["authorization"], "token t0ken");
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(
            body,
            json!({
                "state": "warning",
                "context": "windlass/web/production",
                "description": "one two",
                "target_url": "https://windlass.example/jobs/7",
            })
        );
    }
}
