//! Build statuses of Bitbucket Data Center. The same key takes the place of the status before.

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
    let (project, name) = place.owner_and_name();
    let path = ["projects", project, "repos", name, "commits", state.id()?, "builds"];
    let mut body = json!({
        "key": state.name,
        "state": word(state.moment),
        "name": state.name,
        "description": state.line(DESCRIPTION),
        // It is required.
        "url": state.link.as_deref().unwrap_or_else(|| place.page()),
    });
    if let (Some(fields), Some(branch)) = (body.as_object_mut(), &state.branch) {
        fields.insert("ref".into(), format!("refs/heads/{branch}").into());
    }
    let call = Call::json(Method::POST, place.url(path), &body).with(login.header());
    Ok(Box::new(Single { call, meaning: Meaning::of }))
}

fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Queued | Moment::Running | Moment::Held | Moment::Approved => "INPROGRESS",
        Moment::Succeeded => "SUCCESSFUL",
        Moment::Failed => "FAILED",
        // Bitbucket Cloud calls it STOPPED.
        Moment::Stopped => "CANCELLED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::report::tests::state;
    use windlass_model::forge::ForgeKind;

    #[test]
    fn a_status_is_posted_as_a_build_of_the_commit() {
        let (api, url) = ("https://corp/rest/api/latest", "https://corp/scm/~me/shop.git");
        let place = Place::new(ForgeKind::BitbucketServer, api, url).unwrap();
        let login = Login::new(ForgeKind::BitbucketServer, "t0ken").unwrap();
        let call = status(&place, &login, &state(Moment::Stopped)).unwrap().first();
        let commit = "a".repeat(40);
        let expected = format!("{api}/projects/~me/repos/shop/commits/{commit}/builds");
        assert_eq!(call.url.as_str(), expected);
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(
            (&body["state"], &body["ref"]),
            (&json!("CANCELLED"), &json!("refs/heads/main"))
        );
    }
}
