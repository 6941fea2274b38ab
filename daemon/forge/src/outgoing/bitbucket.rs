//! Build statuses of Bitbucket Cloud. The same key takes the place of the status before.

use super::{
    call::{Call, Exchange, Meaning, Single, Unsendable},
    login::Login,
    place::Place,
    report::CommitState,
};
use http::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use windlass_model::outbox::Moment;

/// Characters of a description.
const DESCRIPTION: usize = 255;

/// Characters of a key.
const KEY: usize = 40;

/// Returns the conversation that sets a status.
pub(crate) fn status(
    place: &Place,
    login: &Login,
    state: &CommitState,
) -> Result<Box<dyn Exchange>, Unsendable> {
    let (owner, name) = place.owner_and_name();
    let path = ["repositories", owner, name, "commit", state.id()?, "statuses", "build"];
    let mut body = json!({
        "key": key(&state.name),
        "state": word(state.moment),
        "name": state.name,
        "description": state.line(DESCRIPTION),
        // It is required.
        "url": state.link.as_deref().unwrap_or_else(|| place.page()),
    });
    if let (Some(fields), Some(branch)) = (body.as_object_mut(), &state.branch) {
        fields.insert("refname".into(), branch.as_str().into());
    }
    let call = Call::json(Method::POST, place.url(path), &body).with(login.header());
    Ok(Box::new(Single { call, meaning: Meaning::of }))
}

/// Returns the key of a context. One that is too long gets a hash, so that two never share a key.
fn key(context: &str) -> String {
    if context.len() <= KEY {
        return context.to_owned();
    }
    let hash = hex::encode(Sha256::digest(context));
    format!("windlass-{hash}").chars().take(KEY).collect()
}

fn word(moment: Moment) -> &'static str {
    match moment {
        Moment::Queued | Moment::Running | Moment::Held | Moment::Approved => "INPROGRESS",
        Moment::Succeeded => "SUCCESSFUL",
        Moment::Failed => "FAILED",
        Moment::Stopped => "STOPPED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outgoing::report::tests::state;
    use windlass_model::forge::ForgeKind;

    #[test]
    fn a_long_key_is_a_hash_and_the_link_is_never_missing() {
        let place = Place::new(
            ForgeKind::Bitbucket,
            "https://api.example/2.0",
            "https://bitbucket.org/a/b",
        );
        let login = Login::new(ForgeKind::Bitbucket, "me:pass").unwrap();
        let long = "windlass/a-name-of-thirty-characters-xx/environment-of-20-ch";
        let state = CommitState { name: long.into(), link: None, ..state(Moment::Running) };
        let call = status(&place.unwrap(), &login, &state).unwrap().first();
        let commit = "a".repeat(40);
        let expected =
            format!("https://api.example/2.0/repositories/a/b/commit/{commit}/statuses/build");
        assert_eq!(call.url.as_str(), expected);
        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        let key = body["key"].as_str().unwrap();
        assert!(key.len() == 40 && key.starts_with("windlass-"), "{key}");
        assert_eq!(body["name"], long);
        assert_eq!(body["url"], "https://bitbucket.org/a/b");
        assert_eq!(body["state"], "INPROGRESS");
        assert_eq!(body["refname"], "main");
    }

    #[test]
    fn two_long_contexts_have_two_keys() {
        let [one, two] = ["staging", "production"]
            .map(|name| key(&format!("windlass/a-rather-long-name-of-an-app/{name}")));
        assert!(one != two && one == key("windlass/a-rather-long-name-of-an-app/staging"));
        assert_eq!(key("windlass/web/production"), "windlass/web/production");
    }
}
